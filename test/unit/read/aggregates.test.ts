import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregatePage, AggregateQuery } from '../../../src/core/aggregate.ts';
import { type Door, DOORS } from '../../../src/core/event.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import { type Connection, createDatabase, type Database } from '../../../src/db/client.ts';
import { createAggregateCounts } from '../../../src/read/aggregate-counts.ts';
import { createAggregateReader } from '../../../src/read/aggregates.ts';
import { createFold, type Fold } from '../../../src/rollup/fold.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createOnePartition,
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from './aggregate-events.ts';
import { aggregate, type OracleRow } from './aggregate-oracle.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const logger = { warn: (facts: object) => console.warn(facts) };

let testDatabase: TestDatabase;
let database: Database;
let workspaces = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createOnePartition(database.upkeep);
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

const TYPES = [
  { name: 'shop.order', category: 'shop', measures: ['total'] },
  { name: 'shop.refund', category: 'shop', measures: ['total'] },
  { name: 'user.login', measures: ['total'] },
];
const CATEGORIES = new Map(TYPES.map(({ name, category }) => [name, category ?? null]));

/** All parts at one time of day. */
function partsAt(nowMs: number): {
  fold: Fold;
  reader: ReturnType<typeof createAggregateReader>;
  /** Reads events in slices of a few. */
  slicing: ReturnType<typeof createAggregateReader>;
} {
  const options = { read: database.read, epoch: 'test', nowMs: () => nowMs };
  return {
    fold: createFold({ upkeep: database.upkeep, logger, nowMs: () => nowMs }),
    reader: createAggregateReader(options),
    slicing: createAggregateReader({ ...options, slices: { wholeMax: 3, sliceMin: 2 } }),
  };
}

async function aWorkspace(
  timeZone: string,
  types: Parameters<typeof createSampleWorkspace>[1]['types'] = TYPES,
) {
  return createSampleWorkspace(database.upkeep, { slug: `agg-${++workspaces}`, timeZone, types });
}

