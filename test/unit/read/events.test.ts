import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCursor, eventCursors, LOG_BEGINNING } from '../../../src/core/cursor.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import { compileFilter } from '../../../src/core/filter-matches.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import type { PageArgs } from '../../../src/core/page.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import type { EventOrder, EventPageArgs, EventReader } from '../../../src/read/event-reader.ts';
import { createEventReader } from '../../../src/read/events.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createPartitions,
  createWorkspace,
  type EventSeed,
  START,
  storeEvents,
} from './event-rows.ts';

const EPOCH = 'epoch1';
const DAY_MS = 86_400_000;
const MANY = 120;
const ALL: readonly EventOrder[] = (['POSITION', 'OCCURRED_AT'] as const).flatMap(field =>
  (['ASC', 'DESC'] as const).map(direction => ({ field, direction })),
);

let testDatabase: TestDatabase;
let database: Database;
let reader: EventReader;
let statements = 0;
/** Six years of 120 events: every window and partition has some. */
let spread: number;
let events: StoredEvent[];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  const years = Array.from(
    { length: 7 },
    (_, year) => new Date(START.getTime() + year * 365 * DAY_MS),
  );
  await createPartitions(database.upkeep, years);
  spread = await createWorkspace(database.upkeep, 'spread');
  await storeEvents(
    database.upkeep,
    spread,
    Array.from({ length: MANY }, (_, index) => seedOf(index + 1)),
  );
  const count = (text: string, params: never, options: never) => {
    statements++;
    return database.read.query<never>(text, params, options);
  };
  reader = createEventReader({
    read: { query: count as never },
    epoch: EPOCH,
    now: () => instantOf(MANY),
  });
  const places = Array.from({ length: MANY }, (_, index) => ({
    position: index + 1,
    recordedAt: instantOf(index + 1),
  }));
  events = (await reader.byPlaces(spread, places)).filter(event => event !== null);
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

const instantOf = (position: number) => new Date(START.getTime() + position * 18 * DAY_MS);

function seedOf(position: number): EventSeed {
  return {
    position,
    type: `type.${position % 7}`,
    eventId: position % 2 === 0 ? `event-${position}` : uuidOf(position),
    recordedAt: instantOf(position),
    // Several at one instant, and out of the order of recording.
    occurredAt: new Date(START.getTime() + ((position * 37) % 40) * DAY_MS),
    expiresAt:
      position % 11 === 0 ? new Date(0) : position % 13 === 0 ? new Date('9000-01-01') : null,
    source: position % 30 === 0 ? 'rare' : 'usual',
    subject: position % 3 === 0 ? null : `subject-${position % 5}`,
    parentId: position % 4 === 0 ? 'event-2' : null,
    groupId: `group-${position % 6}`,
    payload: JSON.stringify({ n: position }),
  };
}
const uuidOf = (position: number) =>
  `0000000a-0000-4000-8000-${String(position).padStart(12, '0')}`;

/** What a page must be, from the list of all events. */
function modelOf(
  list: readonly StoredEvent[],
  { first, after, last, before }: PageArgs,
  order: EventOrder,
) {
  const encode = cursorOf(order);
  const cursors = list.map(encode);
  const start = after == null ? 0 : cursors.indexOf(after) + 1;
  const end = before == null ? list.length : cursors.indexOf(before);
  const between = list.slice(start, Math.max(start, end));
  const items =
    last == null
      ? between.slice(0, first ?? 50)
      : between.slice(Math.max(0, between.length - last));
  const cut = items.length < between.length;
  return {
    positions: items.map(event => event.position),
    hasNextPage: (last == null && cut) || end < list.length,
    hasPreviousPage: (last != null && cut) || start > 0,
  };
}

function cursorOf({ field }: EventOrder): (event: StoredEvent) => string {
  const cursors = eventCursors(EPOCH, spread);
  return field === 'POSITION' ? cursors.encodePosition : cursors.encodeOccurredAt;
}

