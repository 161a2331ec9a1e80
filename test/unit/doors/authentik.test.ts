import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/core/errors.ts';
import { eventKey } from '../../../src/core/event-key.ts';
import { exactNumber } from '../../../src/core/exact-number.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { prepareEvent } from '../../../src/core/prepare-event.ts';
import { canonicalIp } from '../../../src/core/text.ts';
import { encodeError } from '../../../src/doors/authentik/errors.ts';
import { listEvents, paginationOf } from '../../../src/doors/authentik/events.ts';
import { parseInstant } from '../../../src/doors/authentik/instant.ts';
import { stepMs } from '../../../src/doors/authentik/steps.ts';
import {
  toEvent,
  toEventInput,
  toFieldErrors,
  toRecordedEvent,
} from '../../../src/doors/authentik/translate.ts';
import { readEventRequest } from '../../../src/doors/authentik/wire.ts';
import type { DoorContext, DoorRequest } from '../../../src/doors/door.ts';
import type { EventReader } from '../../../src/read/event-reader.ts';
import { stored } from './stored.ts';

const NOW = new Date('2026-03-01T12:00:00.123Z');

const object = fc
  .object({
    key: fc.string({ minLength: 1, maxLength: 20 }).filter(name => name !== '__proto__'),
    maxDepth: 2,
    maxKeys: 4,
    values: [
      ...[fc.string(), fc.boolean(), fc.constant(null), fc.integer(), fc.maxSafeInteger()],
      // Larger ones are refused.
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map(number => number + 0),
    ],
  })
  .map(value => value as JsonObject);
const user = fc
  .tuple(object, fc.option(fc.oneof(fc.string(), fc.integer())))
  .map(([others, username]) => {
    return username === null ? others : { ...others, username };
  });
const micros = fc
  .tuple(fc.date({ min: NOW, max: new Date('9990-01-01'), noInvalidDate: true }), fc.nat(999))
  .map(([date, beyond]) => {
    const text = date.toISOString().slice(0, -1) + String(beyond).padStart(3, '0');
    return `${text.replace(/\.000000$/, '')}Z`;
  });

const request = fc.record(
  {
    action: fc.constantFrom('login', 'model_updated', 'custom_', 'custom_backup'),
    app: fc.string({ minLength: 1, maxLength: 50 }).map(text => text.trim() || 'app'),
    user,
    context: object,
    brand: object,
    client_ip: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant(null)),
    expires: fc.oneof(micros, fc.constant(null)),
  },
  { requiredKeys: ['action', 'app'], noNullPrototype: true },
);

function decode(body: unknown) {
  const read = readEventRequest(body);
  if ('errors' in read) return expect.fail(JSON.stringify(read.errors));
  return toEventInput(read.event, { now: NOW, keptDays: 30 });
}