const BASE: AggregateQuery = {
  filter: null,
  timeframe: { last: DAY },
  granularity: null,
  timeZone: null,
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

function shown(page: AggregatePage): OracleRow[] {
  return page.items.map(({ start, end, group, count, measures }) => ({
    start: start.getTime(),
    end: end.getTime(),
    group: group.map(({ value }) => value),
    count,
    measures: measures.map(({ value }) => (value === null ? null : round(value))),
  }));
}

function rounded(rows: readonly OracleRow[]): OracleRow[] {
  return rows.map(row => ({
    ...row,
    measures: row.measures.map(value => (value === null ? null : round(value))),
  }));
}

const round = (value: number) => Number(value.toPrecision(12)) + 0;

/** The same query as one that only the events can answer. */
function fromEvents(query: AggregateQuery): AggregateQuery {
  return { ...query, filter: { and: [query.filter ?? {}, { search: ' ' }] } };
}

/** Days with a change of clocks, a midnight that is none, a day that is none, and a plain one. */
const PLACES = [
  ['Europe/Vienna', '2026-03-29T01:00:00Z'],
  ['Europe/Vienna', '2025-10-26T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2025-11-02T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2025-10-04T15:30:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ['UTC', '2026-02-28T12:00:00Z'],
] as const;

const anEvent = (centre: number, spread: number): fc.Arbitrary<SampleEvent> =>
  fc.record({
    type: fc.constantFrom(...TYPES.map(({ name }) => name)),
    occurredAt: fc
      .oneof(
        fc.integer({ min: -spread, max: spread }),
        fc.constantFrom(-HOUR, -1, 0, 1, 15 * MINUTE, HOUR),
      )
      .map(offset => new Date(centre + offset)),
    door: fc.constantFrom<Door>('GRAPHQL', 'LOGSH', 'IMPORT'),
    source: fc.constantFrom(null, 'x', 'y'),
    payload: fc.constantFrom(
      '{}',
      '{"total":"12"}',
      '{"total":1.5}',
      '{"total":-3}',
      '{"total":20.0}',
      '{"total":null}',
    ),
  });

const aFilter = (centre: number, spread: number): fc.Arbitrary<AggregateQuery['filter']> => {
  const leaf = fc.oneof(
    fc.record({ types: fc.subarray(TYPES.map(({ name }) => name)) }),
    fc.record({ typePrefix: fc.constantFrom('shop.', 'u', '') }),
    fc.record({ categories: fc.subarray(['shop', 'none']) }),
    fc.record({ doors: fc.subarray<Door>(['GRAPHQL', 'LOGSH']) }),
  );
  const nested = fc.oneof(
    leaf,
    fc.record({ not: leaf }),
    fc.record({ or: fc.array(leaf, { maxLength: 2 }) }),
    fc.record({ and: fc.array(leaf, { maxLength: 2 }), not: leaf }),
  );
  const at = fc.integer({ min: -spread, max: spread }).map(offset => new Date(centre + offset));
  const inTime = fc.tuple(nested, at, at).map(([filter, from, to]) => ({
    and: [filter, { occurredAt: { from } }],
    occurredAt: { to },
  }));
  return fc.oneof(fc.constant(null), nested, inTime);
};

const total = ['total'];
const ROLLUP_MEASURES = (['COUNT', 'SUM', 'MIN', 'MAX', 'AVG'] as const).map(name => ({
  function: name,
  payloadPath: name === 'COUNT' ? null : total,
  dimension: null,
}));
const EVENT_MEASURES: AggregateQuery['measures'] = [
  { function: 'UNIQUE', payloadPath: null, dimension: 'SOURCE' },
  { function: 'UNIQUE', payloadPath: total, dimension: null },
  ...(['P50', 'P90', 'P95', 'P99'] as const).map(name => ({
    function: name,
    payloadPath: total,
    dimension: null,
  })),
];

const GRANULARITIES = [
  ['MINUTE', 90 * MINUTE],
  ['QUARTER_HOUR', 12 * HOUR],
  ['HOUR', 3 * DAY],
  ['DAY', 12 * DAY],
  ['WEEK', 60 * DAY],
  ['MONTH', 200 * DAY],
  [null, 40 * DAY],
] as const;

interface Scenario {
  readonly zone: string;
  readonly nowMs: number;
  readonly events: readonly SampleEvent[];
  readonly foldedAt: number;
  readonly query: AggregateQuery;
}

const aScenario: fc.Arbitrary<Scenario> = fc
  .record({
    place: fc.constantFrom(...PLACES),
    granularity: fc.constantFrom(...GRANULARITIES),
    /** Minute rows stand, or are past. */
    isRecent: fc.boolean(),
  })
  .chain(({ place: [zone, instant], granularity: [granularity, spread], isRecent }) => {
    const centre = Date.parse(instant);
    const end = fc.oneof(
      fc.integer({ min: -spread, max: spread }),
      fc.integer({ min: -40, max: 40 }).map(n => n * 15 * MINUTE),
    );
    return fc.record({
      zone: fc.constant(zone as string),
      nowMs: fc.constant(centre + (isRecent ? spread : 1_000 * DAY)),
      events: fc.array(anEvent(centre, spread), { maxLength: 40 }),
      foldedAt: fc.integer({ min: 0, max: 40 }),
      query: fc.record({
        filter: aFilter(centre, spread),
        timeframe: fc
          .tuple(end, end)
          .filter(([a, b]) => a !== b)
          .map(([a, b]) => ({
            between: {
              from: new Date(centre + Math.min(a, b)),
              to: new Date(centre + Math.max(a, b)),
            },
          })),
        granularity: fc.constant(granularity),
        timeZone: fc.constantFrom(null, zone, 'Asia/Kolkata', 'Europe/Vienna'),
        groupBy: fc.subarray([
          { dimension: 'TYPE' as const },
          { dimension: 'CATEGORY' as const },
          { dimension: 'DOOR' as const },
        ]),
        measures: fc.subarray(ROLLUP_MEASURES),
        fill: fc.constantFrom('NONE' as const, 'ZERO' as const),
        orderBy: fc.constantFrom('BUCKET' as const, 'COUNT_DESC' as const),
      }),
    });
  });

test('an answer is what plain code counts, from rollups and from events alike', async () => {
  const sources = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(aScenario, async ({ zone, nowMs, events, foldedAt, query }) => {
      const workspace = await aWorkspace(zone);
      const { fold, reader, slicing } = partsAt(nowMs);
      await flushAll(workspace, events.slice(0, foldedAt));
      await fold.foldNow(workspace.id);
      await flushAll(workspace, events.slice(foldedAt));
      const oracle = { zone: query.timeZone ?? zone, nowMs, categories: CATEGORIES };
      const first = { first: 1_000 };
      const expected = rounded(aggregate(events, query, oracle));
      const fromRollups = await reader.page(workspace.id, query, first);
      expect(shown(fromRollups)).toEqual(expected.slice(0, 1_000));
      const { from } = (query.timeframe as { between: { from: Date } }).between;
      const isTooOld = query.granularity === 'MINUTE' && from.getTime() < nowMs - 90 * DAY;
      expect(fromRollups.source === 'EVENTS').toBe(isTooOld);
      expect(fromRollups.totalCount).toBe(expected.length);
      sources.set(fromRollups.source, (sources.get(fromRollups.source) ?? 0) + 1);
      const more = {
        ...fromEvents(query),
        measures: [...query.measures, ...EVENT_MEASURES],
        groupBy: [...query.groupBy, { payloadPath: total }],
      };
      const asked = [
        [reader, fromEvents(query)],
        [reader, more],
        [slicing, { ...more, measures: query.measures }],
        [slicing, more],
      ] as const;
      for (const [way, other] of asked) {
        const answer = await way.page(workspace.id, other, first);
        expect(answer.source).toBe('EVENTS');
        const plain = rounded(aggregate(events, { ...other, filter: query.filter }, oracle));
        expect(shown(answer)).toEqual(plain.slice(0, 1_000));
        expect(answer.totalCount).toBe(plain.length);
      }
    }),
    { numRuns: 60 },
  );
  expect([...sources.keys()]).toEqual(expect.arrayContaining(['MIXED', 'ROLLUP']));
});

async function flushAll(
  workspace: Parameters<typeof flushSamples>[1],
  events: readonly SampleEvent[],
) {
  if (events.length > 0) await flushSamples(database.write, workspace, events);
}

const NOW = Date.parse('2026-06-01T12:34:56.789Z');

function orders(n: number, stepMs: number): SampleEvent[] {
  return Array.from({ length: n }, (_, i) => ({
    type: 'shop.order',
    occurredAt: new Date(NOW - 1 - i * stepMs),
    actor: `actor ${i % 7}`,
    payload: `{"total":${i}}`,
  }));
}

const byDay: AggregateQuery = {
  ...BASE,
  timeframe: {
    between: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-06-01T00:00:00Z') },
  },
  granularity: 'DAY',
};

test('later pages go on with the list of the first, whatever is recorded and folded meanwhile', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold, reader } = partsAt(NOW);
  const measures = ROLLUP_MEASURES;
  for (const query of [
    { ...byDay, measures },
    { ...byDay, measures: measures.slice(0, 2), fill: 'ZERO' as const },
    fromEvents({ ...byDay, measures }),
  ]) {
    await flushAll(workspace, orders(60, DAY / 2));
    const whole = await reader.page(workspace.id, query, { first: 1_000 });
    const pages: AggregatePage[] = [];
    for (let after: string | null = null; ;) {
      const page: AggregatePage = await reader.page(workspace.id, query, { first: 20, after });
      pages.push(page);
      await flushAll(workspace, orders(10, 13 * DAY));
      if (pages.length % 2 === 1) await fold.foldNow(workspace.id);
      expect(page.hasPreviousPage).toBe(after !== null);
      expect(page.asOf).toEqual(whole.asOf);
      if (!page.hasNextPage) break;
      after = page.items.at(-1)!.cursor;
    }
    expect(pages.flatMap(page => page.items.map(({ id }) => id))).toEqual(
      whole.items.map(({ id }) => id),
    );
    expect(pages.flatMap(shown)).toEqual(shown(whole));
    const before = pages[1]!.items[0]!.cursor;
    const back = await reader.page(workspace.id, query, { last: 5, before });
    expect(shown(back)).toEqual(shown(whole).slice(15, 20));
    expect(back.hasNextPage).toBe(true);
  }
});

