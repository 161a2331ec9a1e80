/**
 * Why the published SDK does not read for the CloudEvents door (see `modes.ts`): what it would lose
 * or make up. A row that fails says that the SDK no longer does so, and that it may be used.
 */
import { HTTP, type CloudEvent } from 'cloudevents';
import { expect, test } from 'vitest';
import { parseExact } from '../../../src/core/exact-json.ts';
import { readEvents } from '../../../src/doors/cloudevents/modes.ts';
import type { DoorRequest } from '../../../src/doors/door.ts';

const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const BINARY = {
  ...{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' },
  'content-type': 'application/json',
};
const event = (fields: string) => `{"specversion":"1.0","source":"/s","type":"t"${fields}}`;

function bySdk(headers: Record<string, string>, body: string): Record<string, unknown> {
  return (HTTP.toEvent({ headers, body }) as CloudEvent<unknown>).toJSON();
}

function byDoor(headers: Record<string, string>, body: string): Record<string, unknown> {
  const bytes = Buffer.from(body);
  const json = () => parseExact(body);
  const request = {
    headers,
    body: bytes,
    json,
    repeatedHeaders: () => [],
  } as unknown as DoorRequest;
  return readEvents(request)[0] as Record<string, unknown>;
}

test('the SDK makes up an id, so that a retry is another event; the door refuses', () => {
  expect(bySdk(STRUCTURED, event(''))['id']).not.toBe(bySdk(STRUCTURED, event(''))['id']);
  expect(() => byDoor(STRUCTURED, event(''))).toThrow(/^id: /);
});

test('the SDK makes up a time, so that a retry has other content; the door leaves it out', () => {
  expect(bySdk(BINARY, '{}')['time']).toEqual(expect.any(String));
  expect(byDoor(BINARY, '{}')).not.toHaveProperty('time');
});

test('the SDK cuts a time and forgets its zone', () => {
  const time = '2026-01-02T03:04:05.678901+02:00';
  expect(bySdk({ ...BINARY, 'ce-time': time }, '{}')['time']).toBe('2026-01-02T01:04:05.678Z');
  expect(byDoor({ ...BINARY, 'ce-time': time }, '{}')['time']).toBe(time);
});

test('the SDK rounds numbers', () => {
  const body = '{"a":12345678901234567890}';
  expect(bySdk(BINARY, body)['data']).toEqual({ a: 12345678901234567000 });
  expect(byDoor(BINARY, body)['data']).toMatchObject({ a: { literal: '12345678901234567890' } });
});

test.each(['0', 'false', '""'])('the SDK drops data that is %s', data => {
  const body = event(`,"id":"1","data":${data}`);
  expect(bySdk(STRUCTURED, body)['data']).toBeUndefined();
  expect(byDoor(STRUCTURED, body)['data']).toBe(JSON.parse(data));
});

test('the SDK leaves headers encoded', () => {
  const headers = { ...BINARY, 'ce-subject': 'caf%C3%A9' };
  expect(bySdk(headers, '{}')['subject']).toBe('caf%C3%A9');
  expect(byDoor(headers, '{}')['subject']).toBe('café');
});
