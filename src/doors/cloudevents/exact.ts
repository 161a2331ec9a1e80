/** JSON from and for strangers whose numbers may have more digits than a double. */
import { ExactNumber, parseExact, type ExactJson } from '../../core/exact-json.ts';

/**
 * The text, which is known to be JSON, with the numbers that a double would alter set apart. One
 * with U+0000, which is refused further in, is read with doubles.
 */
export function readExact(text: string): ExactJson {
  if (text.includes('\\u0000')) return JSON.parse(text) as ExactJson;
  return plain(parseExact(text));
}

/** Numbers that a double holds as they are written are numbers. */
function plain(value: ExactJson): ExactJson {
  if (value instanceof ExactNumber) {
    const double = Number(value.literal);
    return String(double) === value.literal ? double : value;
  }
  return mapChildren(value, plain);
}

/** Whether all its numbers are what a payload takes as numbers. */
export function isPlain(value: ExactJson): boolean {
  if (value instanceof ExactNumber) return false;
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isPlain);
}

export function writeExact(value: ExactJson): string {
  if (value instanceof ExactNumber) return value.literal;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writeExact).join(',')}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${writeExact(member as ExactJson)}`,
  );
  return `{${members.join(',')}}`;
}

function mapChildren(value: ExactJson, map: (child: ExactJson) => ExactJson): ExactJson {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(map);
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, map(child as ExactJson)]),
  );
}