test('asOf explains an answer exactly while events are recorded and folded', async () => {
  const workspace = await aWorkspace('America/New_York');
  const { fold, reader } = partsAt(NOW);
  const all = orders(250, 7 * HOUR);
  let isDone = false;
  const record = async () => {
    for (let i = 0; i < all.length; i += 5) await flushAll(workspace, all.slice(i, i + 5));
    isDone = true;
  };
  const refold = async () => {
    while (!isDone) await fold.foldNow(workspace.id);
  };
  const read = async () => {
    const query = { ...byDay, measures: ROLLUP_MEASURES, granularity: 'WEEK' as const };
    const oracle = { zone: 'America/New_York', nowMs: NOW, categories: CATEGORIES };
    let last = 0;
    while (!isDone) {
      const page = await reader.page(workspace.id, query, { first: 1_000 });
      expect(page.asOf.position).toBeGreaterThanOrEqual(last);
      last = page.asOf.position;
      expect(shown(page)).toEqual(rounded(aggregate(all.slice(0, last), query, oracle)));
    }
  };
  await Promise.all([record(), refold(), read(), read()]);
});

test('a workspace without events has an empty answer as of the beginning of its log', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  const page = await reader.page(workspace.id, BASE, {});
  expect(page).toMatchObject({
    items: [],
    totalCount: 0,
    asOf: { position: 0 },
    hasNextPage: false,
  });
});

