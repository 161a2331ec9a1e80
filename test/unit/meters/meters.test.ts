import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregateQuery, EventGroupKey } from '../../../src/core/aggregate.ts';
import type { GatewayError } from '../../../src/core/errors.ts';
import type { Door } from '../../../src/core/event.ts';
import type { EventFilter } from '../../../src/core/filter.ts';
import { type Connection, createDatabase, type Database } from '../../../src/db/client.ts';
import { createMeterAdmin } from '../../../src/meters/meter-admin.ts';
import { redact } from '../../../src/upkeep/redact.ts';
import { countFaults } from '../../../src/upkeep/upkeep-faults.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { unaudited } from '../../kit/unaudited.ts';
import {
  createOnePartition,
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from '../read/aggregate-events.ts';
import { aggregate } from '../read/aggregate-oracle.ts';
import {
  COUNT_ALL,
  DAY,
  HOUR,
  makeMeter,
  MINUTE,
  mortalFold,
  partsAt,
  rounded,
  shown,
} from './kit.ts';

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
  { name: 'shop.order', category: 'shop' },
  { name: 'shop.refund', category: 'shop' },
  { name: 'user.login' },
];
const CATEGORIES = new Map(TYPES.map(({ name, category }) => [name, category ?? null]));

async function aWorkspace(timeZone = 'UTC') {
  const slug = `meters-${++workspaces}`;
  return createSampleWorkspace(database.upkeep, { slug, timeZone, types: TYPES });
}

type Workspace = Awaited<ReturnType<typeof aWorkspace>>;

async function flushAll(workspace: Workspace, events: readonly SampleEvent[]) {
  if (events.length > 0) await flushSamples(database.write, workspace, events);
}

/** Days with a change of clocks, a midnight that is none, a day that is none, and a plain one. */
const PLACES = [
  ['Europe/Vienna', '2026-03-29T01:00:00Z'],
  ['America/New_York', '2025-11-02T06:00:00Z'],
  ['Australia/Lord_Howe', '2025-10-04T15:30:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ['UTC', '2026-02-28T12:00:00Z'],
] as const;

const GRANULARITIES = [
  ['QUARTER_HOUR', 12 * HOUR],
  ['HOUR', 3 * DAY],
  ['DAY', 12 * DAY],
  ['WEEK', 60 * DAY],
  ['MONTH', 200 * DAY],
  [null, 80 * DAY],
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
    actor: fc.constantFrom(null, 'ann', 'bob', 'cy "c" \\'),
    success: fc.constantFrom(null, true, false),
    payload: fc.constantFrom(
      '{}',
      '{"total":"12"}',
      '{"total":12}',
      '{"total":1.5,"at":"x"}',
      '{"total":-3,"at":"y"}',
      '{"total":20.0,"at":true}',
      '{"total":null,"at":"true"}',
    ),
  });

/** What a meter may filter by: not all of it is told by its groups. */
const aMeterFilter: fc.Arbitrary<EventFilter | null> = fc.constantFrom<EventFilter | null>(
  null,
  { sources: ['x', 'y'] },
  { success: true },
  { payload: [{ path: ['total'], greaterThan: 0 }] },
  { not: { sources: ['x'] }, typePrefix: 'shop.' },
  { or: [{ actors: ['ann'] }, { payload: [{ path: ['at'], exists: true }] }] },
);

const KEYS: EventGroupKey[] = [
  { dimension: 'ACTOR' },
  { dimension: 'SOURCE' },
  { dimension: 'TYPE' },
  { dimension: 'DOOR' },
  { dimension: 'SUCCESS' },
  { payloadPath: ['total'] },
  { payloadPath: ['at'] },
];

