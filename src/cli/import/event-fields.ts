/** The fields of an event, as `recordEvents` takes them, and what is wrong with one that came. */
import type { EventProblem } from '../../client/index.ts';
import { suggestion } from '../near.ts';

type Kind = 'text' | 'instant' | 'flag' | 'object' | 'list';

export const EVENT_FIELDS: Readonly<Record<string, Kind>> = {
  ...{ id: 'text', type: 'text', occurredAt: 'instant', expiresAt: 'instant', source: 'text' },
  ...{ subject: 'text', actor: 'text', description: 'text', icon: 'text', notify: 'flag' },
  ...{ success: 'flag', clientIp: 'text', parentId: 'text', groupId: 'text', payload: 'object' },
  properties: 'list',
};

/** What `export` and `tail` say of an event, and nobody can set. */
export const LEFT_OUT = new Set(['cursor', 'position', 'recordedAt', 'redactedAt', 'door']);

const EXPECTED: Readonly<Record<Kind, string>> = {
  text: 'text',
  instant: 'an instant with its offset, such as 2026-02-28T12:00:00Z',
  flag: 'true or false',
  object: 'a JSON object',
  list: 'a list',
};

const INSTANT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;

export function isEventField(name: string): boolean {
  return Object.hasOwn(EVENT_FIELDS, name);
}

/** What the gateway would refuse the whole request for. */
export function problemsOf(event: Readonly<Record<string, unknown>>): EventProblem[] {
  const problems: EventProblem[] = [];
  if (event['type'] == null) problems.push(problem('TYPE_REQUIRED', 'type', 'type is missing.'));
  for (const [name, value] of Object.entries(event)) {
    if (!isEventField(name)) {
      const near = suggestion(name, Object.keys(EVENT_FIELDS)) || ': put it into the payload.';
      problems.push(problem('UNKNOWN_FIELD', name, `${name} is no field of an event${near}`));
    } else if (value !== null && !fits(value, EVENT_FIELDS[name] as Kind)) {
      const expected = `${name} expects ${EXPECTED[EVENT_FIELDS[name] as Kind]}.`;
      problems.push(problem('INVALID_VALUE', name, expected));
    }
  }
  return problems;
}

function fits(value: unknown, kind: Kind): boolean {
  if (kind === 'list') return Array.isArray(value);
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'object') return typeof value === 'object' && !Array.isArray(value);
  return typeof value === 'string' && (kind === 'text' || INSTANT.test(value));
}

export function problem(code: string, name: string, message: string): EventProblem {
  const pointer = name === '' ? '' : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return { severity: 'ERROR', code, message, pointer };
}
