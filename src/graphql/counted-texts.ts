import {
  defaultFieldResolver,
  getNamedType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import type { GraphQLContext } from './context.ts';

const TEXTS: ReadonlySet<string> = new Set(['String', 'ID']);

/** Counts every text that a field of the schema resolves to, so that no answer outgrows its budget. */
export function countTexts(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (!TEXTS.has(getNamedType(field.type).name)) continue;
      field.resolve = counted(field.resolve ?? defaultFieldResolver);
    }
  }
  return schema;
}

type Resolve = GraphQLFieldResolver<unknown, unknown>;

function counted(resolve: Resolve): Resolve {
  return (source, args, context, info) => {
    const value: unknown = resolve(source, args, context, info);
    const bytes = bytesOf(value);
    if (bytes === 0) return value;
    if ((context as GraphQLContext).answer.holds(bytes)) return value;
    return Array.isArray(value) ? [] : '';
  };
}

/** In UTF-16: near enough. What is still to come, such as a cursor, is short. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (!Array.isArray(value)) return 0;
  return value.reduce<number>((sum, item) => sum + bytesOf(item), 0);
}