/** What the groups of a meter tell. */
function restsOf(groupBy: readonly EventGroupKey[]): EventFilter[] {
  const rests: EventFilter[] = [];
  for (const key of groupBy) {
    if ('payloadPath' in key) {
      rests.push({ payload: [{ path: key.payloadPath, in: ['x', '12', 12] }] });
    } else if (key.dimension === 'ACTOR') {
      rests.push({ actors: ['ann', 'cy "c" \\'] }, { not: { actors: ['bob'] } });
    } else if (key.dimension === 'SOURCE') rests.push({ sources: ['y'] });
    else if (key.dimension === 'TYPE')
      rests.push({ categories: ['shop'] }, { types: ['user.login'] });
    else if (key.dimension === 'DOOR') rests.push({ not: { doors: ['LOGSH'] } });
    else if (key.dimension === 'SUCCESS') rests.push({ success: false });
  }
  return rests;
}

const total = ['total'];
const MEASURES: AggregateQuery['measures'] = (['COUNT', 'SUM', 'MIN', 'MAX', 'AVG'] as const).map(
  name => ({ function: name, payloadPath: name === 'COUNT' ? null : total, dimension: null }),
);

const aScenario = fc
  .record({
    place: fc.constantFrom(...PLACES),
    granularity: fc.constantFrom(...GRANULARITIES),
    filter: aMeterFilter,
    groupBy: fc.subarray(KEYS, { minLength: 1, maxLength: 3 }),
  })
  .chain(({ place: [zone, instant], granularity: [granularity, spread], filter, groupBy }) => {
    const centre = Date.parse(instant);
    const end = fc.oneof(
      fc.integer({ min: -spread, max: spread }),
      fc.integer({ min: -40, max: 40 }).map(n => n * 15 * MINUTE),
    );
    const rest = fc.option(fc.constantFrom(...restsOf(groupBy)), { nil: null, freq: 2 });
    const inTime = fc.option(end, { nil: null, freq: 2 });
    return fc.record({
      zone: fc.constant(zone as string),
      nowMs: fc.constant(centre + spread),
      events: fc.array(anEvent(centre, spread), { minLength: 1, maxLength: 40 }),
      /** How many events are recorded before the meter is made, and before each fold. */
      madeAt: fc.integer({ min: 0, max: 40 }),
      foldedAt: fc.integer({ min: 0, max: 40 }),
      /** The statement at which a process dies that folds. */
      dieAt: fc.integer({ min: 1, max: 30 }),
      meter: fc.constant({ filter, groupBy, measures: MEASURES.slice(1) }),
      query: fc.record({
        filter: fc.tuple(rest, inTime).map(([more, from]): EventFilter | null => {
          const parts = [filter, more].filter(each => each !== null);
          if (from !== null) parts.push({ occurredAt: { from: new Date(centre + from) } });
          return parts.length === 0 ? null : { and: parts };
        }),
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
        groupBy: fc.subarray(groupBy),
        measures: fc.subarray([...MEASURES]),
        fill: fc.constantFrom('NONE' as const, 'ZERO' as const),
        orderBy: fc.constantFrom('BUCKET' as const, 'COUNT_DESC' as const),
      }),
    });
  });

