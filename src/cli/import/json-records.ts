/**
 * Events in JSON, as `recordEvents` takes them. A line that needs no change is passed on as it is
 * written, so that no number in it is rounded on the way.
 */
import { isEventField, LEFT_OUT, problem, problemsOf } from './event-fields.ts';
import type { TextRecord } from './lines.ts';
import { mapped } from './mapped.ts';
import type { ImportRecord, Mapping } from './record.ts';

export function jsonRecord({ line, text }: TextRecord, mapping: Mapping): ImportRecord {
  const given = parsed(text);
  if (given === null) {
    const expected = 'A JSON object is expected on each line.';
    return { line, text, problems: [problem('NOT_JSON', '', expected)] };
  }
  if (isReady(given, mapping)) {
    const problems = problemsOf(given);
    if (problems.length > 0) return { line, text, problems };
    const id = (given['id'] as string | null | undefined) ?? null;
    return { line, text, id, json: id === null ? withoutId(given, text) : text.trim() };
  }
  if (BEYOND_DOUBLES.test(text)) {
    const message = 'It holds a number that is too large.';
    return { line, text, problems: [problem('INVALID_VALUE', '', message)] };
  }
  return mapped({ line, text }, given, mapping);
}

/** Such a number would become null when written again. */
const BEYOND_DOUBLES = /\d[eE]\+?\d{3}|\d{309}/;

function isReady(given: Readonly<Record<string, unknown>>, mapping: Mapping): boolean {
  const { fields, defaults } = mapping;
  const names = Object.keys(given);
  return (
    names.every(name => !fields.has(name) && !LEFT_OUT.has(name) && name !== 'eventId') &&
    !names.some(name => name.startsWith('payload.')) &&
    Object.keys(defaults).every(name => given[name] != null) &&
    (!mapping.restIntoPayload || names.every(isEventField))
  );
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A null in place of the id would beat the one that is made. */
function withoutId(given: Readonly<Record<string, unknown>>, text: string): string {
  if (!Object.hasOwn(given, 'id')) return text.trim();
  const { id: _id, ...others } = given;
  return JSON.stringify(others);
}
