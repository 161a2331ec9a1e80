/**
 * What can't be shown of a stored event. The event keeps its place in every list: what is missing is
 * empty, and a problem says why. So one event that is damaged or too large hides no other.
 */
import {
  PROPERTY_TYPES,
  type EventProblem,
  type EventProperty,
  type PropertyTypes,
} from './event.ts';
import { isJsonObject, type Json } from './json.ts';
import { LIMITS } from './limits.ts';

/** Why the content of an event could not be read. */
export type ContentFault = 'TOO_LARGE' | 'DAMAGED';

const CONTENT_PROBLEMS: Readonly<Record<ContentFault, EventProblem>> = {
  TOO_LARGE: problem('PAYLOAD_TOO_LARGE', 'Its payload is too large to be shown.', '/payload'),
  DAMAGED: problem('PAYLOAD_DAMAGED', 'The database cannot read its payload.', '/payload'),
};

export function contentProblem(fault: ContentFault): EventProblem {
  return CONTENT_PROBLEMS[fault];
}

export const PAYLOAD_NO_OBJECT = problem(
  'PAYLOAD_DAMAGED',
  'Its payload is not a JSON object in the database.',
  '/payload',
);

export const TYPE_UNKNOWN = problem('TYPE_UNKNOWN', 'Its definition is missing.', '/type');

export function doorUnknown(number: number): EventProblem {
  const message = `It came through a door that this version does not know (${number}). Another door is shown.`;
  return problem('DOOR_UNKNOWN', message, '/door');
}

export function timeOutOfRange(field: 'occurredAt' | 'expiresAt' | 'redactedAt'): EventProblem {
  const message = `The time is outside the years ${LIMITS.yearMin} to ${LIMITS.yearMax}. The nearest time within them is shown.`;
  return problem('TIME_OUT_OF_RANGE', message, `/${field}`);
}

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

export function isShownInstant(instant: Date): boolean {
  const ms = instant.getTime();
  return ms >= FIRST_MS && ms <= LAST_MS;
}

/** The nearest instant that RFC 3339 has a form for, in UTC with milliseconds. */
export function instantText(instant: Date): string {
  if (isShownInstant(instant)) return instant.toISOString();
  return new Date(instant.getTime() < FIRST_MS ? FIRST_MS : LAST_MS).toISOString();
}

/** What was kept of the types of properties, without what is no type of ours. */
export function readPropertyTypes(kept: Json): {
  readonly types: PropertyTypes | null;
  readonly problem: EventProblem | null;
} {
  if (!isJsonObject(kept)) return { types: null, problem: typesUnknown([]) };
  const entries = Object.entries(kept);
  const unknown = entries.filter(([, mark]) => !isMark(mark)).map(([name]) => name);
  if (unknown.length === 0) return { types: kept as PropertyTypes, problem: null };
  const known = entries.filter(([, mark]) => isMark(mark));
  const types = known.length === 0 ? null : (Object.fromEntries(known) as PropertyTypes);
  return { types, problem: typesUnknown(unknown) };
}

const TYPES: ReadonlySet<unknown> = new Set(PROPERTY_TYPES);

function isMark(mark: Json | undefined): boolean {
  return Array.isArray(mark) ? mark.every(isEntry) : TYPES.has(mark);
}

function isEntry(entry: Json): boolean {
  if (!isJsonObject(entry)) return false;
  const { type, values } = entry as Partial<Record<keyof EventProperty, Json>>;
  return TYPES.has(type) && Array.isArray(values) && values.every(v => typeof v === 'string');
}

const NAMES_SHOWN_MAX = 3;

function typesUnknown(names: readonly string[]): EventProblem {
  const some = names.slice(0, NAMES_SHOWN_MAX).map(name => JSON.stringify(name.slice(0, 40)));
  const more = names.length > NAMES_SHOWN_MAX ? ' and others' : '';
  const which = names.length === 0 ? 'all properties' : `${some.join(', ')}${more}`;
  const message = `This version does not know the recorded type of ${which}. The type of the JSON is shown.`;
  return problem('PROPERTY_TYPE_UNKNOWN', message, '/properties');
}

function problem(code: string, message: string, pointer: string): EventProblem {
  return { severity: 'ERROR', code, message, pointer };
}