test('a meter answers what plain code counts, made before, amid and after, and folded by mortals', async () => {
  const sources = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      aScenario,
      async ({ zone, nowMs, events, madeAt, foldedAt, dieAt, meter, query }) => {
        const workspace = await aWorkspace(zone);
        const { fold, reader } = partsAt(database, nowMs);
        await flushAll(workspace, events.slice(0, madeAt));
        if (madeAt % 2 === 0) await fold.foldNow(workspace.id);
        await makeMeter(database, workspace.id, meter);
        await mortalFold(database, nowMs, dieAt)
          .foldNow(workspace.id)
          .catch(() => {});
        await flushAll(workspace, events.slice(madeAt, Math.max(madeAt, foldedAt)));
        await mortalFold(database, nowMs, dieAt * 2)
          .foldNow(workspace.id)
          .catch(() => {});
        if (foldedAt % 3 > 0) await fold.foldNow(workspace.id);
        await flushAll(workspace, events.slice(Math.max(madeAt, foldedAt)));
        const oracle = { zone: query.timeZone ?? zone, nowMs, categories: CATEGORIES };
        const expected = rounded(aggregate(events, query, oracle));
        const early = await reader.page(workspace.id, query, { first: 1_000 });
        expect(shown(early)).toEqual(expected.slice(0, 1_000));
        await fold.foldNow(workspace.id);
        const late = await reader.page(workspace.id, query, { first: 1_000 });
        expect(shown(late)).toEqual(expected.slice(0, 1_000));
        expect(late.totalCount).toBe(expected.length);
        expect(late.source).not.toBe('EVENTS');
        for (const { source } of [early, late]) sources.set(source, (sources.get(source) ?? 0) + 1);
      },
    ),
    { numRuns: 50 },
  );
  expect([...sources.keys()]).toEqual(expect.arrayContaining(['METER', 'MIXED', 'EVENTS']));
});

const NOW = Date.parse('2026-06-01T12:34:56.789Z');

function logins(n: number, stepMs: number, more: (i: number) => Partial<SampleEvent> = () => ({})) {
  return Array.from({ length: n }, (_, i): SampleEvent => ({
    type: 'user.login',
    occurredAt: new Date(NOW - 1 - i * stepMs),
    actor: `actor ${i % 7}`,
    payload: `{"ms":${i}}`,
    ...more(i),
  }));
}

const byActor: AggregateQuery = {
  ...COUNT_ALL,
  timeframe: {
    between: { from: new Date('2025-01-01T00:00:00Z'), to: new Date('2026-07-01T00:00:00Z') },
  },
  groupBy: [{ dimension: 'ACTOR' }],
};
const ACTOR_METER = { groupBy: [{ dimension: 'ACTOR' as const }] };

async function rowsLeft(workspaceId: number) {
  const tables = ['meter_counts', 'meter_values', 'meter_sketches', 'meter_series', 'meters'];
  const counts = tables.map(t => `(select count(*) from ${t} where workspace_id = $1)`);
  const [row] = await database.read.query<{ n: number }>(`select ${counts.join(' + ')} as n`, [
    workspaceId,
  ]);
  return row!.n;
}

test('events answer until a meter is filled, and the meter from then on', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  await flushAll(workspace, logins(30, HOUR));
  await fold.foldNow(workspace.id);
  const before = await reader.page(workspace.id, byActor, { first: 100 });
  expect(before.source).toBe('EVENTS');
  await makeMeter(database, workspace.id, ACTOR_METER);
  expect((await reader.page(workspace.id, byActor, {})).source).toBe('EVENTS');
  await fold.foldNow(workspace.id);
  const filled = await reader.page(workspace.id, byActor, { first: 100 });
  expect(filled.source).toBe('METER');
  expect(shown(filled)).toEqual(shown(before));
  // Not folded yet: counted by the reader.
  await flushAll(workspace, logins(7, HOUR));
  const more = await reader.page(workspace.id, byActor, { first: 100 });
  expect(more.source).toBe('METER');
  expect(more.items.reduce((sum, { count }) => sum + count, 0)).toBe(37);
});

test('a meter without events answers, and one of another workspace answers nothing', async () => {
  const [workspace, other] = [await aWorkspace(), await aWorkspace()];
  const { fold, reader } = partsAt(database, NOW);
  await makeMeter(database, workspace.id, ACTOR_METER);
  await fold.foldNow();
  const page = await reader.page(workspace.id, byActor, {});
  expect(page).toMatchObject({ source: 'METER', items: [], asOf: { position: 0 } });
  await flushAll(other, logins(3, HOUR));
  await fold.foldNow();
  const elsewhere = await reader.page(other.id, byActor, {});
  expect(elsewhere).toMatchObject({ source: 'EVENTS' });
  expect((await reader.page(workspace.id, byActor, {})).items).toEqual([]);
});

