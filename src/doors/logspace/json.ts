/**
 * JSON as Logspace agents write it. `JSON.parse` won't do: they send bare NaN, Infinity and
 * -Infinity, integers of 64 bits, and one key several times for several values. So numbers are
 * kept as they are written, and the members of an object as a list. One pass over the text, with
 * bounded depth; what is JSON reads as `JSON.parse` reads it, and all else is a `JsonFault`.
 */
import { JsonReader, WireNumber, WireObject, type WireJson } from './json-reader.ts';

/** @throws JsonFault */
export function parseJson(text: string): WireJson {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** The text of a value, with everything that `parseJson` keeps. */
export function writeJson(value: WireJson): string {
  if (value instanceof WireNumber) return value.literal;
  if (value instanceof WireObject) {
    const members = value.names.map(
      (name, at) => `${JSON.stringify(name)}:${writeJson(value.values[at] as WireJson)}`,
    );
    return `{${members.join(',')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  return JSON.stringify(value);
}

export type PlainJson =
  null | boolean | string | readonly PlainJson[] | { readonly [name: string]: PlainJson };

/** With numbers as texts of their digits; of a repeated name, the last value counts. */
export function toPlain(value: WireJson): PlainJson {
  if (value instanceof WireNumber) return value.literal;
  if (value instanceof WireObject) {
    // fromEntries defines own properties, also one that is called __proto__.
    return Object.fromEntries(
      value.names.map((name, at) => [name, toPlain(value.values[at] as WireJson)]),
    );
  }
  return Array.isArray(value) ? value.map(toPlain) : (value as null | boolean | string);
}
