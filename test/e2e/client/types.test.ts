import { buildSchema, isInputObjectType, isObjectType } from 'graphql';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type {
  DateTimeRange,
  EventFilter,
  EventInput,
  PropertyFilter,
  RecordedEvent,
} from '../../../src/client/index.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

function fieldsOf(name: string): string[] {
  const type = schema.getType(name);
  if (!isInputObjectType(type) && !isObjectType(type)) throw new Error(`no fields: ${name}`);
  return Object.keys(type.getFields()).sort();
}

/** Has exactly the keys of a type: the compiler says so. */
const keys = <T extends object>(all: Record<keyof T, true>) => Object.keys(all).sort();

const EVENT_INPUT = keys<EventInput>({
  ...{ id: true, type: true, occurredAt: true, expiresAt: true, source: true, subject: true },
  ...{ actor: true, description: true, icon: true, notify: true, success: true, clientIp: true },
  ...{ parentId: true, groupId: true, payload: true, properties: true },
});
const EVENT_FILTER = keys<EventFilter>({
  ...{ eventIds: true, types: true, typePrefix: true, categories: true, sources: true },
  ...{ sourcePrefix: true, subjects: true, subjectPrefix: true, actors: true, groupIds: true },
  ...{ successUnknown: true },
  ...{ parentIds: true, doors: true, notify: true, success: true, clientIps: true, and: true },
  ...{ occurredAt: true, recordedAt: true, payload: true, search: true, or: true, not: true },
});
const PROPERTY_FILTER = keys<PropertyFilter>({
  ...{ path: true, equals: true, notEquals: true, in: true, greaterThan: true, lessThan: true },
  ...{ greaterThanOrEqual: true, lessThanOrEqual: true, contains: true, startsWith: true },
  exists: true,
});
const RECORDED_EVENT = keys<RecordedEvent>({
  ...{ cursor: true, position: true, eventId: true, type: true, occurredAt: true, door: true },
  ...{ recordedAt: true, expiresAt: true, redactedAt: true, source: true, subject: true },
  ...{ actor: true, description: true, icon: true, notify: true, success: true, clientIp: true },
  ...{ parentId: true, groupId: true, payload: true, unreadable: true },
});

test.each([
  ['EventInput', EVENT_INPUT],
  ['EventFilter', EVENT_FILTER],
  ['PropertyFilter', PROPERTY_FILTER],
  ['DateTimeRange', keys<DateTimeRange>({ from: true, to: true })],
])('the client’s %s has the fields of the schema', (name, fields) => {
  expect(fields).toEqual(fieldsOf(name));
});

test('the client’s events have the fields of the schema but for those that are asked for', () => {
  const left = [
    ...['id', 'workspace', 'definition', 'children', 'groupEvents', 'parent', 'properties'],
    ...['payloadProblems', 'schemaVersion', 'inclusionProof'],
  ];
  expect(RECORDED_EVENT).toEqual(fieldsOf('Event').filter(field => !left.includes(field)));
});
