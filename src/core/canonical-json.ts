import { ExactNumber } from './exact-number.ts';

/**
 * JSON in its one canonical form (RFC 8785): keys sorted by UTF-16 code units, no white space,
 * numbers and strings as ECMAScript writes them, which `JSON.stringify` does. A number that no
 * double holds has all its digits. Properties that are undefined or null at the top are the
 * caller's to leave out.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (value instanceof Date) return canonicalJson(value.toJSON());
  if (value instanceof ExactNumber) return value.literal;
  return Array.isArray(value) ? list(value) : object(value as Record<string, unknown>);
}

function list(items: readonly unknown[]): string {
  let text = '[';
  for (const item of items) text += `${text.length > 1 ? ',' : ''}${canonicalJson(item)}`;
  return `${text}]`;
}

function object(members: Record<string, unknown>): string {
  let text = '{';
  for (const key of Object.keys(members).sort()) {
    const value = members[key];
    if (value === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${canonicalJson(value)}`;
  }
  return `${text}}`;
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A text as JSON: `JSON.stringify` costs twice as much where nothing needs an escape. */
export function quoted(text: string): string {
  return text.length < 100 && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
