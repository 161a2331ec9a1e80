/**
 * graphql-js puts a value that does not fit into its message, whole: of an object of 700,000 keys
 * that takes it ten seconds. So it is given as much of such a value as a message may show.
 */
import {
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  type GraphQLInputType,
} from 'graphql';
import { isNumber } from '../../core/exact-number.ts';
import { coercerOf } from './coerce.ts';

const ITEMS_SHOWN = 10;
const CHARS_SHOWN = 60;
/** As deep as `inspect` of graphql-js goes. */
const DEPTH_SHOWN = 3;

/** The same value, where it fits the type; of what does not fit, the beginning. */
export function shortened(value: unknown, type: GraphQLInputType): unknown {
  const nullable = getNullableType(type);
  if (value == null) return value;
  if (isListType(nullable)) {
    const item = nullable.ofType as GraphQLInputType;
    return Array.isArray(value) ? value.map(each => shortened(each, item)) : shortened(value, item);
  }
  if (isLeafType(nullable)) return fits(value, nullable) ? value : beginningOf(value, DEPTH_SHOWN);
  if (!isInputObjectType(nullable) || typeof value !== 'object' || Array.isArray(value)) {
    return beginningOf(value, DEPTH_SHOWN);
  }
  const fields = nullable.getFields();
  const short: Record<string, unknown> = {};
  let unknown = 0;
  for (const name in value) {
    const own = (value as Record<string, unknown>)[name];
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined) short[name] = shortened(own, field.type);
    else if (unknown++ < ITEMS_SHOWN) short[beginningOfText(name)] = beginningOf(own, DEPTH_SHOWN);
  }
  return short;
}

function fits(value: unknown, type: GraphQLInputType): boolean {
  try {
    coercerOf(type)(value);
    return true;
  } catch {
    return false;
  }
}

function beginningOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return beginningOfText(value);
  if (typeof value !== 'object' || value === null || isNumber(value)) return value;
  if (depth === 0) return Array.isArray(value) ? [] : {};
  if (Array.isArray(value)) {
    // One more, so that the message says that there are more.
    return value.slice(0, ITEMS_SHOWN + 1).map(each => beginningOf(each, depth - 1));
  }
  const short: Record<string, unknown> = {};
  let count = 0;
  for (const name in value) {
    if (count++ === ITEMS_SHOWN) break;
    const own = (value as Record<string, unknown>)[name];
    short[beginningOfText(name)] = beginningOf(own, depth - 1);
  }
  return short;
}

function beginningOfText(text: string): string {
  return text.length > CHARS_SHOWN ? `${text.slice(0, CHARS_SHOWN)}…` : text;
}