test('a top list takes first alone, and says how many there are', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  await flushAll(workspace, orders(30, 1_000));
  const query: AggregateQuery = {
    ...BASE,
    groupBy: [{ dimension: 'ACTOR' }],
    orderBy: 'COUNT_DESC',
  };
  const page = await reader.page(workspace.id, query, { first: 3 });
  expect(page.items.map(({ group, count }) => [group[0]!.value, count])).toEqual([
    ['actor 0', 5],
    ['actor 1', 5],
    ['actor 2', 4],
  ]);
  expect(page).toMatchObject({ totalCount: 7, hasNextPage: true });
  await expect(
    reader.page(workspace.id, query, { first: 3, after: page.items[2]!.cursor }),
  ).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
});

test('an answer of more than 10,000 buckets is refused with what to narrow', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  await flushAll(workspace, orders(1, 1));
  const ask = (query: Partial<AggregateQuery>) =>
    reader.page(workspace.id, { ...byDay, ...query }, {});
  const tooMany = { code: 'QUERY_TOO_EXPENSIVE' };
  await expect(ask({ granularity: 'QUARTER_HOUR', fill: 'ZERO' })).rejects.toMatchObject(tooMany);
  await expect(ask({ granularity: 'MINUTE' })).rejects.toMatchObject(tooMany);
  await expect(ask({ granularity: 'HOUR', fill: 'ZERO' })).resolves.toMatchObject({
    totalCount: 3_624,
  });
});

test('a cut end is exact while its events are kept, and refused with the nearest ends after', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold, reader } = partsAt(NOW + 200 * DAY);
  await flushAll(workspace, orders(100, MINUTE));
  await fold.foldNow(workspace.id);
  const at = (text: string) => new Date(`2026-06-01T${text}Z`);
  const between = (from: string, to: string): AggregateQuery => ({
    ...BASE,
    timeframe: { between: { from: at(from), to: at(to) } },
  });
  const cut = between('11:20:00', '12:07:00');
  await expect(reader.page(workspace.id, cut, {})).resolves.toMatchObject({
    items: [{ count: 47 }],
    source: 'MIXED',
  });
  await database.upkeep.query(
    `with gone as (delete from events where workspace_id = $1 and occurred_at < '2026-06-01T11:25:00Z')
     update workspace_marks set tail = 30 where workspace_id = $1`,
    [workspace.id],
  );
  await expect(reader.page(workspace.id, cut, {})).rejects.toMatchObject({
    code: 'TIMEFRAME_UNALIGNED',
    extensions: {
      from: ['2026-06-01T11:15:00.000Z', '2026-06-01T11:30:00.000Z'],
      to: ['2026-06-01T12:00:00.000Z', '2026-06-01T12:15:00.000Z'],
    },
  });
  await expect(
    reader.page(workspace.id, between('11:15:00', '12:07:00'), {}),
  ).resolves.toMatchObject({
    items: [{ count: 52 }],
  });
  const gone = await reader.page(workspace.id, fromEvents(between('11:15:00', '12:00:00')), {});
  expect(gone).toMatchObject({ items: [{ count: 35 }], source: 'EVENTS' });
});