function inOrder(filter: EventFilter, { field, direction }: EventOrder): StoredEvent[] {
  const sign = direction === 'ASC' ? 1 : -1;
  const matches = compileFilter(filter);
  const time = (event: StoredEvent) => (field === 'POSITION' ? 0 : event.occurredAt.getTime());
  return events
    .filter(event => matches(event))
    .sort((a, b) => sign * (time(a) - time(b) || a.position - b.position));
}

async function pageOf(args: EventPageArgs) {
  const { items, hasNextPage, hasPreviousPage } = await reader.page(spread, args);
  return { positions: items.map(event => event.position), hasNextPage, hasPreviousPage };
}

describe('a page', () => {
  const filters: EventFilter[] = [
    {},
    { sources: ['rare'] },
    { sources: ['none'] },
    { subjects: ['subject-1'] },
    { types: ['type.3'] },
    { types: ['type.3', 'type.4', 'none'] },
    { groupIds: ['group-1'], payload: [{ path: ['n'], greaterThan: 60 }] },
    { payload: [{ path: ['n'], lessThan: 9 }] },
    { recordedAt: { from: instantOf(30), to: instantOf(50) } },
  ];

  test('holds what a list of all events would, by any order, filter, size and cursor', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...filters),
        fc.constantFrom(...ALL),
        fc.record({ size: fc.integer({ min: 0, max: 30 }), backward: fc.boolean() }),
        fc.tuple(fc.option(fc.nat(), { freq: 2 }), fc.option(fc.nat(), { freq: 2 })),
        async (filter, order, { size, backward }, picks) => {
          const list = inOrder(filter, order);
          const [after, before] = picks.map(pick => {
            const event = pick === null ? undefined : list[pick % Math.max(1, list.length)];
            return event && cursorOf(order)(event);
          });
          const args: PageArgs = { [backward ? 'last' : 'first']: size, after, before };
          expect(await pageOf({ ...args, filter, order })).toEqual(modelOf(list, args, order));
        },
      ),
      { numRuns: 400 },
    );
  });

  test('is one statement, with the head of the log in its snapshot', async () => {
    statements = 0;
    const { head } = await reader.page(spread, { first: 5, filter: { search: 'rare' } });
    expect(statements).toBe(1);
    expect(head).toEqual({ position: MANY, recordedAt: instantOf(MANY) });
  });

  test('is newest first and of 50 events unless told otherwise, and right before `before` alone', async () => {
    const order: EventOrder = { field: 'POSITION', direction: 'DESC' };
    const list = inOrder({}, order);
    expect(await pageOf({})).toEqual(modelOf(list, {}, order));
    const before = cursorOf(order)(list[70]!);
    expect(await pageOf({ before })).toEqual(modelOf(list, { last: 50, before }, order));
  });

  test('of a workspace without events is empty, and its head is the beginning of the log', async () => {
    const empty = await createWorkspace(database.upkeep, 'empty');
    const page = await reader.page(empty, { first: 5 });
    expect(page).toEqual({
      items: [],
      hasNextPage: false,
      hasPreviousPage: false,
      isCut: false,
      head: LOG_BEGINNING,
    });
    expect(await reader.head(empty)).toEqual(LOG_BEGINNING);
  });

  test('after the beginning of the log holds its first events', async () => {
    const after = eventCursors(EPOCH, spread).encodePosition(LOG_BEGINNING);
    const order: EventOrder = { field: 'POSITION', direction: 'ASC' };
    expect(await pageOf({ first: 3, after, order })).toEqual({
      positions: [1, 2, 3],
      hasNextPage: true,
      hasPreviousPage: false,
    });
  });

  test('after a cursor whose own row does not match still tells if there are rows before it', async () => {
    const order: EventOrder = { field: 'POSITION', direction: 'ASC' };
    const after = cursorOf(order)(events[40]!);
    const filter = { sources: ['rare'] };
    const page = await pageOf({ first: 1, after, filter, order });
    expect(page).toEqual({ positions: [60], hasNextPage: true, hasPreviousPage: true });
    const early = cursorOf(order)(events[3]!);
    expect((await pageOf({ first: 1, after: early, filter, order })).hasPreviousPage).toBe(false);
  });

  test('refuses a cursor of another order, workspace, epoch or list, and none at all', async () => {
    const event = events[0]!;
    const other = await createWorkspace(database.upkeep, 'other');
    const refused = (after: string) =>
      reader.page(spread, { after }).then(
        () => null,
        (error: unknown) => (error as { code: unknown }).code,
      );
    expect(await refused(eventCursors(EPOCH, spread).encodeOccurredAt(event))).toBe(
      'CURSOR_INVALID',
    );
    expect(await refused(eventCursors(EPOCH, other).encodePosition(event))).toBe('CURSOR_INVALID');
    expect(await refused(eventCursors('older', spread).encodePosition(event))).toBe('CURSOR_EPOCH');
    expect(await refused(encodeCursor('definitions.name', spread, ['a']))).toBe('CURSOR_INVALID');
    expect(await refused('junk')).toBe('CURSOR_INVALID');
    expect(await refused('')).toBe('CURSOR_INVALID');
  });

  test('refuses a filter that is not well-formed', async () => {
    const filter = { payload: [{ path: [], equals: 1 }] };
    await expect(reader.page(spread, { filter })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(reader.count(spread, filter)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

test('pages forward and backward hold the same events while others are recorded', async () => {
  const id = await createWorkspace(database.upkeep, 'growing');
  const cursors = eventCursors(EPOCH, id);
  const seeds = (from: number, to: number): EventSeed[] =>
    Array.from({ length: to - from + 1 }, (_, index) => ({ position: from + index }));
  await storeEvents(database.upkeep, id, seeds(1, 40));
  const forward: number[] = [];
  let after: string | undefined;
  for (let more = true, next = 41; more && next < 400; next += 2) {
    const page = await reader.page(id, { first: 7, after });
    forward.push(...page.items.map(event => event.position));
    after = cursors.encodePosition(page.items.at(-1)!);
    more = page.hasNextPage;
    await storeEvents(database.upkeep, id, seeds(next, next + 1));
  }
  const backward: number[] = [];
  let before: string | undefined = after;
  for (let more = true; more;) {
    const page = await reader.page(id, { last: 7, before });
    backward.unshift(...page.items.map(event => event.position));
    before = cursors.encodePosition(page.items[0]!);
    more = page.hasPreviousPage;
  }
  expect(forward).toEqual(Array.from({ length: 40 }, (_, index) => 40 - index));
  expect(backward.slice(-39)).toEqual(forward.slice(0, 39));
});

test('pages by parent or group are those of single parents, in one statement', async () => {
  const values = ['group-1', 'none', 'group-4', 'group-1'];
  for (const order of ALL) {
    const list = inOrder({ groupIds: ['group-1'] }, order);
    const args: EventPageArgs = { first: 4, after: cursorOf(order)(list[2]!), order };
    statements = 0;
    const pages = await reader.pagesBy(spread, 'groupId', values, args);
    expect(statements).toBe(1);
    const single = values.map(value =>
      reader.page(spread, { ...args, filter: { groupIds: [value] } }),
    );
    expect(pages).toEqual(await Promise.all(single));
  }
  const [children] = await reader.pagesBy(spread, 'parentId', ['event-2'], { first: 3 });
  expect(children!.items.map(event => event.position)).toEqual([120, 116, 112]);
  expect(await reader.pagesBy(spread, 'parentId', [], {})).toEqual([]);
});

test('pages by type are those of single types, with a filter and without, in one statement', async () => {
  const types = await typesOfSpread();
  const values = [...types.keys()].map(String);
  for (const order of ALL) {
    for (const filter of [null, { groupIds: ['group-1', 'group-2'] }]) {
      const args: EventPageArgs = { last: 3, order };
      statements = 0;
      const pages = await reader.pagesBy(spread, 'definitionId', values, { ...args, filter });
      expect(statements).toBe(1);
      const single = [...types.values()].map(type =>
        reader.page(spread, {
          ...args,
          filter: { types: [type], ...(filter && { and: [filter] }) },
        }),
      );
      expect(pages).toEqual(await Promise.all(single));
    }
  }
});

test('counts by parent, group or type are those of single ones, all at once', async () => {
  const types = await typesOfSpread();
  const filter = { sources: ['usual'] };
  const lists = [
    ['parentId', ['event-2', 'event-99', 'none'], (value: string) => ({ parentIds: [value] })],
    ['groupId', ['group-1', 'none', 'group-4'], (value: string) => ({ groupIds: [value] })],
    [
      'definitionId',
      [...types.keys()].map(String),
      (value: string) => ({ types: [types.get(Number(value))!] }),
    ],
  ] as const;
  for (const [field, values, filterOf] of lists) {
    for (const more of [null, filter]) {
      statements = 0;
      const counts = await reader.countBy(spread, field, values, more);
      expect(statements).toBeLessThanOrEqual(3);
      const single = values.map(value => {
        return reader.count(spread, { ...filterOf(value), ...(more && { and: [more] }) });
      });
      expect(counts).toEqual(await Promise.all(single));
    }
  }
  expect(await reader.countBy(spread, 'groupId', [])).toEqual([]);
});

async function typesOfSpread(): Promise<Map<number, string>> {
  const found = await database.read.query<{ id: number; name: string }>(
    'select id, name from event_definitions where workspace_id = $1 order by id',
    [spread],
  );
  expect(found.length).toBeGreaterThan(1);
  return new Map(found.map(({ id, name }) => [id, name]));
}

test('events are found by their ids of any form, in the order asked for, in one statement', async () => {
  const asked = [
    uuidOf(3),
    'event-2',
    'none',
    'event-22',
    'event-2',
    'a\u0000b',
    '\ud800',
    uuidOf(1).toUpperCase(),
  ];
  statements = 0;
  const found = await reader.byEventIds(spread, asked);
  expect(statements).toBe(1);
  // 22 has expired.
  expect(found.map(event => event?.position ?? null)).toEqual([
    3,
    2,
    null,
    null,
    2,
    null,
    null,
    null,
  ]);
  expect(await reader.byEventIds(spread, [])).toEqual([]);
  expect(await reader.byEventIds(spread + 1_000, ['event-2'])).toEqual([null]);
});

test('events are found by position and instant together, and a made-up place finds nothing', async () => {
  const at = (position: number, recordedAt = instantOf(position)) => ({ position, recordedAt });
  const places = [
    at(5),
    at(3),
    at(11),
    at(7, START),
    at(500),
    at(5),
    at(0.5),
    at(-1),
    at(2 ** 60),
    at(4, new Date(NaN)),
  ];
  const found = await reader.byPlaces(spread, places);
  const expected = [5, 3, null, null, null, 5, null, null, null, null];
  expect(found.map(event => event?.position ?? null)).toEqual(expected);
  expect(await reader.byPlaces(spread, [at(-1)])).toEqual([null]);
});

describe('a count', () => {
  test('is of the events that a filter matches, without those that have expired', async () => {
    expect(await reader.count(spread)).toBe(events.length);
    expect(await reader.count(spread, { search: null })).toBe(events.length);
    for (const filter of [{ sources: ['rare'] }, { types: [] }, { search: 'type' }]) {
      expect(await reader.count(spread, filter)).toBe(inOrder(filter, ALL[0]!).length);
    }
    expect(await reader.count(spread + 1_000)).toBe(0);
  });

  test('is null where it would take too long', async () => {
    const slow = createEventReader({
      read: {
        query: (_text, _params, options) => database.read.query('select pg_sleep(5)', [], options),
      },
      epoch: EPOCH,
      countWithinMs: 20,
    });
    expect(await slow.count(spread)).toBeNull();
  });

  test('fails as the database does', async () => {
    const broken = createEventReader({
      read: { query: () => database.read.query('select 1 / 0') },
      epoch: EPOCH,
    });
    await expect(broken.count(spread)).rejects.toThrow();
  });
});
