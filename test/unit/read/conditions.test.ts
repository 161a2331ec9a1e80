import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCursor, eventCursors } from '../../../src/core/cursor.ts';
import type { EventInput, PropertyType, StoredEvent } from '../../../src/core/event.ts';
import { storedProperties } from '../../../src/core/stored-properties.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { createAggregateCounts } from '../../../src/read/aggregate-counts.ts';
import type { EventIdOrder, EventReader } from '../../../src/read/event-reader.ts';
import { createEventStatistics, type EventStatistics } from '../../../src/read/event-statistics.ts';
import { createEventReader } from '../../../src/read/events.ts';
import { startRecordingDatabase } from '../../kit/recording.ts';

let recording: Awaited<ReturnType<typeof startRecordingDatabase>>;
let reader: EventReader;
let statistics: EventStatistics;
beforeAll(async () => {
  recording = await startRecordingDatabase();
  const { read } = recording.db;
  reader = createEventReader({ read, epoch: 'e' });
  const counts = createAggregateCounts({ read, nowMs: () => Date.now() });
  statistics = createEventStatistics({ read, counts });
});
afterAll(async () => {
  await recording[Symbol.asyncDispose]();
});

async function recorded(inputs: readonly EventInput[]): Promise<Workspace> {
  const workspace = await recording.workspace();
  const request = { workspace, door: 'LOGSPACE' as const, events: inputs, atomic: false };
  const receipts = await recording.record(request);
  expect(receipts.filter(({ status }) => status !== 'RECORDED')).toEqual([]);
  return workspace;
}

const BY_ID: EventIdOrder = { field: 'OCCURRED_AT_AND_ID', direction: 'ASC' };

async function all({ id }: Workspace): Promise<readonly StoredEvent[]> {
  return (await reader.page(id, { order: BY_ID, first: 1_000 })).items;
}

const at = (ms: number) => new Date(Date.UTC(2021, 0, 1) + ms);

const NUMBERS = [
  '0',
  '-7',
  '2147483648',
  '9223372036854775807',
  '9223372036854775808',
  '0.5',
  '1e30',
];
const TEXTS: Record<PropertyType, readonly string[]> = {
  BOOLEAN: ['true', 'false'],
  DATE: ['2015-05-18T14:07:00.123Z', '1999-12-31T23:59:59.000Z'],
  DOUBLE: ['0', '0.5', '-7', 'NaN', 'Infinity', '1e30'],
  FLOAT: ['0', '1.5', '-Infinity'],
  INTEGER: ['0', '-7', '2147483647'],
  LONG: ['0', '2147483648', '9223372036854775807'],
  STRING: ['', 'a', '7', 'é"\\', 'true'],
  JSON: ['{"a":[1]}', '[]', 'null', '[1,"a"]'],
};
const types = Object.keys(TEXTS) as PropertyType[];
const name = fc.constantFrom('x', 'y', 'a b');

const property = fc.constantFrom(...types).chain(type =>
  fc.record({
    name: fc.constantFrom('p', 'q', '"\\'),
    type: fc.constant(type),
    values: fc.array(fc.constantFrom(...TEXTS[type]), { minLength: 1, maxLength: 3 }),
    isList: fc.boolean(),
  }),
);
const leaf = fc.oneof(
  fc
    .constantFrom(...NUMBERS)
    .map(Number)
    .filter(n => !Number.isInteger(n) || Number.isSafeInteger(n)),
  fc.constantFrom('', 'a', '7', 'true'),
  fc.boolean(),
  fc.constant(null),
);
const input = fc.record({
  payload: fc.dictionary(name, fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { maxKeys: 3 }),
  properties: fc.array(property, { maxLength: 4 }).map(list =>
    // A list of one type as JSON has one value a name.
    list.filter(each => each.type !== 'JSON' || each.values.length === 1),
  ),
});

test('typed properties in SQL are those that an event shows, by name, type and value', async () => {
  const inputs = fc.sample(input, { numRuns: 400, seed: 7 });
  const workspace = await recorded(
    inputs.map((each, n) => ({ ...each, type: 't', id: `i${n}`, occurredAt: at(n) })),
  );
  const events = await all(workspace);
  const shown = new Map<string, Set<string>>();
  for (const event of events) {
    for (const { name: key, type, values } of storedProperties(event)) {
      const names = `${type} ${key}`;
      shown.set(names, (shown.get(names) ?? new Set()).add(`*${event.eventId}`));
      for (const value of values) shown.get(names)!.add(`${value} ${event.eventId}`);
    }
  }
  const listed = await statistics.properties(workspace.id, {});
  expect(listed.map(each => `${each.type} ${each.name}`).sort()).toEqual([...shown.keys()].sort());

  const idsWhere = async (type: PropertyType, key: string, value: string | null) => {
    const match = value === null ? null : { among: [value] };
    const filter = { property: { type, name: key }, match };
    const found = await reader.page(workspace.id, { filter, order: BY_ID, first: 1_000 });
    return found.items.map(({ eventId }) => eventId).sort();
  };
  const expected = (type: PropertyType, key: string, isWanted: (value: string) => boolean) =>
    events
      .filter(event =>
        storedProperties(event).some(
          each => each.type === type && each.name === key && each.values.some(isWanted),
        ),
      )
      .map(({ eventId }) => eventId)
      .sort();
  for (const type of types.filter(each => each !== 'JSON')) {
    for (const key of ['x', 'p', '"\\']) {
      expect(await idsWhere(type, key, null), `${type} ${key}`).toEqual(
        expected(type, key, () => true),
      );
      for (const value of TEXTS[type]) {
        const isNumber = type !== 'STRING' && type !== 'DATE' && type !== 'BOOLEAN';
        const isEqual = (other: string) =>
          isNumber ? Object.is(Number(other) + 0, Number(value) + 0) : other === value;
        expect(await idsWhere(type, key, value), `${type} ${key} ${value}`).toEqual(
          expected(type, key, isEqual),
        );
      }
    }
  }
});