test('a long history is filled in ranges, and what is recorded meanwhile is folded between them', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  for (let i = 0; i < 25; i++) await flushAll(workspace, logins(1_000, 1_000));
  await fold.foldNow(workspace.id);
  await makeMeter(database, workspace.id, ACTOR_METER);
  const places: number[] = [];
  const [watched] = await database.read.query<{ id: number }>(
    'select id from meters where workspace_id = $1',
    [workspace.id],
  );
  for (let dieAt = 15; ; dieAt += 15) {
    const isDone = await mortalFold(database, NOW, dieAt)
      .foldNow(workspace.id)
      .then(
        () => true,
        () => false,
      );
    const [row] = await database.read.query<{ folded: number; active: boolean }>(
      'select folded, active_at is not null as active from meters where workspace_id = $1 and id = $2',
      [workspace.id, watched!.id],
    );
    expect(row!.active).toBe(row!.folded === 25_000);
    places.push(row!.folded);
    if (isDone) break;
  }
  expect(new Set(places).size).toBeGreaterThan(1);
  expect(places.at(-1)).toBe(25_000);
  const page = await reader.page(workspace.id, byActor, {});
  expect(page.source).toBe('METER');
  expect(page.items.reduce((sum, { count }) => sum + count, 0)).toBe(25_000);
});

test('groups beyond the bound count as one, which is said and never taken for exact', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const sum = { function: 'SUM' as const, payloadPath: ['ms'], dimension: null };
  await makeMeter(database, workspace.id, { ...ACTOR_METER, measures: [sum], seriesMax: 3 });
  await flushAll(workspace, logins(70, HOUR));
  await fold.foldNow(workspace.id);
  await flushAll(workspace, logins(14, HOUR));
  const exact = await reader.page(workspace.id, byActor, { first: 100 });
  expect(exact.source).toBe('EVENTS');
  expect(exact.items).toHaveLength(7);
  const rough = await reader.page(workspace.id, { ...byActor, approximate: true }, { first: 100 });
  expect(rough.source).toBe('METER');
  expect(rough.items.map(({ group, count, isOther }) => [group[0]!.value, count, isOther])).toEqual(
    [
      ['actor 0', 12, false],
      ['actor 1', 12, false],
      ['actor 2', 12, false],
      ['other', 48, true],
    ],
  );
  expect(new Set(rough.items.map(({ id }) => id)).size).toBe(4);
  const zeros = { ...byActor, approximate: true, fill: 'ZERO' as const };
  expect((await reader.page(workspace.id, zeros, { first: 100 })).items).toHaveLength(4);
  // All together they are exact, and so is what is not grouped.
  const whole = await reader.page(workspace.id, { ...byActor, groupBy: [], measures: [sum] }, {});
  expect(whole).toMatchObject({ source: 'METER', items: [{ count: 84, isOther: false }] });
  const top = { ...byActor, approximate: true, orderBy: 'COUNT_DESC' as const };
  const first = await reader.page(workspace.id, top, { first: 1 });
  expect(first).toMatchObject({ totalCount: 4, items: [{ isOther: true, count: 48 }] });
  const [row] = await database.read.query(
    'select series_count, overflowed from meters where workspace_id = $1',
    [workspace.id],
  );
  expect(row).toEqual({ series_count: 3, overflowed: true });
});

test('values of more than 256 bytes are cut, and exact answers then come from the events', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const long = 'é'.repeat(300);
  const query: AggregateQuery = { ...byActor, groupBy: [{ payloadPath: ['at'] }] };
  await makeMeter(database, workspace.id, { groupBy: query.groupBy });
  await flushAll(
    workspace,
    logins(4, HOUR, i => ({ payload: JSON.stringify({ at: `${long}${i % 2}` }) })),
  );
  await fold.foldNow(workspace.id);
  const exact = await reader.page(workspace.id, query, {});
  expect(exact.source).toBe('EVENTS');
  expect(exact.items.map(({ count }) => count)).toEqual([2, 2]);
  const rough = await reader.page(workspace.id, { ...query, approximate: true }, {});
  expect(rough.items.map(({ group, count }) => [group[0]!.value, count])).toEqual([
    ['é'.repeat(128), 4],
  ]);
});

