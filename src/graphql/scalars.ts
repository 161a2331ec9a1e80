/**
 * The scalars beside GraphQL's own. What a scalar takes is parsed once, here; its errors say
 * what was expected and what kind of value came, with at most a short piece of it.
 */
import { Kind, type ValueNode } from 'graphql';
import { parseDateTime } from '../core/date-time.ts';
import type { ExactJson, ExactObject } from '../core/exact-json.ts';
import { isNumber } from '../core/exact-number.ts';
import { isJsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { instantText } from '../core/unreadable.ts';
import { builder } from './builder.ts';
import { parseDurationMs } from './duration.ts';
import { inputError } from './input-error.ts';
import { literalJson } from './json-literal.ts';
import { parseTimeZone } from './time-zone.ts';

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

function jsonObject(value: unknown, node?: ValueNode): ExactObject {
  if (isJsonObject(value)) return value;
  throw inputError(`JSONObject expects a JSON object, but got ${shown(value)}.`, node);
}
