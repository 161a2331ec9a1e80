/**
 * How values cross the wire. Everything is sent as text and typed by the server, so that nothing
 * is guessed from a JavaScript value. What is read keeps its exact digits: JSON and numeric stay
 * text, 64-bit integers become numbers (ours are far below 2^53), timestamptz becomes a Date.
 */

/** An array goes as a Postgres literal or as JSON text that the statement unfolds. */
export type Param = string | number | boolean | null | Date;

export function toWire(param: Param): string | null {
  if (param === null) return null;
  return param instanceof Date ? formatTimestamp(param) : String(param);
}

type Parse = (text: string) => unknown;

const asText: Parse = text => text;

/** The last instant that a `Date` holds stands for `infinity`, and the first for `-infinity`. */
const INFINITY_MS = 8.64e15;

/** Sessions run in UTC, so a timestamptz ends with +00, or with +00 BC. */
export function parseTimestamp(text: string): Date {
  const hasFourDigits = text.charCodeAt(4) === HYPHEN && text.endsWith('+00');
  if (!hasFourDigits) return parseFarTimestamp(text);
  return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
}

const HYPHEN = '-'.charCodeAt(0);

const FAR = /^(\d+)(-\d\d-\d\d) ([\d:.]+)\+00( BC)?$/;

/** Of a year that we never write: such an instant was put there by somebody else. */
function parseFarTimestamp(text: string): Date {
  const match = FAR.exec(text);
  if (match === null) return new Date(text === '-infinity' ? -INFINITY_MS : INFINITY_MS);
  const [, digits, date, time, era] = match;
  // The year before the year 1 is the year 0.
  const year = era === undefined ? Number(digits) : 1 - Number(digits);
  const sixDigits = String(Math.abs(year)).padStart(6, '0');
  const instant = new Date(`${year < 0 ? '-' : '+'}${sixDigits}${date}T${time}Z`);
  return Number.isNaN(instant.getTime()) ? new Date(INFINITY_MS) : instant;
}

function formatTimestamp(instant: Date): string {
  const ms = instant.getTime();
  if (Math.abs(ms) === INFINITY_MS) return ms > 0 ? 'infinity' : '-infinity';
  const year = instant.getUTCFullYear();
  const text = instant.toISOString();
  if (year > 0 && year <= 9999) return text;
  // A sign and six digits, but for the year 0, which has four.
  const rest = text.slice(year === 0 ? 4 : 7);
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`;
}

/** Element type oid → array type oid, from pg_type.dat; unknown types are read as text. */
const PARSERS: readonly (readonly [oid: number, array: number, parse: Parse])[] = [
  [16, 1000, text => text === 't'],
  [20, 1016, Number],
  [21, 1005, Number],
  [23, 1007, Number],
  [26, 1028, Number],
  [700, 1021, Number],
  [701, 1022, Number],
  [25, 1009, asText],
  [1043, 1015, asText],
  [19, 1003, asText],
  [2950, 2951, asText],
  [1700, 1231, asText],
  [114, 199, asText],
  [3802, 3807, asText],
  [1082, 1182, asText],
  [1114, 1115, asText],
  [1184, 1185, parseTimestamp],
];

interface WireType {
  to: number;
  from: number[];
  serialize: (value: unknown) => string;
  parse: Parse;
}

/** The driver's table of types: ours, over each one that it would convert by itself. */
export function driverTypes(): Record<string, WireType> {
  const types: Record<string, WireType> = {};
  for (const [oid, array, parse] of PARSERS) {
    types[`t${oid}`] = { to: oid, from: [oid], serialize: String, parse };
    const parseArray: Parse = text => parseArrayLiteral(text, parse);
    types[`t${array}`] = { to: array, from: [array], serialize: String, parse: parseArray };
  }
  return types;
}

/** Reads `{a,"b \" c",NULL}`, nested to any depth that Postgres makes (six). */
export function parseArrayLiteral(text: string, parse: Parse): unknown[] {
  let at = text.indexOf('{');
  function list(): unknown[] {
    const items: unknown[] = [];
    at++;
    while (text[at] !== '}') {
      items.push(text[at] === '{' ? list() : item());
      if (text[at] === ',') at++;
    }
    at++;
    return items;
  }
  function item(): unknown {
    if (text[at] === '"') return parse(quoted());
    const start = at;
    while (text[at] !== ',' && text[at] !== '}') at++;
    const bare = text.slice(start, at);
    return bare === 'NULL' ? null : parse(bare);
  }
  function quoted(): string {
    let value = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at] ?? '';
    }
    at++;
    return value;
  }
  return at < 0 ? [] : list();
}