test('a number that is too long sets its measure aside, and nothing else', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const of = (name: 'SUM' | 'MAX', path: string) =>
    ({ function: name, payloadPath: [path], dimension: null }) as const;
  await makeMeter(database, workspace.id, {
    ...ACTOR_METER,
    measures: [of('SUM', 'ms'), of('SUM', 'big')],
  });
  const big = `1${'0'.repeat(300)}`;
  await flushAll(
    workspace,
    logins(8, HOUR, i => ({ payload: `{"ms":${i},"big":${i === 3 ? big : 1}}` })),
  );
  await fold.foldNow(workspace.id);
  const ask = (measure: ReturnType<typeof of>) =>
    reader.page(workspace.id, { ...byActor, groupBy: [], measures: [measure], filter: null }, {});
  // Rollups would answer what is of no group, if a definition declared it.
  expect(await ask(of('MAX', 'ms'))).toMatchObject({
    source: 'METER',
    items: [{ measures: [{ text: '7' }] }],
  });
  const summed = await ask(of('SUM', 'big'));
  expect(summed.source).toBe('EVENTS');
  expect(summed.items[0]!.measures[0]!.text).toBe(`1${'0'.repeat(299)}7`);
});

test('a meter that fails is passed over, keeps no other waiting, and goes on where it stood', async () => {
  const workspace = await aWorkspace();
  const warnings: object[] = [];
  const { fold, reader } = partsAt(database, NOW, { warnings });
  const broken = await makeMeter(database, workspace.id, { ...ACTOR_METER, name: 'broken' });
  await makeMeter(database, workspace.id, {
    name: 'whole',
    groupBy: [{ dimension: 'ACTOR' }, { dimension: 'SOURCE' }],
  });
  await fold.foldNow(workspace.id);
  await database.upkeep.query(
    `create function fail() returns trigger language plpgsql as $$ begin raise 'no room'; end $$`,
  );
  await database.upkeep.query(
    `create trigger fail before insert on meter_counts for each row when (new.meter_id = ${broken})
     execute function fail()`,
  );
  await flushAll(workspace, logins(10, HOUR));
  await fold.foldNow(workspace.id);
  expect(warnings).toMatchObject([{ meter: 'broken', workspaceId: workspace.id }]);
  const counted = await reader.page(workspace.id, byActor, { first: 100 });
  expect(counted.items.reduce((sum, { count }) => sum + count, 0)).toBe(10);
  const state = () =>
    database.read.query(
      'select name, folded, fault is null as fine, tries from meters where workspace_id = $1 order by name',
      [workspace.id],
    );
  expect(await state()).toMatchObject([
    { name: 'broken', folded: 0, fine: false, tries: 1 },
    { name: 'whole', folded: 10, fine: true },
  ]);
  expect(await countFaults(database.upkeep)).toMatchObject({ metersFailing: 1 });
  await database.upkeep.query('drop trigger fail on meter_counts');
  await database.upkeep.query(
    'update meters set retry_at = now() where workspace_id = $1 and id = $2',
    [workspace.id, broken],
  );
  await fold.foldNow(workspace.id);
  expect(await state()).toMatchObject([
    { name: 'broken', folded: 10, fine: true, tries: 0 },
    { name: 'whole', folded: 10 },
  ]);
});