describe('pages', () => {
  test('show each event once in the order of time and id, also many of one instant', async () => {
    const inputs = fc
      .sample(fc.record({ id: fc.uuid(), ms: fc.nat(9) }), { numRuns: 300, seed: 3 })
      .map(({ id, ms }) => ({ type: 't', id, occurredAt: at(ms) }));
    const workspace = await recorded(inputs);
    const seen: StoredEvent[] = [];
    const { encodeOccurredAtAndId } = eventCursors('e', workspace.id);
    let after: string | null = null;
    for (let isMore = true; isMore;) {
      const page = await reader.page(workspace.id, { order: BY_ID, first: 37, after });
      expect(page.hasPreviousPage).toBe(after !== null);
      seen.push(...page.items);
      after = encodeOccurredAtAndId(page.items.at(-1)!);
      isMore = page.hasNextPage;
    }
    const last = { order: BY_ID, last: 5, before: after };
    const before = (await reader.page(workspace.id, last)).items;
    expect(before.map(({ eventId }) => eventId)).toEqual(
      seen.slice(-6, -1).map(({ eventId }) => eventId),
    );
    const order = [...inputs].sort(
      (a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || (a.id < b.id ? -1 : 1),
    );
    expect(seen.map(({ eventId }) => eventId)).toEqual(order.map(({ id }) => id));
    expect(await reader.count(workspace.id)).toBe(300);
  });

  test('hide what has expired', async () => {
    const workspace = await recorded([
      { type: 't', id: 'gone', expiresAt: new Date(1) },
      { type: 't', id: 'here' },
    ]);
    expect((await all(workspace)).map(({ eventId }) => eventId)).toEqual(['here']);
    const samples: StoredEvent[] = [];
    for await (const some of statistics.samples(workspace.id)) samples.push(...some);
    expect(samples).toHaveLength(1);
  });

  test('refuse cursors of other workspaces, databases and makers', async () => {
    const inputs = [{ type: 't', id: 'a' }];
    const [one, two] = [await recorded(inputs), await recorded(inputs)];
    const [event] = await all(one);
    const cursor = eventCursors('e', one.id).encodeOccurredAtAndId(event!);
    const read = (workspace: Workspace, after: string, by = reader) =>
      by.page(workspace.id, { order: BY_ID, first: 1, after });
    await expect(read(two, cursor)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    await expect(read(one, 'x')).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    await expect(read(one, 'x'.repeat(10_000))).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    const restored = createEventReader({ read: recording.db.read, epoch: 'f' });
    await expect(read(one, cursor, restored)).rejects.toMatchObject({ code: 'CURSOR_EPOCH' });
    const made = (...place: string[]) =>
      encodeCursor('events.occurredAtAndId', one.id, ['e', '1', ...place]);
    for (const place of [['8650000000000000', 'a'], ['0', '\0'], ['0'], ['0', 'a', 'b']]) {
      const refused = read(one, made(...place));
      await expect(refused).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    }
  });

  test('refuse offsets and filters beyond their bounds', async () => {
    const { id } = await recorded([]);
    const page = (offset: number) => reader.page(id, { order: BY_ID, first: 1, offset });
    await expect(page(10_001)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    const among = Array.from({ length: 1_001 }, String);
    await expect(reader.count(id, { text: 'EVENT_ID', match: { among } })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
  });
});

test('a count that takes too long is null', async () => {
  const inputs = Array.from({ length: 2_000 }, (_, n) => ({ type: 't', payload: { n } }));
  const { id } = await recorded(inputs);
  // Many events and few conditions: planning a statement of many can't be interrupted.
  const slow = Array.from({ length: 30 }, (_, n) => ({
    property: { type: 'INTEGER' as const, name: 'n' },
    match: { from: String(-n), to: null },
  }));
  expect(await reader.count(id, { allOf: slow }, { withinMs: 1 })).toBeNull();
});