test('expired events stay in rollups, and are not in what is counted from events', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold, reader } = partsAt(NOW);
  const [event] = orders(1, 1) as [SampleEvent];
  await flushAll(workspace, [event, { ...event, expiresAt: new Date('2001-01-01T00:00:00Z') }]);
  for (let turn = 0; turn < 2; turn++) {
    const count = async (query: AggregateQuery) =>
      (await reader.page(workspace.id, query, {})).items[0]?.count;
    expect(await count(BASE)).toBe(2);
    expect(await count(fromEvents(BASE))).toBe(1);
    await fold.foldNow(workspace.id);
  }
});

test('a measure that is declared late is filled from the events, without a wrong answer between', async () => {
  const workspace = await aWorkspace('Europe/Vienna', ['shop.order']);
  const { fold, reader } = partsAt(NOW);
  const query = { ...byDay, measures: ROLLUP_MEASURES };
  await flushAll(workspace, orders(80, DAY));
  await fold.foldNow(workspace.id);
  const before = await reader.page(workspace.id, query, { first: 1_000 });
  expect(before.source).toBe('EVENTS');
  const declare = (measures: string) =>
    database.upkeep.query(
      'update event_definitions set measures = $2::text[] where workspace_id = $1',
      [workspace.id, measures],
    );
  await declare('{total}');
  expect(shown(await reader.page(workspace.id, query, { first: 1_000 }))).toEqual(shown(before));
  await fold.foldNow(workspace.id);
  const filled = await reader.page(workspace.id, query, { first: 1_000 });
  expect(filled.source).toBe('ROLLUP');
  expect(shown(filled)).toEqual(shown(before));
  await flushAll(workspace, orders(80, DAY));
  const twice = shown(await reader.page(workspace.id, query, { first: 1_000 }));
  expect(twice.map(({ measures }) => measures[0])).toEqual(
    shown(before).map(({ measures }) => 2 * measures[0]!),
  );
  await declare('{}');
  await fold.foldNow(workspace.id);
  const dropped = await reader.page(workspace.id, query, { first: 1_000 });
  expect(dropped.source).toBe('EVENTS');
  expect(shown(dropped)).toEqual(twice);
  const [left] = await database.read.query<{ n: number }>(
    'select (select count(*) from event_measures where workspace_id = $1) + (select count(*) from measure_fills where workspace_id = $1) as n',
    [workspace.id],
  );
  expect(left!.n).toBe(0);
});

test('a measure that no definition declares is counted from the events of every door', async () => {
  const workspace = await aWorkspace('UTC', ['shop.order']);
  const { fold, reader } = partsAt(NOW);
  const doors = Object.keys(DOORS) as Door[];
  const [event] = orders(1, 1) as [SampleEvent];
  await flushAll(
    workspace,
    doors.map(door => ({ ...event, door, payload: '{"total":5}' })),
  );
  await fold.foldNow(workspace.id);
  for (const door of doors) {
    const query = { ...BASE, filter: { doors: [door] }, measures: ROLLUP_MEASURES.slice(1, 2) };
    const page = await reader.page(workspace.id, query, {});
    expect(page.source).toBe('EVENTS');
    expect(page.items[0]!.measures[0]!.value).toBe(5);
  }
});