test('a new zone of the workspace is right at once, and days and months are made anew in pieces', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const measures = [
    ...MEASURES.slice(1).map(measure => ({ ...measure, payloadPath: ['ms'] })),
    { function: 'P50' as const, payloadPath: ['ms'], dimension: null },
  ];
  await makeMeter(database, workspace.id, { ...ACTOR_METER, measures });
  const events = logins(400, 5 * HOUR);
  await flushAll(workspace, events.slice(0, 300));
  await fold.foldNow(workspace.id);
  await database.upkeep.query(`update workspaces set time_zone = 'Pacific/Apia' where id = $1`, [
    workspace.id,
  ]);
  const query = { ...byActor, granularity: 'MONTH' as const, measures: measures.slice(0, 4) };
  const oracle = { zone: 'Pacific/Apia', nowMs: NOW, categories: CATEGORIES };
  const answers = async (upto: number) => {
    const page = await reader.page(workspace.id, query, { first: 1_000 });
    expect(page.source).toBe('METER');
    expect(shown(page)).toEqual(rounded(aggregate(events.slice(0, upto), query, oracle)));
    const rough = { ...query, approximate: true, measures };
    const sketched = await reader.page(workspace.id, rough, { first: 1_000 });
    const exact = aggregate(events.slice(0, upto), rough, oracle);
    for (const [at, { measures: values }] of sketched.items.entries()) {
      const wanted = exact[at]!.measures[4]!;
      expect(values[4]!.relativeError).toBe(0.01);
      expect(Math.abs(values[4]!.value! - wanted)).toBeLessThanOrEqual(0.0101 * wanted);
    }
  };
  await answers(300);
  for (const dieAt of [10, 14, 18, 24]) {
    await mortalFold(database, NOW, dieAt)
      .foldNow(workspace.id)
      .catch(() => {});
    await answers(300);
  }
  await flushAll(workspace, events.slice(300));
  await fold.foldNow(workspace.id);
  await answers(400);
  const rows = await database.read.query<{ grain: number; bucket: Date }>(
    'select distinct grain, bucket from meter_counts where workspace_id = $1 and grain > 2',
    [workspace.id],
  );
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.every(({ bucket }) => [10, 11].includes(bucket.getUTCHours()))).toBe(true);
});

test('a deleted meter answers nothing, frees its name at once, and leaves no row behind', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const measures = [
    { function: 'UNIQUE' as const, payloadPath: null, dimension: 'ACTOR' as const },
    { function: 'SUM' as const, payloadPath: ['ms'], dimension: null },
  ];
  const meter = { name: 'mine', groupBy: ACTOR_METER.groupBy, measures };
  await makeMeter(database, workspace.id, meter);
  await flushAll(workspace, logins(50, HOUR));
  await fold.foldNow(workspace.id);
  expect((await reader.page(workspace.id, byActor, {})).source).toBe('METER');
  const admin = createMeterAdmin({
    write: database.write,
    audited: unaudited,
    onChanged: () => {},
  });
  await admin.remove(workspace.id, 'mine', null);
  expect((await reader.page(workspace.id, byActor, {})).source).toBe('EVENTS');
  await expect(admin.remove(workspace.id, 'mine', null)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await makeMeter(database, workspace.id, meter);
  await expect(makeMeter(database, workspace.id, meter)).rejects.toMatchObject({
    code: 'CONFLICT',
  });
  await admin.remove(workspace.id, 'mine', null);
  await fold.foldNow(workspace.id);
  expect(await rowsLeft(workspace.id)).toBe(0);
});

test('a workspace has a bounded number of meters, and a deleted one makes room', async () => {
  const workspace = await aWorkspace();
  for (let i = 0; i < 20; i++) await makeMeter(database, workspace.id, { name: `m${i}` });
  const full = { code: 'METER_LIMIT' };
  await expect(makeMeter(database, workspace.id, {})).rejects.toMatchObject(full);
  const admin = createMeterAdmin({
    write: database.write,
    audited: unaudited,
    onChanged: () => {},
  });
  await admin.remove(workspace.id, 'm3', null);
  await makeMeter(database, workspace.id, {});
  await expect(makeMeter(database, workspace.id, {})).rejects.toMatchObject(full);
});

