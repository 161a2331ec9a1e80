/**
 * The scalars beside GraphQL's own. What a scalar takes is parsed once, here; its errors say
 * what was expected and what kind of value came, with at most a short piece of it.
 */
import {
  GraphQLError,
  Kind,
  type ASTNode,
  type GraphQLScalarType,
  type GraphQLSchema,
  type ObjectValueNode,
  type ValueNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { parseDateTime } from '../core/date-time.ts';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { exactNumber, isNumber } from '../core/exact-number.ts';
import { isJsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { instantText } from '../core/unreadable.ts';
import { builder } from './builder.ts';

const NAME = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/;
const NAME_CHARS_MAX = 64;

/** Telling whether a name is good takes some 50 µs: names are few, and kept. */
const known = new LRUCache<string, { readonly name: string | null }>({ max: 2_000 });

/** The name of a zone, in the letters of the IANA database; null where there is none. */
function parseTimeZone(text: string): string | null {
  if (text.length > NAME_CHARS_MAX || !NAME.test(text)) return null;
  let found = known.get(text);
  if (found === undefined) known.set(text, (found = { name: canonicalName(text) }));
  return found.name;
}

function canonicalName(text: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    // A link, such as Asia/Kolkata, resolves to an older name: the caller's stands.
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text;
  } catch {
    return null;
  }
}

const FORMAT =
  /^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,3})?)S)?)?$/;
const UNITS_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];
const DURATION_MS_MAX = 36_525 * 86_400_000;

/** An ISO 8601 duration in ms; null for any other text, and beyond a century. */
function parseDurationMs(text: string): number | null {
  const match = FORMAT.exec(text);
  if (match === null || text === 'P' || text.endsWith('T')) return null;
  const ms = UNITS_MS.reduce((sum, unit, at) => {
    return sum + Math.round(Number((match[at + 1] ?? '0').replace(',', '.')) * unit);
  }, 0);
  return ms <= DURATION_MS_MAX ? ms : null;
}

const SHOWN_CHARS_MAX = 40;

/** What came, briefly: long values are not echoed. */
export function shown(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && !isNumber(value)) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}

/** A scalar that is text on the wire. `parse` answers null for text that it does not take. */
function textScalar<T>(expected: string, parse: (text: string) => T | null) {
  function parseValue(value: unknown, node?: ValueNode): T {
    const parsed = typeof value === 'string' ? parse(value) : null;
    if (parsed === null) throw inputError(`${expected}, but got ${shown(value)}.`, node);
    return parsed;
  }
  return {
    parseValue: (value: unknown) => parseValue(value),
    parseLiteral: (node: ValueNode) => {
      if (node.kind === Kind.STRING) return parseValue(node.value, node);
      throw inputError(`${expected}, in quotes.`, node);
    },
  };
}

builder.scalarType('DateTime', {
  description:
    'An instant in the format of RFC 3339, such as `2026-02-28T23:59:59.123Z`. An ' +
    'offset is required, up to ±23:59. Years are 1 to 9999. Digits beyond milliseconds are ' +
    'dropped. Answers are in UTC with milliseconds.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: instantText,
  ...textScalar(
    'DateTime expects an RFC 3339 instant with a time zone, such as 2026-02-28T23:59:59.123Z, in the years 1 to 9999',
    parseDateTime,
  ),
});

builder.scalarType('TimeZone', {
  description: 'The name of a time zone in the IANA database, such as `Europe/Vienna` or `UTC`.',
  specifiedByURL: 'https://www.iana.org/time-zones',
  serialize: name => name,
  ...textScalar('TimeZone expects an IANA name, such as Europe/Vienna', parseTimeZone),
});

builder.scalarType('Duration', {
  description:
    'A length of time in the format of ISO 8601, such as `PT15M` or `P30D`: weeks, days of 24 ' +
    'hours, hours, minutes and seconds down to a millisecond. Years and months have no fixed ' +
    'length and are refused. It is at most 36,525 days.',
  specifiedByURL: 'https://www.iso.org/standard/70907.html',
  serialize: ms => `PT${ms / 1_000}S`,
  ...textScalar(
    'Duration expects an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT15M or P30D, up to P36525D',
    parseDurationMs,
  ),
});

builder.scalarType('SafeInt', {
  description:
    'An integer within ±9,007,199,254,740,991 (2^53-1), which every JSON reader keeps exactly. ' +
    'It is sent as a JSON number.',
  serialize: value => value,
  parseValue: value => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw inputError(`SafeInt expects a whole number within ±(2^53-1), but got ${shown(value)}.`);
  },
  parseLiteral: node => {
    const value = node.kind === Kind.INT ? Number(node.value) : NaN;
    if (Number.isSafeInteger(value)) return value;
    throw inputError('SafeInt expects a whole number within ±(2^53-1).', node);
  },
});

const NUMBERS =
  'A number keeps every digit, in variables and in literals. Numbers are refused outside the ' +
  `range of a 64-bit float, or with more than ${LIMITS.numberDigitsMax} digits when written ` +
  'without an exponent. A variable inside a literal must be declared as JSON, JSONObject, ' +
  'String, ID, Int, Float, Boolean or SafeInt, or as a list of one of these.';

builder.scalarType('JSON', {
  description: `Any JSON value: an object, list, text, number, boolean or null. ${NUMBERS}`,
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: value => value,
  parseValue: value => value as ExactJson,
  parseLiteral: (node, variables) => literalJson(node, variables),
});

builder.scalarType('JSONObject', {
  description: `A JSON object. ${NUMBERS}`,
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: value => value,
  parseValue: value => jsonObject(value),
  parseLiteral: (node, variables) => jsonObject(literalJson(node, variables), node),
});

export function jsonObject(value: unknown, node?: ValueNode): ExactObject {
  if (isJsonObject(value)) return value;
  throw inputError(`JSONObject expects a JSON object, but got ${shown(value)}.`, node);
}

/** A value that a scalar does not take. */
export function inputError(message: string, node?: ASTNode): GraphQLError {
  const extensions = { code: 'BAD_USER_INPUT' };
  return new GraphQLError(message, { ...(node && { nodes: node }), extensions });
}

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
