import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventCursors } from '../../../src/core/cursor.ts';
import type { EventCondition } from '../../../src/core/event-condition.ts';
import { eventKey } from '../../../src/core/event-key.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { createAggregateCounts } from '../../../src/read/aggregate-counts.ts';
import {
  EVENT_OFFSET_MAX,
  type EventReader,
  type EventSortKey,
} from '../../../src/read/event-reader.ts';
import { createEventStatistics, type EventStatistics } from '../../../src/read/event-statistics.ts';
import { createEventReader } from '../../../src/read/events.ts';
import { createFold } from '../../../src/rollup/fold.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { createPartitions, createWorkspace, START, storeEvents } from './event-rows.ts';

const UUID = '0198f5c0-0000-7000-8000-000000000001';

let database: TestDatabase;
let db: Database;
let reader: EventReader;
let statistics: EventStatistics;
let id: number;
let other: number;

const second = (position: number) => new Date(START.getTime() + position * 1_000);

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
  const counts = createAggregateCounts({ read: db.read, nowMs: () => Date.now() });
  reader = createEventReader({ read: db.read, epoch: 'e' });
  statistics = createEventStatistics({ read: db.read, counts });
  await createPartitions(db.upkeep, [second(4)]);
  id = await createWorkspace(db.upkeep, 'listing');
  other = await createWorkspace(db.upkeep, 'other');
  await storeEvents(db.upkeep, id, [
    {
      position: 1,
      type: 'Login',
      source: 'b',
      payload: '{"app":{"pk":1},"user":5}',
      eventId: UUID,
    },
    { position: 2, type: 'login_failed', source: 'a', payload: '{"app":{"pk":2},"user":6}' },
    { position: 3, type: 'logout', source: 'b', payload: '{"app":{"pk":1},"user":6}' },
    { position: 4, type: 'Login', clientIp: '2001:DB8::1', payload: '{"app":null,"user":null}' },
    { position: 5, type: 'gone', expiresAt: second(0) },
    { position: 6, type: 'redacted' },
    { position: 7, type: 'Login', source: 'b', payload: '{"app":{"pk":1},"user":6}' },
  ]);
  await db.upkeep.query('update events set redacted_at = now() where position = 6');
  await storeEvents(db.upkeep, other, [{ position: 1, type: 'Login', eventId: 'foreign' }]);
});

afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

const SHOWN: EventCondition = { redacted: false };
const EARLIEST_FIRST: EventSortKey[] = [{ key: 'OCCURRED_AT', descending: false }];
const LATEST_FIRST: EventSortKey[] = [{ key: 'OCCURRED_AT', descending: true }];

async function found(...conditions: EventCondition[]): Promise<number[]> {
  const filter = { allOf: [SHOWN, ...conditions] };
  const { items } = await reader.page(id, { filter, order: EARLIEST_FIRST, first: 100 });
  return items.map(({ position }) => position);
}

