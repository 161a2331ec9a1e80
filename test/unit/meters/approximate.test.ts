import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregateBucket, AggregateQuery } from '../../../src/core/aggregate.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createOnePartition,
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from '../read/aggregate-events.ts';
import { aggregate, type OracleRow } from '../read/aggregate-oracle.ts';
import { COUNT_ALL, DAY, HOUR, makeMeter, mortalFold, partsAt } from './kit.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createOnePartition(database.upkeep);
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

const NOW = Date.parse('2026-06-01T12:34:56.789Z');
const ZONE = 'Europe/Vienna';

/** Numbers in tenths, as the oracle has them, by a generator of its own. */
function draws(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function requests(n: number): SampleEvent[] {
  const draw = draws(7);
  return Array.from({ length: n }, (_, i) => ({
    type: i % 3 === 0 ? 'page' : 'api',
    occurredAt: new Date(NOW - Math.floor(draw() * 20 * DAY)),
    actor: `actor ${Math.floor(draw() * draw() * 900)}`,
    source: draw() < 0.1 ? null : `s${i % 2}`,
    // A long tail, and some that are no numbers.
    payload:
      draw() < 0.05
        ? '{"ms":"slow"}'
        : JSON.stringify({ ms: Math.round(-Math.log(1 - draw()) * 2_000 + 1) / 10 }),
  }));
}

const measures: AggregateQuery['measures'] = [
  { function: 'UNIQUE', payloadPath: null, dimension: 'ACTOR' },
  ...(['P50', 'P90', 'P95', 'P99', 'UNIQUE', 'SUM'] as const).map(name => ({
    function: name,
    payloadPath: ['ms'],
    dimension: null,
  })),
];

test('sketches are within their error by any bucket, zone and group, and say what it is', async () => {
  const workspace = await createSampleWorkspace(database.upkeep, {
    slug: 'sketches',
    timeZone: ZONE,
    types: ['page', 'api'],
  });
  const { fold, reader } = partsAt(database, NOW);
  const events = requests(3_000);
  const record = (part: SampleEvent[]) => flushSamples(database.write, workspace, part);
  await record(events.slice(0, 900));
  await fold.foldNow(workspace.id);
  await makeMeter(database, workspace.id, {
    groupBy: [{ dimension: 'TYPE' }, { dimension: 'SOURCE' }],
    measures,
  });
  for (const dieAt of [9, 14, 19]) {
    await mortalFold(database, NOW, dieAt)
      .foldNow(workspace.id)
      .catch(() => {});
  }
  await fold.foldNow(workspace.id);
  await record(events.slice(900, 1_800));
  await record(events.slice(1_800, 2_700));
  await fold.foldNow(workspace.id);
  // Not folded.
  await record(events.slice(2_700));
  const timeframe = { between: { from: new Date(NOW - 15.3 * DAY), to: new Date(NOW - HOUR) } };
  for (const [granularity, timeZone] of [
    ['DAY', ZONE],
    ['DAY', 'Asia/Kolkata'],
    ['HOUR', ZONE],
    [null, ZONE],
  ] as const) {
    for (const groupBy of granularity === 'HOUR' ? [[]] : [[], [{ dimension: 'TYPE' as const }]]) {
      const query: AggregateQuery = {
        ...COUNT_ALL,
        ...{ timeframe, granularity, timeZone, groupBy, measures },
      };
      const page = await reader.page(
        workspace.id,
        { ...query, approximate: true },
        { first: 1_000 },
      );
      expect(page.source).toBe('MIXED');
      const options = { zone: timeZone, nowMs: NOW, categories: new Map<string, null>() };
      const exact = aggregate(events, query, options);
      expect(page.items.map(({ count }) => count)).toEqual(exact.map(({ count }) => count));
      for (const [at, item] of page.items.entries()) expectClose(item, exact[at]!.measures);
    }
  }
});

function expectClose({ measures: values }: AggregateBucket, wanted: OracleRow['measures']) {
  const got = values.map(({ value }) => value);
  expect(values.map(({ relativeError }) => relativeError)).toEqual([
    ...[0.0081, 0.01, 0.01, 0.01, 0.01, 0.0081, null],
  ]);
  // So few are nearly exact.
  for (const unique of [0, 5]) {
    expect(Math.abs(got[unique]! - wanted[unique]!)).toBeLessThanOrEqual(1);
  }
  for (const percentile of [1, 2, 3, 4]) expectNear(got[percentile]!, wanted[percentile]!);
  expect(got[6]?.toFixed(6)).toBe(wanted[6]?.toFixed(6));
}

function expectNear(got: number | null, wanted: number | null) {
  if (wanted === null) return expect(got).toBeNull();
  expect(Math.abs(got! - wanted)).toBeLessThanOrEqual(wanted * 0.0101);
}

test('who does not take what is approximate gets exact values from the events', async () => {
  const [workspace] = await database.read.query<{ id: number }>(
    `select id from workspaces where slug = 'sketches'`,
  );
  const { reader } = partsAt(database, NOW);
  const query: AggregateQuery = { ...COUNT_ALL, timeframe: { last: 40 * DAY }, measures };
  const page = await reader.page(workspace!.id, query, {});
  expect(page.source).toBe('EVENTS');
  expect(page.items[0]!.measures.every(({ relativeError }) => relativeError === null)).toBe(true);
});

test('tens of thousands of different values are counted within three standard errors', async () => {
  const workspace = await createSampleWorkspace(database.upkeep, {
    slug: 'many',
    types: ['page'],
  });
  const { fold, reader } = partsAt(database, NOW);
  const unique = { function: 'UNIQUE' as const, payloadPath: ['id'], dimension: null };
  await makeMeter(database, workspace.id, { measures: [unique] });
  for (let part = 0; part < 12; part++) {
    await flushSamples(
      database.write,
      workspace,
      Array.from({ length: 1_000 }, (_, i): SampleEvent => ({
        type: 'page',
        occurredAt: new Date(NOW - 1 - part * DAY),
        payload: `{"id":${part * 1_000 + i}}`,
      })),
    );
    if (part % 4 === 3) await fold.foldNow(workspace.id);
  }
  const query = {
    ...COUNT_ALL,
    ...{ timeframe: { last: 40 * DAY }, measures: [unique], approximate: true },
  };
  const page = await reader.page(workspace.id, query, {});
  const { value } = page.items[0]!.measures[0]!;
  expect(Math.abs(value! - 12_000) / 12_000).toBeLessThan(3 * 0.0081);
});
