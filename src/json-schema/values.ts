/** JSON values as a schema sees them. Numbers keep every digit. */
import type { ExactJson } from '../core/exact-json.ts';
import { compareNumbers, ExactNumber, isNumber } from '../core/exact-number.ts';
import type { WorkBudget } from './work-budget.ts';

export type Kind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export function kindOf(value: ExactJson): Kind {
  if (typeof value !== 'object') return typeof value as 'string' | 'number' | 'boolean';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return value instanceof ExactNumber ? 'number' : 'object';
}

/** Texts of the lists and objects of one payload, made once for each. */
export type Texts = Map<object, string>;

/** Equal values have equal texts: numbers by value, objects whatever the order of their members. */
export function textOf(value: ExactJson, texts: Texts, budget: WorkBudget): string {
  if (isNumber(value)) return numberText(value);
  if (typeof value === 'string') {
    budget.charge(value.length >> 2);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object' || value === null) return String(value);
  let text = texts.get(value);
  if (text === undefined) {
    text = Array.isArray(value)
      ? `[${(value as readonly ExactJson[]).map(item => textOf(item, texts, budget)).join()}]`
      : `{${membersOf(value as Record<string, ExactJson>, texts, budget)}}`;
    budget.charge(text.length >> 2);
    texts.set(value, text);
  }
  return text;
}

function membersOf(object: Record<string, ExactJson>, texts: Texts, budget: WorkBudget): string {
  const names = Object.keys(object);
  budget.charge(names.length * 8);
  return names
    .sort()
    .map(name => `${JSON.stringify(name)}:${textOf(object[name] as ExactJson, texts, budget)}`)
    .join();
}

function numberText(value: number | ExactNumber): string {
  if (typeof value === 'number') return String(value);
  const double = Number(value.literal);
  if (Number.isFinite(double) && compareNumbers(double, value) === 0) return String(double);
  const { digits, exponent } = decimalOf(value);
  return `${digits}e${exponent}`;
}

interface Decimal {
  /** Without zeros at its end. */
  readonly digits: bigint;
  readonly exponent: number;
}

/** The value is digits × 10^exponent. A double is the decimal that `String` writes. */
function decimalOf(value: number | ExactNumber): Decimal {
  const literal = typeof value === 'number' ? String(value) : value.literal;
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/0+$/, '');
  const dropped = whole.length + fraction.length - digits.length;
  if (/^-?$/.test(digits)) return { digits: 0n, exponent: 0 };
  return { digits: BigInt(digits), exponent: Number(exponent) - fraction.length + dropped };
}

export function isInteger(value: number | ExactNumber): boolean {
  return typeof value === 'number' ? Number.isInteger(value) : decimalOf(value).exponent >= 0;
}

/** Exact, whatever the exponents: no division of doubles. */
export function isMultipleOf(
  value: number | ExactNumber,
  step: number,
  budget: WorkBudget,
): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(step))
    return (value as number) % step === 0;
  budget.charge(typeof value === 'number' ? 50 : value.literal.length * 20);
  const a = decimalOf(value);
  const b = decimalOf(step);
  if (a.digits === 0n) return true;
  const shift = a.exponent - b.exponent;
  // Digits that don't end in zero are no multiple of ten.
  return shift >= 0 && (a.digits * powerOfTen(shift, b.digits)) % b.digits === 0n;
}

/** 10^exponent modulo a number, in steps that stay small. */
function powerOfTen(exponent: number, modulus: bigint): bigint {
  const m = modulus < 0n ? -modulus : modulus;
  let result = 1n % m;
  let base = 10n % m;
  for (let e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result = (result * base) % m;
    base = (base * base) % m;
  }
  return result;
}

/** Counts code points, as JSON Schema does. */
export function lengthOf(text: string, budget: WorkBudget): number {
  budget.charge(text.length >> 2);
  let length = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    const isPair =
      (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    if (isPair) {
      length--;
      at++;
    }
  }
  return length;
}
