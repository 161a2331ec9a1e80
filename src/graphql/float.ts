import { Kind, type GraphQLScalarType, type GraphQLSchema, type ValueNode } from 'graphql';
import { isNumber } from '../core/exact-number.ts';
import { inputError } from './input-error.ts';
import { shown } from './scalars.ts';

/**
 * Float takes numbers of any number of digits and makes the nearest double of them, since that is
 * what it holds. Pothos can't replace graphql-js' own, which knows no exact numbers and makes
 * Infinity of the literal 1e400.
 */
export function readFloats(schema: GraphQLSchema): GraphQLSchema {
  const float = schema.getType('Float') as GraphQLScalarType<number, number>;
  float.parseValue = value => finite(isNumber(value) ? Number(value) : NaN, value);
  float.parseLiteral = node => {
    if (node.kind === Kind.INT || node.kind === Kind.FLOAT) {
      return finite(Number(node.value), node.value, node);
    }
    throw inputError('Float expects a number.', node);
  };
  return schema;
}

function finite(double: number, given: unknown, node?: ValueNode): number {
  if (Number.isFinite(double)) return double;
  throw inputError(`Float expects a number up to ±1.8e308, but got ${shown(given)}.`, node);
}