test('a new zone of the workspace is right at once, and its days are made anew', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold, reader } = partsAt(NOW);
  const events = orders(200, 5 * HOUR);
  await flushAll(workspace, events);
  await fold.foldNow(workspace.id);
  await database.upkeep.query(`update workspaces set time_zone = 'Pacific/Apia' where id = $1`, [
    workspace.id,
  ]);
  const oracle = { zone: 'Pacific/Apia', nowMs: NOW, categories: CATEGORIES };
  const query = { ...byDay, measures: ROLLUP_MEASURES };
  const expected = rounded(aggregate(events, query, oracle));
  expect(shown(await reader.page(workspace.id, query, { first: 1_000 }))).toEqual(expected);
  await fold.foldNow(workspace.id);
  expect(shown(await reader.page(workspace.id, query, { first: 1_000 }))).toEqual(expected);
  const days = await database.read.query<{ bucket: Date }>(
    'select distinct bucket from event_counts where workspace_id = $1 and grain = 3',
    [workspace.id],
  );
  expect(days.length).toBeGreaterThan(40);
  expect(days.every(({ bucket }) => bucket.getUTCHours() === 11)).toBe(true);
});

test('counts of definitions and of filters are those of the log, folded or not', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold } = partsAt(NOW);
  const counts = createAggregateCounts({ read: database.read, nowMs: () => NOW });
  const [order, login] = ['shop.order', 'user.login'].map(name => workspace.definitions.get(name)!);
  await flushAll(workspace, orders(10, DAY));
  await fold.foldNow(workspace.id);
  await flushAll(workspace, [...orders(5, DAY), { type: 'user.login', occurredAt: new Date(NOW) }]);
  const [row] = await database.read.query<{ first: Date; last: Date }>(
    'select min(recorded_at) as first, max(recorded_at) as last from events where workspace_id = $1',
    [workspace.id],
  );
  const found = await counts.definitionCounts(workspace.id, [order!, login!, 999_999]);
  expect(found.size).toBe(2);
  expect(found.get(order!)).toEqual({
    eventCount: 15,
    firstRecordedAt: row!.first,
    lastRecordedAt: row!.last,
  });
  expect(found.get(login!)).toMatchObject({ eventCount: 1 });
  const count = (filter: EventFilter | null) => counts.countFromRollups(workspace.id, filter);
  expect(await count(null)).toBe(16);
  expect(await count({ types: ['shop.order'] })).toBe(15);
  expect(await count({ categories: ['shop'] })).toBe(15);
  expect(await count({ categories: ['none'] })).toBe(0);
  expect(await count({ not: { typePrefix: 'shop' }, doors: ['GRAPHQL'] })).toBe(1);
  expect(
    await count({ occurredAt: { from: new Date(NOW - 3 * DAY - 1), to: new Date(NOW) } }),
  ).toBe(8);
  expect(await count({ occurredAt: { from: new Date(NOW), to: new Date(0) } })).toBe(0);
  expect(await count({ sources: ['x'] })).toBe(null);
  await flushAll(workspace, [{ ...orders(1, 1)[0]!, expiresAt: new Date('2001-01-01T00:00:00Z') }]);
  expect(await count(null)).toBe(16);
  await fold.foldNow(workspace.id);
  expect(await count(null)).toBe(null);
});

test('a cursor of another query, workspace or database is refused', async () => {
  const workspace = await aWorkspace('UTC');
  const other = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  await flushAll(workspace, orders(10, DAY));
  const { items } = await reader.page(workspace.id, byDay, { first: 1 });
  const after = items[0]!.cursor;
  const restored = createAggregateReader({ read: database.read, epoch: 'new', nowMs: () => NOW });
  const invalid = { code: 'CURSOR_INVALID' };
  await expect(
    reader.page(workspace.id, { ...byDay, granularity: 'WEEK' }, { after }),
  ).rejects.toMatchObject(invalid);
  await expect(reader.page(other.id, byDay, { after })).rejects.toMatchObject(invalid);
  await expect(restored.page(workspace.id, byDay, { after })).rejects.toMatchObject({
    code: 'CURSOR_EPOCH',
  });
});

test('numbers keep every digit, and one that no double holds stops no percentile', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  const payloads = [
    '{"total":9007199254740993}',
    '{"total":0.10}',
    '{"total":1e-400}',
    '{"total":true}',
  ];
  await flushAll(
    workspace,
    payloads.map(payload => ({ type: 'shop.order', occurredAt: new Date(NOW - 1), payload })),
  );
  const measures = [...ROLLUP_MEASURES, ...EVENT_MEASURES.slice(2, 3)];
  const page = await reader.page(workspace.id, { ...BASE, measures }, {});
  const [, sum, min, max, , p50] = page.items[0]!.measures;
  expect(sum!.text).toMatch(/^9007199254740993\.10{398}1$/);
  expect(min!.text).toMatch(/^0\.0{399}1$/);
  expect([max!.text, max!.value, p50!.text]).toEqual(['9007199254740993', 9007199254740992, '0.1']);
});