test('what happens to events after they were counted changes no count, as with rollups', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  await makeMeter(database, workspace.id, ACTOR_METER);
  await flushAll(workspace, logins(14, HOUR));
  await fold.foldNow(workspace.id);
  const before = shown(await reader.page(workspace.id, byActor, {}));
  await database.upkeep.query(
    `update events set redacted_at = now(), actor = null, payload = '{}' where workspace_id = $1 and position = 3`,
    [workspace.id],
  );
  await database.upkeep.query(
    `with gone as (delete from events where workspace_id = $1 and position <= 2)
     update workspace_marks set tail = 3 where workspace_id = $1`,
    [workspace.id],
  );
  const after = await reader.page(workspace.id, byActor, {});
  expect(after.source).toBe('METER');
  expect(shown(after)).toEqual(before);
  // A timeframe that cuts a quarter hour of theirs: what is left of them answers.
  const cut: AggregateQuery = {
    ...byActor,
    timeframe: { between: { from: new Date(NOW - 14 * HOUR), to: new Date(NOW - 2 * HOUR) } },
  };
  expect((await reader.page(workspace.id, cut, {})).source).toBe('EVENTS');
});

test('a redaction takes names from meters: what they counted then counts without them', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  await makeMeter(database, workspace.id, {
    groupBy: [{ dimension: 'ACTOR' }, { dimension: 'SOURCE' }, { payloadPath: ['ms'] }],
  });
  await flushAll(
    workspace,
    logins(14, HOUR, () => ({ source: 'x' })),
  );
  await fold.foldNow(workspace.id);
  await redact(
    database.upkeep,
    workspace.id,
    { actor: 'actor 3' },
    { audited: unaudited, actor: null, fold: id => fold.foldNow(id) },
  );
  await flushAll(
    workspace,
    logins(1, HOUR, () => ({ actor: 'actor 3' })),
  );
  await fold.foldNow(workspace.id);
  const query = { ...byActor, groupBy: [...byActor.groupBy, { dimension: 'SOURCE' as const }] };
  const page = await reader.page(workspace.id, query, { first: 100 });
  expect(page.source).toBe('METER');
  const scanned = await reader.page(
    workspace.id,
    { ...query, filter: { search: ' ' } },
    { first: 100 },
  );
  expect(scanned.source).toBe('EVENTS');
  expect(shown(page)).toEqual(shown(scanned));
  expect(page.items.map(({ group, count }) => [group[0]!.value, count])).toContainEqual([null, 2]);
  const left = await database.read.query(
    `select from meter_series where workspace_id = $1 and actor = 'actor 3' and source = 'x'`,
    [workspace.id],
  );
  expect(left).toEqual([]);
});

