/**
 * Numbers that keep every digit. The one rule for payloads and filters, at every door:
 *
 *   A number keeps its value exactly, whatever its size. It lies within the range of a 64-bit
 *   float, and has at most `LIMITS.numberDigitsMax` digits when it is written without an exponent.
 *
 * Any other number is refused. Postgres stores numbers of JSON as `numeric`, which keeps every
 * digit but writes exponents out; the limit bounds what a short literal such as 1e131071 becomes.
 * The range is that of the readers: most of them, and percentiles, take numbers as doubles.
 *
 * A number whose double has the same decimal value is a JavaScript number; that is nearly every
 * one. Only the others are an `ExactNumber`.
 */
import { LIMITS } from './limits.ts';

/**
 * What marks a number in a JSON text as it passes through `JSON.parse` and `JSON.stringify`. No
 * text of a caller begins with it, since nobody can guess it.
 */
export const MARK = `#${crypto.randomUUID().slice(-12)}:`;

/** Without an exponent or zeros at an end, and of fewer digits than are kept. */
const CANONICAL = /^-?(?:[1-9]\d{0,20}|(?:0|[1-9]\d{0,199})\.\d{0,198}[1-9])$/;

/** A number that a double does not hold exactly. See `exactNumber`. */
export class ExactNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }

  toString(): string {
    return this.literal;
  }

  /** For `writeExact`, which takes the mark away again. */
  toJSON(): string {
    return MARK + this.literal;
  }
}

/** Without the marks of numbers, which no caller is to see. */
export function withoutMarks(text: string): string {
  return text.includes(MARK) ? text.replaceAll(MARK, '') : text;
}

/**
 * The value of a JSON number. Literals of one value give the same result: an `ExactNumber` is
 * written without an exponent and without zeros at its ends, unless it has more digits than are
 * kept.
 */
export function exactNumber(literal: string): number | ExactNumber {
  const double = Number(literal);
  const text = String(double);
  if (text === literal) return double;
  // Without an exponent, two literals of one value are the same.
  if (CANONICAL.test(literal) && !text.includes('e')) return new ExactNumber(literal);
  const decimal = readDecimal(literal);
  const isExact = Number.isFinite(double) && compare(decimal, readDecimal(text)) === 0;
  return isExact ? double : new ExactNumber(write(decimal));
}

export function isNumber(value: unknown): value is number | ExactNumber {
  return typeof value === 'number' || value instanceof ExactNumber;
}

/** Of a value that is refused. */
export interface Fault {
  readonly expected: string;
  readonly came: string;
}

/** Why a number is not kept, or null. */
export function numberFault(value: number | ExactNumber): Fault | null {
  if (typeof value === 'number' && Number.isFinite(value)) return null;
  const double = Number(value);
  if (typeof value === 'number' || !Number.isFinite(double) || double === 0) {
    const expected = 'a number within the range of a 64-bit float, 5e-324 to 1.8e308';
    return { expected, came: shown(String(value)) };
  }
  const digits = writtenDigits(readDecimal(value.literal));
  if (digits <= LIMITS.numberDigitsMax) return null;
  const expected = `a number of at most ${LIMITS.numberDigitsMax} digits, written without an exponent`;
  return { expected, came: `one of ${digits}` };
}

/** As Postgres writes it: without an exponent. Of a number that has no fault. */
export function plainLiteral(value: number | ExactNumber): string {
  const literal = literalOf(value);
  return literal.includes('e') ? write(readDecimal(literal)) : literal;
}

/** Its whole part in digits, or null where that has more than 19. */
export function wholePart(literal: string): string | null {
  const { sign, digits, magnitude } = readDecimal(literal);
  if (magnitude > 19) return null;
  const whole = digits.slice(0, Math.max(0, magnitude)).padEnd(magnitude, '0');
  return whole === '' ? '0' : `${sign < 0 ? '-' : ''}${whole}`;
}

/** Below zero, zero or above it, as the decimals compare. */
export function compareNumbers(a: number | ExactNumber, b: number | ExactNumber): number {
  // Doubles have the order of the decimals that `String` writes for them.
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compare(readDecimal(literalOf(a)), readDecimal(literalOf(b)));
}

function literalOf(value: number | ExactNumber): string {
  return typeof value === 'number' ? String(value) : value.literal;
}

const SHOWN_CHARS_MAX = 40;

function shown(literal: string): string {
  return literal.length > SHOWN_CHARS_MAX ? `${literal.slice(0, SHOWN_CHARS_MAX)}…` : literal;
}

/** The value is ± 0.digits × 10^magnitude, without zeros at either end of the digits. */
interface Decimal {
  readonly sign: -1 | 0 | 1;
  readonly digits: string;
  readonly magnitude: number;
}

function readDecimal(literal: string): Decimal {
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const all = whole + fraction;
  // Loops, since a pattern for zeros at the end takes the square of their number.
  let start = 0;
  while (all[start] === '0') start += 1;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end -= 1;
  if (start === end) return { sign: 0, digits: '', magnitude: 0 };
  const magnitude = whole.length - start + Number(exponent);
  return { sign: literal.startsWith('-') ? -1 : 1, digits: all.slice(start, end), magnitude };
}

function compare(x: Decimal, y: Decimal): number {
  if (x.sign !== y.sign) return x.sign - y.sign;
  if (x.magnitude !== y.magnitude) return x.magnitude < y.magnitude ? -x.sign : x.sign;
  if (x.digits === y.digits) return 0;
  return x.digits < y.digits ? -x.sign : x.sign;
}

function writtenDigits({ digits, magnitude }: Decimal): number {
  return Math.max(1, magnitude) + Math.max(0, digits.length - magnitude);
}

/** Without an exponent, where that is bounded. */
function write(decimal: Decimal): string {
  const { sign, digits, magnitude } = decimal;
  if (sign === 0) return '0';
  const minus = sign < 0 ? '-' : '';
  if (writtenDigits(decimal) > LIMITS.numberDigitsMax) {
    return `${minus}${digits}e${magnitude - digits.length}`;
  }
  if (magnitude <= 0) return `${minus}0.${'0'.repeat(-magnitude)}${digits}`;
  if (magnitude >= digits.length) return minus + digits.padEnd(magnitude, '0');
  return `${minus}${digits.slice(0, magnitude)}.${digits.slice(magnitude)}`;
}