test.each([
  [{ timeframe: { last: 0 } }, 'timeframe.last'],
  [{ timeframe: { between: { from: new Date(1), to: new Date(1) } } }, 'timeframe.between'],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
  [{ groupBy: Array.from({ length: 9 }, () => ({ dimension: 'TYPE' as const })) }, 'groupBy'],
  [{ groupBy: [{ payloadPath: [] }] }, 'groupBy[0]'],
  [{ groupBy: [{ payloadPath: ['\0'] }] }, 'groupBy[0]'],
  [{ measures: [{ function: 'SUM' as const, payloadPath: null, dimension: null }] }, 'measures[0]'],
  [
    { measures: [{ function: 'COUNT' as const, payloadPath: ['a'], dimension: null }] },
    'measures[0]',
  ],
  [
    { measures: [{ function: 'SUM' as const, payloadPath: null, dimension: 'TYPE' as const }] },
    'measures[0]',
  ],
  [{ filter: { payload: [{ path: [], exists: true }] } }, 'filter.payload[0]'],
] satisfies [Partial<AggregateQuery>, string][])(
  'a query of %j is refused by name',
  async (part, name) => {
    const { reader } = partsAt(NOW);
    await expect(reader.page(1, { ...BASE, ...part }, {})).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining(name),
    });
  },
);

test('an id says query, bucket and group: stable while a timeframe moves, and of no other query', async () => {
  const workspace = await aWorkspace('UTC');
  await flushAll(workspace, orders(3, DAY));
  const ids = async (query: AggregateQuery, nowMs = NOW) => {
    const page = await partsAt(nowMs).reader.page(workspace.id, query, {});
    return page.items.map(({ id }) => id);
  };
  const moving: AggregateQuery = { ...BASE, timeframe: { last: 10 * DAY }, granularity: 'DAY' };
  const first = await ids(moving);
  expect(new Set(first).size).toBe(3);
  expect(await ids(moving, NOW + HOUR)).toEqual(first);
  expect(await ids({ ...moving, fill: 'NONE', orderBy: 'COUNT_DESC' })).toEqual(first);
  expect(await ids({ ...moving, granularity: 'WEEK' })).not.toContain(first[0]);
  const whole = { ...moving, granularity: null };
  expect(await ids(whole, NOW + 1)).toEqual(await ids(whole));
});

test('boundaries that rows do not have are counted from the events', async () => {
  const workspace = await aWorkspace('UTC');
  const nowMs = Date.parse('2011-01-01T00:00:00Z');
  const { reader, fold } = partsAt(nowMs);
  // The clocks of St John's went back at 00:01, and Monrovia's day began at 00:44:30.
  const events = [
    '2010-11-07T02:30:30Z',
    '2010-11-07T02:40:00Z',
    '1971-05-01T00:44:29Z',
    '1971-05-01T00:44:30Z',
  ];
  await flushAll(
    workspace,
    events.map(text => ({ type: 'user.login', occurredAt: new Date(text) })),
  );
  await fold.foldNow(workspace.id);
  type Asked = readonly ['HOUR' | 'DAY', string, string, string];
  const ask = (...[granularity, timeZone, from, to]: Asked) =>
    reader.page(
      workspace.id,
      {
        ...BASE,
        granularity,
        timeZone,
        timeframe: { between: { from: new Date(from), to: new Date(to) } },
      },
      {},
    );
  for (const args of [
    ['HOUR', 'America/St_Johns', '2010-11-07T00:00:00Z', '2010-11-08T00:00:00Z'],
    ['DAY', 'Africa/Monrovia', '1971-04-01T00:00:00Z', '1971-06-01T00:00:00Z'],
  ] as const) {
    const page = await ask(args[0], args[1], args[2], args[3]);
    expect(page.items.map(({ count }) => count)).toEqual([1, 1]);
  }
  await database.upkeep.query(`update workspaces set time_zone = 'Africa/Monrovia' where id = $1`, [
    workspace.id,
  ]);
  await fold.foldNow(workspace.id);
  const own = await ask('DAY', 'Africa/Monrovia', '1971-04-01T00:00:00Z', '1971-06-01T00:00:00Z');
  expect(own.source).toBe('MIXED');
});

