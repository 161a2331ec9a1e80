import { GatewayError } from '../core/errors.ts';
import { parseLong } from '../core/exact-json.ts';
import { isNumber } from '../core/exact-number.ts';
import { isJsonObject } from '../core/json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const POINT = 0x2e;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON text of a stranger, decoded and parsed with nothing altered on the way: a number that a
 * double does not hold is an `ExactNumber`.
 * @throws GatewayError BAD_REQUEST for bytes that are not UTF-8 (a lenient decoder would store
 * U+FFFD in their place), for text that is not JSON, and for nesting beyond `depthMax`, on which
 * recursive readers further in would overflow their stack.
 */
export function readJson(bytes: Uint8Array, depthMax: number): unknown {
  if (bytes.length === 0) {
    throw new GatewayError('BAD_REQUEST', 'Expected a JSON object, but the body is empty.');
  }
  const kind = scanJson(bytes, depthMax);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new GatewayError('BAD_REQUEST', 'The body is not valid UTF-8.', { cause });
  }
  return parseJson(text, 'The body', kind);
}

/** As `readJson`, for text that is already decoded, such as a URL parameter. */
export function readJsonText(text: string, name: string, depthMax: number): unknown {
  return parseJson(text, name, scanJson(Buffer.from(text), depthMax));
}

/** What a text needs that is to be parsed: LONG where it may hold a number that a double alters. */
type TextKind = 'PLAIN' | 'LONG';

/** Shorter numbers with an exponent of two digits are exact as doubles. */
const LONG_DIGITS = 16;

/**
 * Looks at a text once before it is parsed. Brackets and digits in strings do not count; for text
 * that is not JSON the answer means nothing, and its parser says so.
 * @throws GatewayError BAD_REQUEST for lists and objects nested deeper than `depthMax`
 */
export function scanJson(bytes: Uint8Array, depthMax: number): TextKind {
  let depth = 0;
  let quoted = false;
  let kind: TextKind = 'PLAIN';
  /** Digits and points since anything else. */
  let digits = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
      continue;
    }
    if (isDigit(byte) || byte === POINT) {
      if (++digits === LONG_DIGITS) kind = 'LONG';
      continue;
    }
    if (digits > 0 && isLongExponent(bytes, at)) kind = 'LONG';
    digits = 0;
    if (byte === QUOTE) quoted = true;
    // '[' and '{', then ']' and '}', differ in one bit.
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > depthMax) throw tooDeep(depthMax);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return kind;
}

/** An `e`, with or without a sign, and three digits or more. */
function isLongExponent(bytes: Uint8Array, at: number): boolean {
  if (((bytes[at] as number) | 0x20) !== 0x65) return false;
  const next = bytes[at + 1];
  const from = next === 0x2b || next === 0x2d ? at + 2 : at + 1;
  return isDigit(bytes[from]) && isDigit(bytes[from + 1]) && isDigit(bytes[from + 2]);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** What stands there, in the words of JSON. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (isNumber(value)) return 'a number';
  return Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value);
}

function parseJson(text: string, name: string, kind: TextKind): unknown {
  try {
    return kind === 'LONG' ? parseLong(text) : JSON.parse(text);
  } catch {
    // V8's message is left out, as it quotes the input.
    throw new GatewayError('BAD_REQUEST', `${name} is not valid JSON.`);
  }
}

function tooDeep(depthMax: number): GatewayError {
  return new GatewayError('BAD_REQUEST', `JSON may be nested at most ${depthMax} deep.`);
}
