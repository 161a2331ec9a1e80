import { GraphQLSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

/** The API as text: `Query` first, and each type where it is first spoken of. */
export function printedSchema(): string {
  return `${printSchema(new GraphQLSchema({ ...schema.toConfig(), types: [] }))}\n`;
}
