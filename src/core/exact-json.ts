/**
 * JSON whose numbers keep every digit. Postgres compares numbers as `numeric`, so whoever wants
 * to agree with it must not read them as doubles. But most numbers have few digits: a decimal of
 * at most 15 significant digits is told from every other one by its double, and doubles have the
 * order of the decimals that `String` writes for them. So only longer literals are set apart, and
 * a text without any, which one look can tell, is left to `JSON.parse`.
 */
import type { Json, JsonObject } from './json.ts';

/** A number of more digits, or a larger exponent, than a double tells apart. */
export class ExactNumber {
  /** As it stands in the JSON text. */
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

export type ExactJson =
  null | boolean | string | number | ExactNumber | readonly ExactJson[] | ExactObject;
export interface ExactObject {
  readonly [key: string]: ExactJson;
}

/** Also true for some texts without a long number, such as one with a long run of digits in a string. */
const MAY_BE_LONG = /[\d.]{16}|\d[eE][+-]?\d{3}/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const MAX_INTEGER = '9007199254740992';

/** For text that Postgres has kept as jsonb: no string in it holds U+0000, which marks a number here. */
export function parseExact(text: string): ExactJson {
  if (!MAY_BE_LONG.test(text)) return JSON.parse(text) as ExactJson;
  const marked = text.replaceAll(STRING_OR_NUMBER, token =>
    token.startsWith('"') || !MAY_BE_LONG.test(token) ? token : `"\\u0000${token}"`,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith('\0') ? new ExactNumber(value.slice(1)) : value,
  ) as ExactJson;
}

/**
 * A payload for readers whose numbers are doubles: integers beyond ±2^53, and what no double
 * holds at all, come out as text. Other numbers are the nearest double.
 */
export function parsePayload(text: string): JsonObject {
  return JSON.parse(MAY_BE_LONG.test(text) ? readable(text) : text) as JsonObject;
}

/** The same for any JSON that Postgres has written, which has no exponents, and left as text. */
export function readableJson(text: string): string {
  return hasLongRun(text) ? readable(text) : text;
}

function readable(text: string): string {
  return text.replaceAll(STRING_OR_NUMBER, token =>
    token.startsWith('"') || isReadable(token) ? token : `"${token}"`,
  );
}

const RUN = 16;

/** As `/[\d.]{16}/`, of which one in sixteen looks is enough: a tenth of its time. */
function hasLongRun(text: string): boolean {
  for (let at = RUN - 1; at < text.length; at += RUN) {
    let from = at;
    let to = at;
    while (isDigitOrPoint(text.charCodeAt(from))) from--;
    while (isDigitOrPoint(text.charCodeAt(to))) to++;
    if (to - from > RUN) return true;
  }
  return false;
}

/** False for NaN, which is beyond either end. */
function isDigitOrPoint(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e;
}

function isReadable(literal: string): boolean {
  const value = Number(literal);
  if (/^-?\d+$/.test(literal)) {
    return compareDecimals(literal.replace('-', ''), MAX_INTEGER) <= 0;
  }
  return Number.isFinite(value);
}

/** Below zero, zero or above it, as the decimals compare; a double is the decimal `String` writes. */
export function compareNumbers(a: number | ExactNumber, b: number | ExactNumber): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareDecimals(literalOf(a), literalOf(b));
}

function literalOf(value: number | ExactNumber): string {
  return typeof value === 'number' ? String(value) : value.literal;
}

/** The value is ± 0.digits × 10^magnitude, without zeros at either end of the digits. */
interface Decimal {
  readonly sign: -1 | 0 | 1;
  readonly digits: string;
  readonly magnitude: number;
}

function compareDecimals(a: string, b: string): number {
  const x = readDecimal(a);
  const y = readDecimal(b);
  if (x.sign !== y.sign) return x.sign - y.sign;
  if (x.magnitude !== y.magnitude) return x.sign * (x.magnitude - y.magnitude);
  if (x.digits === y.digits) return 0;
  return x.digits < y.digits ? -x.sign : x.sign;
}

function readDecimal(literal: string): Decimal {
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  const magnitude = whole.length - (all.length - digits.length) + Number(exponent);
  if (digits === '') return { sign: 0, digits, magnitude: 0 };
  const sign = literal.startsWith('-') ? -1 : 1;
  return { sign, digits: digits.replace(/0+$/, ''), magnitude };
}

/** Equal as jsonb is: numbers by value, objects whatever the order of their keys. */
export function equalsExactly(a: ExactJson, b: Json): boolean {
  if (isNumber(a)) return typeof b === 'number' && compareNumbers(a, b) === 0;
  if (typeof a !== 'object' || a === null) return a === b;
  if (typeof b !== 'object' || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    const isPair = Array.isArray(a) && Array.isArray(b) && a.length === b.length;
    return isPair && a.every((item, index) => equalsExactly(item, b[index] as Json));
  }
  return equalMembers(a as ExactObject, b as JsonObject);
}

function equalMembers(a: ExactObject, b: JsonObject): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    key => Object.hasOwn(b, key) && equalsExactly(a[key] as ExactJson, b[key] as Json),
  );
}

export function isNumber(value: ExactJson | undefined): value is number | ExactNumber {
  return typeof value === 'number' || value instanceof ExactNumber;
}