describe('a page by number', () => {
  test('holds neither what has expired, nor what was redacted, nor what is another workspace’s', async () => {
    expect(await found()).toEqual([1, 2, 3, 4, 7]);
    expect(await reader.count(id, SHOWN)).toBe(5);
  });

  test('is cut out by offset and limit, and says whether there is more', async () => {
    const args = { filter: SHOWN, order: LATEST_FIRST, first: 2 };
    const page = await reader.page(id, { ...args, offset: 1 });
    expect(page.items.map(({ position }) => position)).toEqual([4, 3]);
    expect(page.hasNextPage).toBe(true);
    expect((await reader.page(id, { ...args, offset: 3 })).hasNextPage).toBe(false);
  });

  test('is in the order of columns and payload values, then of positions', async () => {
    const positions = async (...order: EventSortKey[]) => {
      const { page, chunks } = await reader.wholePage(id, { filter: SHOWN, order, first: 9 });
      const read: number[] = [];
      for await (const some of chunks) read.push(...some.map(({ position }) => position));
      expect(read).toEqual(page.items.map(({ position }) => position));
      return read;
    };
    expect(await positions({ key: 'SOURCE', descending: false })).toEqual([2, 1, 3, 7, 4]);
    expect(await positions({ key: 'TYPE', descending: true })).toEqual([3, 2, 7, 4, 1]);
    expect(
      await positions({ key: ['user'], descending: true }, { key: 'SOURCE', descending: false }),
    ).toEqual([2, 7, 3, 1, 4]);
  });

  test('takes no cursor: it would be one of another order', async () => {
    const after = eventCursors('e', id).encodePosition({ position: 2, recordedAt: second(2) });
    await expect(reader.page(id, { order: LATEST_FIRST, after })).rejects.toThrow(TypeError);
  });

  test('is refused beyond the bound of offsets', async () => {
    const args = { order: LATEST_FIRST, offset: EVENT_OFFSET_MAX + 1, first: 1 };
    await expect(reader.page(id, args)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('a filter of a list', () => {
  test('finds part of a type without regard to case', async () => {
    expect(await found({ typeContains: 'LOGIN' })).toEqual([1, 2, 4, 7]);
    expect(await found({ typeContains: '%' })).toEqual([]);
  });

  test('searches event id and client address beside the rest', async () => {
    expect(await found({ searchWithIds: UUID.toUpperCase() })).toEqual([1]);
    expect(await found({ searchWithIds: '2001:db8' })).toEqual([4]);
    expect(await found({ searchWithIds: 'login 2001:db8' })).toEqual([4]);
    expect(await found({ searchWithIds: 'event-7' })).toEqual([7]);
  });

  test('holds together with an event filter', async () => {
    expect(await found({ typeContains: 'log' }, { sources: ['b'] })).toEqual([1, 3, 7]);
  });

  test('is refused where a text is too long or can’t be stored', async () => {
    for (const filter of [{ typeContains: '\0' }, { searchWithIds: 'a'.repeat(257) }]) {
      await expect(found(filter)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });
});

test('an event is found by its key, whatever its id is like', async () => {
  const ids = ['event-5', 'foreign', 'nobody', UUID, 'event-2', 'event-5'];
  const events = await reader.byKeys(id, ids.map(eventKey));
  expect(events.map(event => event?.position ?? null)).toEqual([null, null, null, 1, 2, null]);
});

test('a condition on places holds after one, up to and with another', async () => {
  const place = (position: number) => ({ position, recordedAt: second(position) });
  expect(await found({ after: place(1), through: place(4) })).toEqual([2, 3, 4]);
});

test('counts are those of the lists, before and after events are folded and redacted', async () => {
  const own = await createWorkspace(db.upkeep, 'counted');
  const types = ['Login', 'login_failed', 'logout', 'Login', 'Login', 'logout'];
  await storeEvents(
    db.upkeep,
    own,
    types.map((type, at) => ({ position: at + 1, type, payload: `{"user":${at % 3}}` })),
  );
  const conditions: EventCondition[][] = [
    [],
    [{ types: ['Login'] }],
    [{ typeContains: 'LOGIN' }],
    [{ typeContains: 'nothing' }],
    [{ and: [{ types: ['logout', 'Login'] }] }, { typeContains: 'log' }],
    [{ searchWithIds: 'login' }],
    [{ text: 'TYPE', match: { among: ['Login'] } }],
  ];
  const agree = async () => {
    for (const each of conditions) {
      const filter = { allOf: [SHOWN, ...each] };
      const { items: events } = await reader.page(own, { filter, first: 100 });
      expect(await reader.count(own, filter), JSON.stringify(each)).toBe(events.length);
      for (const from of [second(0), second(3)]) {
        const { counts, distinct } = await statistics.countSince(own, filter, {
          ...{ since: [from], distinctPath: ['user'] },
        });
        expect(counts).toEqual([events.filter(({ occurredAt }) => occurredAt >= from).length]);
        const users = new Set(events.map(({ payload }) => payload).filter(text => text !== '{}'));
        expect(distinct).toBe(users.size);
      }
    }
  };
  await agree();
  const fold = createFold({ upkeep: db.upkeep, logger: console, nowMs: () => Date.now() });
  await fold.foldNow(own);
  await agree();
  await db.upkeep.query(
    `update events set redacted_at = now(), payload = '{}'
     where workspace_id = $1 and position in (1, 4)`,
    [own],
  );
  await agree();
  expect(await reader.count(own, SHOWN)).toBe(4);
  expect(await reader.count(own)).toBe(6);
});

describe('tallies', () => {
  test('count since instants, and different values at a path', async () => {
    const since = [second(0), second(3), second(9)];
    expect(await statistics.countSince(id, SHOWN, { since, distinctPath: ['user'] })).toEqual({
      ...{ counts: [5, 3, 0], distinct: 2 },
    });
    expect(await statistics.countSince(id, SHOWN, { since: [], distinctPath: ['user'] })).toEqual({
      ...{ counts: [], distinct: 2 },
    });
  });

  test('count types in buckets from midnight UTC on', async () => {
    const asked = { since: second(2), bucketMs: 4_000 };
    expect(await statistics.countByType(id, SHOWN, asked)).toEqual([
      { type: 'login_failed', start: second(0), count: 1 },
      { type: 'logout', start: second(0), count: 1 },
      { type: 'Login', start: second(4), count: 2 },
    ]);
  });

  test('name the values of a path that most events have, without null', async () => {
    const asked = { path: ['app'], distinctPath: ['user'], limit: 9 };
    expect(await statistics.topValues(id, SHOWN, asked)).toEqual([
      { value: '{"pk": 1}', count: 3, distinct: 2 },
      { value: '{"pk": 2}', count: 1, distinct: 1 },
    ]);
    expect(await statistics.topValues(id, SHOWN, { ...asked, limit: 1 })).toHaveLength(1);
  });
});
