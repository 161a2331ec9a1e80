/** The words of the HQ event API. */
import type { EventProblem, PropertyType } from '../../core/event.ts';

/** The maps of an event, in the order that HQ writes them, and the type of what they hold. */
export const PROPERTY_MAPS = {
  'boolean-properties': 'BOOLEAN',
  'date-properties': 'DATE',
  'double-properties': 'DOUBLE',
  'float-properties': 'FLOAT',
  'integer-properties': 'INTEGER',
  'long-properties': 'LONG',
  'string-properties': 'STRING',
} as const satisfies Record<string, PropertyType>;
export type PropertyMap = keyof typeof PROPERTY_MAPS;
export const PROPERTY_MAP_NAMES = Object.keys(PROPERTY_MAPS) as PropertyMap[];

/** Characters of a value of `string-properties`: more its index could not hold. */
export const STRING_CHARS_MAX = 32_768;

/** How the values under one name of a map came: a scalar, or a list of so many; one entry a key. */
export type Parts = readonly (number | null)[];

export type Writable<T> = { -readonly [Key in keyof T]: T[Key] | undefined };

/** What an event loses in the envelope, kept in `EventInput.wire`. Absent: nothing to say. */
export interface WireNotes {
  readonly marker?: string;
  /** The event named no type. */
  readonly typeless?: true;
  /** As it was written, where that is not UTC with milliseconds. */
  readonly timestamp?: string;
  /** All dates under a name as they were written, where one of them is not UTC with milliseconds. */
  readonly dates?: Readonly<Record<string, readonly string[]>>;
  /** By map and name, where neither the payload nor the number of values tells. */
  readonly parts?: Readonly<Partial<Record<PropertyMap, Readonly<Record<string, Parts>>>>>;
  /** Maps without members. */
  readonly empty?: readonly PropertyMap[];
  /** The event as it came, where it could not be understood in full. */
  readonly sent?: string;
}

export function problem(code: string, message: string, at: string): EventProblem {
  return { severity: 'ERROR', code, message, pointer: at };
}
