/**
 * JSON whose numbers keep every digit, see `exact-number.ts`. Most texts hold no number that a
 * double would alter, which one look can tell: those are left to `JSON.parse`. In the others long
 * numbers are marked as texts on their way through it.
 */
import { compareNumbers, exactNumber, ExactNumber, isNumber, MARK } from './exact-number.ts';
import type { JsonObject } from './json.ts';

export type ExactJson =
  null | boolean | string | number | ExactNumber | readonly ExactJson[] | ExactObject;
export interface ExactObject {
  readonly [key: string]: ExactJson;
}

/**
 * A number without this is one of at most 15 significant digits, which its double tells from every
 * other. Also true for some texts without such a number.
 */
const MAY_BE_LONG = /[\d.]{16}|\d[eE][+-]?\d{3}/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const MAX_INTEGER = new ExactNumber('9007199254740992');

/** @throws SyntaxError as `JSON.parse`, for the same texts */
export function parseExact(text: string): ExactJson {
  return MAY_BE_LONG.test(text) ? parseLong(text) : (JSON.parse(text) as ExactJson);
}

/** The same for a text that may hold long numbers. */
export function parseLong(text: string): ExactJson {
  return unmarked(JSON.parse(marked(text)) as ExactJson);
}

/** JSON text with every digit; as `JSON.stringify` writes it where there are no exact numbers. */
export function writeExact(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(WRITTEN_MARK) ? text.replaceAll(WRITTEN, '$1') : text;
}

const WRITTEN_MARK = JSON.stringify(MARK).slice(0, -1);
const WRITTEN = new RegExp(`${WRITTEN_MARK.replaceAll('\\', '\\\\')}(-?\\d[\\d.e+-]*)"`, 'g');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
const POINT = 0x2e;
const COLON = 0x3a;

/** Shorter literals are exact as doubles, whatever their exponents. */
const SHORT = 5;
const LONG = 16;

function isLong(literal: string): boolean {
  return literal.length >= LONG || (literal.length >= SHORT && MAY_BE_LONG.test(literal));
}

/** The text with each number that a double would alter as a text with a mark. */
export function marked(text: string): string {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = skipString(text, at);
    else if (unit === MINUS || isDigit(unit)) {
      const end = skipNumber(text, at);
      const mark = markOf(text.slice(at, end));
      // A number in place of a key is a fault: it stays one.
      if (mark !== null && nextUnit(text, end) !== COLON) {
        parts.push(text.slice(from, at), mark);
        from = end;
      }
      at = end;
    } else at += 1;
  }
  return from === 0 ? text : parts.join('') + text.slice(from);
}

/** A number as a text with a mark; null where its double is as good. */
function markOf(literal: string): string | null {
  if (!isLong(literal)) return null;
  const value = exactNumber(literal);
  return typeof value === 'number' ? null : `${WRITTEN_MARK}${value.literal}"`;
}

/** Puts exact numbers in the place of marked texts, in the value itself. */
export function unmarked(value: ExactJson): ExactJson {
  if (typeof value === 'string') {
    return value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value as ExactJson[];
    for (let at = 0; at < items.length; at++) items[at] = unmarked(items[at] as ExactJson);
    return value;
  }
  // Every key is the object's own, also one that is called __proto__.
  const members = value as Record<string, ExactJson>;
  for (const key of Object.keys(members)) {
    const member = members[key] as ExactJson;
    const plain = unmarked(member);
    if (plain !== member) members[key] = plain;
  }
  return value;
}

function skipString(text: string, from: number): number {
  let at = from + 1;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE || Number.isNaN(unit)) return at + 1;
    at += unit === BACKSLASH ? 2 : 1;
  }
}

/** The end of a JSON number that begins here; of what is none, some place behind its start. */
function skipNumber(text: string, from: number): number {
  let at = from + (text.charCodeAt(from) === MINUS ? 1 : 0);
  at = text.charCodeAt(at) === ZERO ? at + 1 : skipDigits(text, at);
  if (text.charCodeAt(at) === POINT && isDigit(text.charCodeAt(at + 1))) {
    at = skipDigits(text, at + 1);
  }
  // `e` and `E` differ in one bit.
  if ((text.charCodeAt(at) | 0x20) !== 0x65) return at;
  const sign = text.charCodeAt(at + 1);
  const signed = sign === MINUS || sign === PLUS ? at + 2 : at + 1;
  return isDigit(text.charCodeAt(signed)) ? skipDigits(text, signed) : at;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

function nextUnit(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at);
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= 0x39;
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
function isDigitOrPoint(unit: number): boolean {
  return isDigit(unit) || unit === POINT;
}

function isReadable(literal: string): boolean {
  if (/^-?\d+$/.test(literal)) {
    return compareNumbers(new ExactNumber(literal.replace('-', '')), MAX_INTEGER) <= 0;
  }
  return Number.isFinite(Number(literal));
}

/** Equal as jsonb is: numbers by value, objects whatever the order of their keys. */
export function equalsExactly(a: ExactJson, b: ExactJson): boolean {
  if (isNumber(a)) return isNumber(b) && compareNumbers(a, b) === 0;
  if (typeof a !== 'object' || a === null) return a === b;
  if (typeof b !== 'object' || b === null || isNumber(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    const isPair = Array.isArray(a) && Array.isArray(b) && a.length === b.length;
    return isPair && a.every((item, index) => equalsExactly(item, b[index] as ExactJson));
  }
  return equalMembers(a as ExactObject, b as ExactObject);
}

function equalMembers(a: ExactObject, b: ExactObject): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    key => Object.hasOwn(b, key) && equalsExactly(a[key] as ExactJson, b[key] as ExactJson),
  );
}
