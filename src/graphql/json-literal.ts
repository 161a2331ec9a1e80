import { Kind, type ObjectValueNode, type ValueNode } from 'graphql';
import type { Json, JsonObject } from '../core/json.ts';
import { inputError } from './input-error.ts';

export const LITERAL_TOO_BIG =
  'Integers beyond ±(2^53-1) lose digits in JSON: send them as `long` in `properties`.';

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * The JSON value that a literal in a document stands for.
 * @throws GraphQLError BAD_USER_INPUT for enum values, and for numbers that would lose digits.
 */
export function literalJson(node: ValueNode, variables: Variables): Json {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return number(node);
    case Kind.LIST:
      return node.values.map(value => literalJson(value, variables));
    case Kind.OBJECT:
      return object(node, variables);
    case Kind.VARIABLE:
      return ofVariable(variables?.[node.name.value]);
    case Kind.ENUM:
      throw inputError(`A JSON value is expected here: write "${node.value}" in quotes.`, node);
  }
}

function number(node: ValueNode & { kind: Kind.INT | Kind.FLOAT }): number {
  const value = Number(node.value);
  if (node.kind === Kind.INT && !Number.isSafeInteger(value))
    throw inputError(LITERAL_TOO_BIG, node);
  if (Number.isFinite(value)) return value;
  throw inputError('This number is beyond what JSON readers hold.', node);
}

/** A field whose variable was not given is left out, as in an input object. */
function object({ fields }: ObjectValueNode, variables: Variables): JsonObject {
  const given = fields.filter(({ value }) => {
    return value.kind !== Kind.VARIABLE || variables?.[value.name.value] !== undefined;
  });
  // fromEntries defines own properties, also one that is called __proto__.
  return Object.fromEntries(
    given.map(({ name, value }) => [name.value, literalJson(value, variables)]),
  );
}

function ofVariable(value: unknown): Json {
  return value instanceof Date ? value.toISOString() : ((value ?? null) as Json);
}
