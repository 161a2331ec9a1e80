/** The values of a property map, each read as its type and turned into the text that the core takes. */
import type { PropertyType } from '../../core/event.ts';
import { wholePart } from '../../core/exact-number.ts';
import { parseInstant } from './instant.ts';
import { WireNumber, type WireJson } from './json-reader.ts';
import { STRING_CHARS_MAX } from './wire.ts';

/** A value's text; with `isRefused`, its best rendering and what was expected instead. */
export interface ReadValue {
  readonly text: string;
  readonly expected?: string;
}

/** What is out of range for INTEGER and LONG is left to the core, which refuses it. */
export function readValue(type: PropertyType, value: WireJson): ReadValue {
  switch (type) {
    case 'BOOLEAN':
      return typeof value === 'boolean' ? { text: String(value) } : refused(value, 'true or false');
    case 'DATE':
      return readDate(value);
    case 'DOUBLE':
    case 'FLOAT':
      return value instanceof WireNumber ? { text: value.literal } : refused(value, 'a number');
    case 'INTEGER':
    case 'LONG':
      return value instanceof WireNumber
        ? { text: wholeNumber(value.literal) }
        : refused(value, 'a whole number');
    case 'STRING':
    case 'JSON':
      return readText(value);
  }
}

function readDate(value: WireJson): ReadValue {
  const instant = typeof value === 'string' ? parseInstant(value) : null;
  if (instant === null) return refused(value, 'a date such as 2015-05-18T14:07:00.123Z');
  return { text: instant.toISOString() };
}

function readText(value: WireJson): ReadValue {
  if (value instanceof WireNumber) return { text: value.literal };
  if (typeof value !== 'string') return refused(value, 'a text');
  if (value.length <= STRING_CHARS_MAX) return { text: value };
  return { text: value, expected: `at most ${STRING_CHARS_MAX} characters` };
}

const WHOLE = /^-?\d+$/;
const JSON_NUMBER = /^-?\d/;

/** HQ cuts a fraction off: 4.7 is 4. The other digits are kept; too many are refused further in. */
function wholeNumber(literal: string): string {
  if (WHOLE.test(literal)) return literal === '-0' ? '0' : literal;
  return (JSON_NUMBER.test(literal) ? wholePart(literal) : null) ?? literal;
}

function refused(value: WireJson, expected: string): ReadValue {
  const isScalar = typeof value === 'string' || typeof value === 'boolean';
  const text = value instanceof WireNumber ? value.literal : isScalar ? String(value) : '';
  return { text, expected };
}
