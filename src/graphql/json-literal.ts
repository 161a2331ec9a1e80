import { Kind, type ObjectValueNode, type ValueNode } from 'graphql';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { exactNumber } from '../core/exact-number.ts';
import { inputError } from './input-error.ts';

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * The JSON value that a literal in a document stands for. The variables in it are of types whose
 * values are JSON: `JsonVariablesRule` sees to that.
 * @throws GraphQLError BAD_USER_INPUT for enum values
 */
export function literalJson(node: ValueNode, variables: Variables): ExactJson {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return exactNumber(node.value);
    case Kind.LIST:
      return node.values.map(value => literalJson(value, variables));
    case Kind.OBJECT:
      return object(node, variables);
    case Kind.VARIABLE:
      return (variables?.[node.name.value] ?? null) as ExactJson;
    case Kind.ENUM:
      throw inputError(`Expected a JSON value: write "${node.value}" in quotes.`, node);
  }
}

/** A field whose variable was not given is left out, as in an input object. */
function object({ fields }: ObjectValueNode, variables: Variables): ExactObject {
  const given = fields.filter(({ value }) => {
    return value.kind !== Kind.VARIABLE || variables?.[value.name.value] !== undefined;
  });
  // fromEntries defines own properties, also one that is called __proto__.
  return Object.fromEntries(
    given.map(({ name, value }) => [name.value, literalJson(value, variables)]),
  );
}
