import {
  getVariableValues,
  isInputType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { coercerOf, NotCoercible, type Coerce } from './coerce.ts';
import type { Variables } from './selection.ts';
import { shortened } from './shortened.ts';

export type CoercedVariables =
  | { readonly coerced: Variables; readonly errors?: never }
  | { readonly coerced?: never; readonly errors: readonly GraphQLError[] };

export type CoerceVariables = (given: Variables) => CoercedVariables;

/** More tell nothing new. */
const ERRORS_MAX = 50;

/**
 * Prepares the coercion of an operation's variables. graphql-js coerces what the prepared
 * coercers do not take, and explains what is wrong with it.
 * @see https://spec.graphql.org/October2021/#CoerceVariableValues()
 */
export function prepareVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): CoerceVariables {
  const readers = variableDefinitions.map(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node) as GraphQLInputType;
    if (!isInputType(type)) return undefined;
    const isRequired = isNonNullType(type) && defaultValue === undefined;
    const preset = defaultValue && valueFromAST(defaultValue, type);
    return { name: variable.name.value, type, coerce: coercerOf(type), isRequired, preset };
  });
  const isKnown = readers.every(reader => reader !== undefined);
  return given => {
    const fast = isKnown ? coerceAll(readers, given) : undefined;
    if (fast !== undefined) return { coerced: fast };
    const short: Record<string, unknown> = { ...given };
    for (const reader of readers) {
      if (reader !== undefined && Object.hasOwn(given, reader.name)) {
        short[reader.name] = shortened(given[reader.name], reader.type);
      }
    }
    return getVariableValues(schema, variableDefinitions, short, { maxErrors: ERRORS_MAX });
  };
}

interface Reader {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly coerce: Coerce;
  readonly isRequired: boolean;
  /** The value where none is given; undefined where there is no default. */
  readonly preset: unknown;
}

/** Undefined where a value does not fit. */
function coerceAll(readers: readonly Reader[], given: Variables): Variables | undefined {
  const coerced: Record<string, unknown> = {};
  try {
    for (const { name, coerce, isRequired, preset } of readers) {
      if (Object.hasOwn(given, name)) coerced[name] = coerce(given[name]);
      else if (preset !== undefined) coerced[name] = preset;
      else if (isRequired) return undefined;
    }
  } catch (error) {
    if (error instanceof NotCoercible) return undefined;
    throw error;
  }
  return coerced;
}
