import { printSchema } from 'graphql';
import { orderedSchema } from './schema.ts';

/** The API as text. */
export function printedSchema(): string {
  return `${printSchema(orderedSchema)}\n`;
}