describe('translation', () => {
  test('AK-T-1 an event comes back as it went in, from the log as from the answer', () => {
    fc.assert(
      fc.property(request, body => {
        const input = decode(body);
        const expected = {
          ...{ pk: eventKey('made'), created: '2026-03-01T12:00:00.123000Z' },
          ...{ user: {}, context: {}, brand: {}, client_ip: null },
          expires: '2026-03-31T12:00:00.123000Z',
          ...body,
          ...(body.client_ip != null && { client_ip: canonicalIp(body.client_ip) }),
        };
        expect(toEvent(stored(input, 'AUTHENTIK'))).toEqual(expected);
        expect(toRecordedEvent(input, 'made')).toEqual(expected);
      }),
    );
  });

  test('a number that can’t be kept exactly is refused, under its field and with its place', () => {
    const context = { sizes: [1, exactNumber('1e400')] };
    const body = { action: 'login', app: 'a', context };
    const { problems } = prepareEvent(decode(body), {
      ...{ door: 'AUTHENTIK', now: () => NOW, newId: () => 'made' },
    });
    expect(toFieldErrors(problems)).toEqual({
      context: [expect.stringMatching(/^\/sizes\/1: Expected .* but got 1e400\.$/)],
    });
  });

  test('the user’s name is the actor, where it fits', () => {
    const actorOf = (username: unknown) =>
      decode({ action: 'login', app: 'a', user: { username } }).actor;
    expect(actorOf('ada')).toBe('ada');
    expect([actorOf(''), actorOf(7), actorOf('a'.repeat(257))]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });
});

describe('instants', () => {
  test.each([
    ['2024-07-29T15:51:28.071Z', '2024-07-29T15:51:28.071000Z'],
    ['2024-07-29T15:51:28Z', '2024-07-29T15:51:28Z'],
    ['2024-07-29 15:51', '2024-07-29T15:51:00Z'],
    ['2024-07-29', '2024-07-29T00:00:00Z'],
    ['2024-07-29T15:51:28.1234567+0230', '2024-07-29T13:21:28.123456Z'],
    ['2024-07-29T15:51:28-05', '2024-07-29T20:51:28Z'],
  ])('%s is %s', (given, text) => {
    expect(parseInstant(given)?.text).toBe(text);
  });

  test.each([
    '',
    'soon',
    '2024-02-30',
    '2024-01-01T25:00Z',
    '0000-01-01',
    '2024-01-01T00:00:00+99:99',
  ])('"%s" is none', given => {
    expect(parseInstant(given)).toBeNull();
  });
});

describe('steps', () => {
  test.each([
    ['hours=3;minutes=1', 10_860_000],
    ['DAYS = 1', 86_400_000],
    ['weeks=0.5', 302_400_000],
    ['microseconds=1', 0.001],
    ['months=1;seconds=1', 1_000],
  ])('%s is %d ms', (text, ms) => {
    expect(stepMs(text)).toBe(ms);
  });

  test.each([
    '',
    '24d',
    'hours=',
    'hours=x',
    'hours=1;',
    'hours=1=2',
    'months=1',
    'weeks=99999999',
  ])('"%s" is none', text => {
    expect(stepMs(text)).toBeNull();
  });
});

describe('pagination', () => {
  test('a page of nothing is the first and only one', () => {
    expect(paginationOf(0, 1, 20)).toEqual({
      ...{
        next: 0,
        previous: 0,
        count: 0,
        current: 1,
        total_pages: 1,
        start_index: 0,
        end_index: 0,
      },
    });
  });
});

describe('a list that takes too long to count', () => {
  function contextOf(hasNextPage: boolean): DoorContext {
    const event = stored({ type: 'login', source: 'a' }, 'AUTHENTIK');
    const items = [event, event];
    const events = {
      count: () => Promise.resolve(null),
      wholePage: () => Promise.resolve({ page: { items, hasNextPage }, chunks: [items] }),
    } as unknown as EventReader;
    const access = () => Promise.resolve({ id: 1 });
    return { access, services: { events } } as unknown as DoorContext;
  }

  async function list(query: string, hasMore = true): Promise<unknown> {
    const request = { query: new URLSearchParams(query), headers: {} } as DoorRequest;
    const { body } = await listEvents(request, contextOf(hasMore));
    return (JSON.parse(body as string) as { pagination: unknown }).pagination;
  }

  test('says that there is a next page for as long as there is one', async () => {
    expect(await list('page=3&page_size=2')).toMatchObject({ next: 4, count: 7, current: 3 });
    expect(await list('page=3&page_size=2', false)).toMatchObject({ next: 0, count: 6 });
  });

  test('ends with a refusal at its bound, never as if it were over', async () => {
    await expect(list('page=102&page_size=100')).rejects.toMatchObject({
      ...{ code: 'BAD_USER_INPUT', message: expect.stringContaining('10000 events deep') },
    });
  });

  test('has no last page that could be named', async () => {
    await expect(list('page=last')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('errors', () => {
  const asked = { method: 'GET', path: '/api/v3/events/events/', headers: {} } as DoorRequest;

  test.each([
    [new GatewayError('OVERLOADED', 'Full.'), 503, 'Full.'],
    [new GatewayError('SERVICE_UNAVAILABLE', 'Away.'), 503, 'Away.'],
    [new GatewayError('INTERNAL_SERVER_ERROR', 'Ours.'), 500, 'Ours.'],
    [
      new GatewayError('RATE_LIMITED', 'Slow.', { retryAfterS: 7 }),
      ...([429, 'Request was throttled. Expected available in 7 seconds.'] as const),
    ],
    [new GatewayError('QUERY_TOO_EXPENSIVE', 'Narrow it.'), 400, 'Narrow it.'],
    [new GatewayError('KEY_REVOKED', 'Gone.'), 403, 'Gone.'],
  ])('%s has the vendor’s shape', (error, status, detail) => {
    expect(encodeError(error, asked)).toEqual({ status, body: JSON.stringify({ detail }) });
  });
});
