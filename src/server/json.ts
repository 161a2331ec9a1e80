import { GatewayError } from '../core/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON text of a stranger, decoded and parsed with nothing altered on the way.
 * @throws GatewayError BAD_REQUEST for bytes that are not UTF-8 (a lenient decoder would store
 * U+FFFD in their place), for text that is not JSON, and for nesting beyond `depthMax`, on which
 * recursive readers further in would overflow their stack.
 */
export function readJson(bytes: Uint8Array, depthMax: number): unknown {
  if (bytes.length === 0) {
    throw new GatewayError('BAD_REQUEST', 'A JSON object is expected, but the body is empty.');
  }
  if (isNestedBeyond(bytes, depthMax)) throw tooDeep(depthMax);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new GatewayError('BAD_REQUEST', 'The body is not valid UTF-8.', { cause });
  }
  return parseJson(text, 'The body');
}

/** As `readJson`, for text that is already decoded, such as a URL parameter. */
export function readJsonText(text: string, name: string, depthMax: number): unknown {
  if (isNestedBeyond(Buffer.from(text), depthMax)) throw tooDeep(depthMax);
  return parseJson(text, name);
}

/** Whether lists and objects lie within each other deeper than `depthMax`. Brackets in texts are
 * not counted; in text that is not JSON the answer means nothing, and its parser will say so. */
export function isNestedBeyond(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    // '[' and '{', then ']' and '}', differ in one bit.
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

/** What stands there, in the words of JSON. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // V8's message is left out, as it quotes the input.
    throw new GatewayError('BAD_REQUEST', `${name} is not valid JSON.`);
  }
}

function tooDeep(depthMax: number): GatewayError {
  return new GatewayError('BAD_REQUEST', `JSON may be nested at most ${depthMax} deep.`);
}
