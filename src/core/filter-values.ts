/**
 * What a `PropertyFilter` looks at, and how texts compare. `read/filters.ts` says the same in
 * SQL, and a property test holds the two together.
 */
import type { ExactJson, ExactObject } from './exact-json.ts';
import { isNumber } from './exact-number.ts';

const INDEX = /^(0|[1-9]\d*)$/;

/** Whether a step of a path may be the index of a list: decimal, without sign or leading zeros. */
export function isIndex(step: string): boolean {
  return INDEX.test(step);
}

/**
 * The value at a path, undefined where there is none. A step is a key of an object, or an index
 * of a list from 0.
 */
export function valueAt(payload: ExactJson, path: readonly string[]): ExactJson | undefined {
  let value: ExactJson | undefined = payload;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || isNumber(value)) return undefined;
    if (Array.isArray(value)) value = isIndex(step) ? value[Number(step)] : undefined;
    else value = Object.hasOwn(value, step) ? (value as ExactObject)[step] : undefined;
  }
  return value;
}

/**
 * Orders texts by code point, as collation "C" does in UTF-8. JavaScript's own order is by
 * UTF-16 code units, which puts U+10000 and above before U+E000.
 */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = a.charCodeAt(at) - b.charCodeAt(at);
    if (difference !== 0) return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
  }
  return a.length - b.length;
}

/** Of a code unit, with the surrogates above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x2800 : unit;
}

/**
 * The least text, by code point, that comes after all texts with this prefix. Null where none does.
 */
export function endOfPrefix(prefix: string): string | null {
  const points = [...prefix];
  for (let point = points.pop(); point !== undefined; point = points.pop()) {
    const code = point.codePointAt(0) as number;
    if (code < 0x10ffff) return points.join('') + String.fromCodePoint(following(code));
  }
  return null;
}

/** Surrogates are no characters: no text holds one alone. */
function following(code: number): number {
  return code === 0xd7ff ? 0xe000 : code + 1;
}
