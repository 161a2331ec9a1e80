/** The fields of an event, as `recordEvents` takes them, and what is wrong with one that came. */
import type { EventProblem } from '../../client/index.ts';
import { pointerStep } from '../../core/isomorphic.ts';
import { readInstant, type NoInstant } from '../instant.ts';
import { suggestion } from '../similar-names.ts';
import { jsonValue, type JsonValue } from './json-members.ts';

type Kind = 'text' | 'instant' | 'flag' | 'object' | 'list';

export const EVENT_FIELDS: Readonly<Record<string, Kind>> = {
  id: 'text',
  type: 'text',
  occurredAt: 'instant',
  expiresAt: 'instant',
  source: 'text',
  subject: 'text',
  actor: 'text',
  description: 'text',
  icon: 'text',
  notify: 'flag',
  success: 'flag',
  clientIp: 'text',
  parentId: 'text',
  groupId: 'text',
  payload: 'object',
  properties: 'list',
};

/** What `export` and `tail` say of an event, and nobody can set. */
export const LEFT_OUT = new Set([
  ...['cursor', 'position', 'recordedAt', 'redactedAt', 'door', 'evidence'],
]);

const EXPECTED: Readonly<Record<Exclude<Kind, 'instant'>, string>> = {
  text: 'text',
  flag: 'true or false',
  object: 'a JSON object',
  list: 'a list of properties, such as {"long":{"name":"bytes","value":"17"}}',
};

const NO_INSTANT: Readonly<Record<NoInstant, string>> = {
  NO_INSTANT: 'expects an instant with its offset, such as 2026-02-28T12:00:00Z',
  NO_OFFSET: 'has no offset from UTC: use --time-zone, such as UTC or Europe/Vienna',
  SKIPPED: 'does not exist in --time-zone, because its clocks were set forward',
};

const PROPERTY_TYPES = new Set([
  ...['boolean', 'date', 'double', 'float', 'integer', 'long', 'string'],
]);

export function isEventField(name: string): boolean {
  return Object.hasOwn(EVENT_FIELDS, name);
}

interface Checked {
  readonly event: Map<string, JsonValue>;
  readonly problems: EventProblem[];
  /** Whether the event differs from what was given. */
  readonly isChanged: boolean;
}

/** The event as the gateway takes it, and what it would refuse. */
export function checkedEvent(
  given: ReadonlyMap<string, JsonValue>,
  timeZone: string | null,
): Checked {
  const event = new Map(given);
  let isChanged = false;
  const problems: EventProblem[] = [];
  if (given.get('type')?.value == null) {
    problems.push(problem('TYPE_REQUIRED', 'type', 'type is missing.'));
  }
  for (const [name, { value }] of given) {
    const kind = isEventField(name) ? EVENT_FIELDS[name] : undefined;
    if (name === 'unreadable') {
      const message = 'The event could not be read when it was exported.';
      problems.push(problem('UNREADABLE', name, message));
    } else if (kind === undefined) {
      const near = suggestion(name, Object.keys(EVENT_FIELDS)) || ': put it into the payload.';
      problems.push(problem('UNKNOWN_FIELD', name, `${name} is not a field of an event${near}`));
    } else if (value === null) {
      // Null is the same as absent.
    } else if (kind === 'instant') {
      const read = typeof value === 'string' ? readInstant(value, timeZone) : 'NO_INSTANT';
      if (typeof read === 'object') {
        isChanged ||= read.rfc3339 !== value;
        event.set(name, jsonValue(read.rfc3339));
      } else problems.push(problem('INVALID_VALUE', name, `${name} ${NO_INSTANT[read]}.`));
    } else if (!fits(value, kind)) {
      problems.push(problem('INVALID_VALUE', name, `${name} expects ${EXPECTED[kind]}.`));
    }
  }
  return { event, problems, isChanged };
}

function fits(value: unknown, kind: Kind): boolean {
  if (kind === 'list') return Array.isArray(value) && value.every(isProperty);
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'object') return isObject(value);
  return typeof value === 'string';
}

function isProperty(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [[type, named] = [], ...more] = Object.entries(value);
  if (type === undefined || more.length > 0 || !isObject(named)) return false;
  const names = Object.keys(named).sort().join();
  if (type === 'exact') return /^(list,)?name,type,values$/.test(names);
  return PROPERTY_TYPES.has(type) && names === 'name,value';
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param field empty: the event as a whole
 * @param keys to a value within the field
 */
export function problem(
  code: string,
  field: string,
  message: string,
  ...keys: readonly string[]
): EventProblem {
  const steps = field === '' ? keys : [field, ...keys];
  return { severity: 'ERROR', code, message, pointer: steps.map(pointerStep).join('') };
}