test('a question that takes too long names the meter that would answer it, or the one to wait for', async () => {
  const workspace = await aWorkspace();
  for (let i = 0; i < 3; i++) await flushAll(workspace, logins(1_000, MINUTE));
  // Of what is counted from the events alone.
  const impatient: Connection = {
    query: (text, params, options) => {
      const isLong = text.includes('percentile_cont') && !text.includes('meter_counts');
      return database.read.query(text, params, isLong ? { ...options, timeoutMs: 1 } : options);
    },
  };
  const { fold, reader } = partsAt(database, NOW, { read: impatient });
  const p99 = { function: 'P99' as const, payloadPath: ['ms'], dimension: null };
  const query: AggregateQuery = {
    ...byActor,
    filter: { and: [{ types: ['user.login'] }, { not: { sources: ['x'] } }] },
    measures: [p99, { ...p99, function: 'P50' }],
  };
  const ask = () => reader.page(workspace.id, query, {});
  const refusal = await ask().catch((error: GatewayError) => error);
  expect(refusal).toMatchObject({
    code: 'QUERY_TOO_EXPENSIVE',
    message: expect.stringContaining('asked with approximate: true'),
    extensions: {
      meter: {
        name: 'p99-ms-p50-ms-by-actor',
        filter: { types: ['user.login'], not: { sources: ['x'] } },
        groupBy: [{ dimension: 'ACTOR' }],
        measures: [
          { function: 'P99', payloadPath: ['ms'] },
          { function: 'P50', payloadPath: ['ms'] },
        ],
      },
    },
  });
  const { meter } = (refusal as GatewayError).extensions as { meter: { name: string } };
  await makeMeter(database, workspace.id, {
    ...meter,
    measures: query.measures,
  });
  await expect(ask()).rejects.toMatchObject({
    message: expect.stringContaining('is being filled: 0 of'),
  });
  await fold.foldNow(workspace.id);
  await expect(ask()).rejects.toMatchObject({
    message: expect.stringContaining(`"${meter.name}" answers it with approximate: true`),
  });
  expect((await reader.page(workspace.id, { ...query, approximate: true }, {})).source).toBe(
    'METER',
  );
  await expect(
    reader.page(workspace.id, { ...query, granularity: 'MINUTE' }, {}),
  ).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE', extensions: {} });
});

test('later pages go on with the list of the first, whatever is recorded and folded meanwhile', async () => {
  const workspace = await aWorkspace();
  const { fold, reader } = partsAt(database, NOW);
  const sum = { function: 'SUM' as const, payloadPath: ['ms'], dimension: null };
  const max = { function: 'MAX' as const, payloadPath: ['ms'], dimension: null };
  await makeMeter(database, workspace.id, { ...ACTOR_METER, measures: [sum, max] });
  for (const measures of [[sum], [sum, max]]) {
    const query = { ...byActor, granularity: 'DAY' as const, measures };
    await flushAll(workspace, logins(60, DAY / 2));
    const whole = await reader.page(workspace.id, query, { first: 1_000 });
    const pages: (typeof whole)[] = [];
    for (let after: string | null = null; ;) {
      const page: typeof whole = await reader.page(workspace.id, query, { first: 20, after });
      pages.push(page);
      await flushAll(
        workspace,
        logins(10, 13 * DAY, () => ({ actor: `new ${pages.length}` })),
      );
      if (pages.length % 2 === 1) await fold.foldNow(workspace.id);
      expect(page.asOf).toEqual(whole.asOf);
      if (!page.hasNextPage) break;
      after = page.items.at(-1)!.cursor;
    }
    expect(pages.flatMap(shown)).toEqual(shown(whole));
  }
});

test('asOf explains an answer exactly while events are recorded and folded by several', async () => {
  const workspace = await aWorkspace('America/New_York');
  const { fold, reader } = partsAt(database, NOW);
  const other = partsAt(database, NOW).fold;
  const all = logins(250, 7 * HOUR);
  await makeMeter(database, workspace.id, ACTOR_METER);
  await fold.foldNow(workspace.id);
  let isDone = false;
  const record = async () => {
    for (let i = 0; i < all.length; i += 5) await flushAll(workspace, all.slice(i, i + 5));
    isDone = true;
  };
  const refold = async (each: typeof fold) => {
    while (!isDone) await each.foldNow(workspace.id);
  };
  const read = async () => {
    const query = { ...byActor, granularity: 'WEEK' as const };
    const oracle = { zone: 'America/New_York', nowMs: NOW, categories: CATEGORIES };
    while (!isDone) {
      const page = await reader.page(workspace.id, query, { first: 1_000 });
      expect(page.source).toBe('METER');
      const counted = all.slice(0, page.asOf.position);
      expect(shown(page)).toEqual(rounded(aggregate(counted, query, oracle)));
    }
  };
  await Promise.all([record(), refold(fold), refold(other), read()]);
});