test('what was recorded since a cursor and can no longer be taken off ends its list', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold, reader } = partsAt(NOW);
  const sum = { ...byDay, measures: ROLLUP_MEASURES.slice(0, 2) };
  const least = { ...byDay, measures: ROLLUP_MEASURES };
  await flushAll(workspace, orders(10, DAY));
  const pages = await Promise.all(
    [sum, least].map(query => reader.page(workspace.id, query, { first: 2 })),
  );
  await flushAll(workspace, orders(10, DAY));
  await fold.foldNow(workspace.id);
  const next = (query: AggregateQuery, at: number) =>
    reader.page(workspace.id, query, { first: 2, after: pages[at]!.items[1]!.cursor });
  await expect(next(least, 1)).resolves.toMatchObject({ source: 'EVENTS' });
  const settle = (text: string) => database.upkeep.query(text, [workspace.id]);
  await settle('update workspace_marks set tail = 2 where workspace_id = $1');
  await expect(next(least, 1)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  await expect(next(sum, 0)).resolves.toMatchObject({ items: [{ count: 1 }, { count: 1 }] });
  await settle('update events set redacted_at = now() where workspace_id = $1 and position = 15');
  await expect(next(sum, 0)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
});

test('days that are made anew between a look and an answer do not mix with others', async () => {
  const workspace = await aWorkspace('UTC');
  const { fold } = partsAt(NOW);
  const events = orders(50, 5 * HOUR);
  await flushAll(workspace, events);
  await fold.foldNow(workspace.id);
  let looks = 0;
  const racing: Connection = {
    async query(text, params, options) {
      if (text.includes('event_counts') && looks++ === 0) {
        await database.upkeep.query(
          `update workspaces set time_zone = 'Pacific/Apia' where id = $1`,
          [workspace.id],
        );
        await fold.foldNow(workspace.id);
      }
      return database.read.query(text, params, options);
    },
  };
  const reader = createAggregateReader({ read: racing, epoch: 'test', nowMs: () => NOW });
  const page = await reader.page(workspace.id, { ...byDay, timeZone: 'UTC' }, { first: 1_000 });
  expect(looks).toBe(2);
  const oracle = { zone: 'UTC', nowMs: NOW, categories: CATEGORIES };
  expect(shown(page)).toEqual(aggregate(events, byDay, oracle));
});

test('a page lies between two cursors of one list, also when a bucket of them is gone', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  await flushAll(workspace, orders(10, DAY));
  const query = fromEvents(byDay);
  const first = await reader.page(workspace.id, query, {});
  // 1 June is not part of the timeframe.
  expect(first.totalCount).toBe(9);
  const [after, before] = [first.items[1]!.cursor, first.items[6]!.cursor];
  const between = () => reader.page(workspace.id, query, { after, before, first: 3 });
  expect(shown(await between())).toEqual(shown(first).slice(2, 5));
  await database.upkeep.query(
    `update events set expires_at = '2001-01-01' where workspace_id = $1 and position = 9`,
    [workspace.id],
  );
  expect(shown(await between())).toEqual(shown(first).slice(2, 5));
  await flushAll(workspace, orders(1, DAY));
  const later = await reader.page(workspace.id, query, {});
  await expect(
    reader.page(workspace.id, query, { after, before: later.items[4]!.cursor }),
  ).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
});

test('zeroes for too many groups are refused', async () => {
  const workspace = await aWorkspace('UTC');
  const { reader } = partsAt(NOW);
  await flushAll(workspace, orders(100, DAY));
  const query = { ...byDay, fill: 'ZERO' as const, groupBy: [{ payloadPath: total }] };
  await expect(reader.page(workspace.id, query, {})).rejects.toMatchObject({
    code: 'QUERY_TOO_EXPENSIVE',
  });
});
