import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregatePage, AggregateQuery } from '../../../src/core/aggregate.ts';
import type { GatewayError } from '../../../src/core/errors.ts';
import { type Connection, createDatabase, type Database } from '../../../src/db/client.ts';
import { createAggregateReader } from '../../../src/read/aggregates.ts';
import { createFold } from '../../../src/rollup/fold.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createOnePartition,
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from './aggregate-events.ts';

const DAY = 86_400_000;
const DAYS = 50;
const NOW = Date.parse('2026-06-01T12:34:56.789Z');

let testDatabase: TestDatabase;
let database: Database;
let workspace: Awaited<ReturnType<typeof createSampleWorkspace>>;

/** Two events a day. */
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createOnePartition(database.upkeep);
  workspace = await createSampleWorkspace(database.upkeep, { slug: 'slices', types: ['order'] });
  await flushSamples(
    database.write,
    workspace,
    Array.from({ length: 2 * DAYS }, (_, i) => order(i)),
  );
  const logger = { warn: (facts: object) => console.warn(facts) };
  await createFold({ upkeep: database.upkeep, logger, nowMs: () => NOW }).foldNow();
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

function order(i: number): SampleEvent {
  const occurredAt = new Date(NOW - 1 - (i * DAY) / 2);
  return { type: 'order', occurredAt, source: `s${i % 3}`, payload: `{"total":${i}}` };
}

const SUM = { function: 'SUM', payloadPath: ['total'], dimension: null } as const;
const P50 = { ...SUM, function: 'P50' } as const;
const QUERY: AggregateQuery = {
  filter: { not: { sources: ['none'] } },
  timeframe: { last: (DAYS + 1) * DAY },
  granularity: 'DAY',
  timeZone: null,
  groupBy: [{ dimension: 'SOURCE' }],
  measures: [SUM, P50],
  fill: 'NONE',
  orderBy: 'BUCKET',
};
const WHOLE: AggregateQuery = { ...QUERY, granularity: null, measures: [SUM] };

/** Asks in slices, the first of ten events; does something before each statement that reads events. */
function ask(
  query: AggregateQuery,
  before: (statement: number) => Promise<unknown> = () => Promise.resolve(),
  slices = { wholeMax: 20, sliceMin: 10 },
): { page: Promise<AggregatePage>; statements: () => number } {
  let statements = 0;
  const read: Connection = {
    async query(text, params, options) {
      if (text.includes('from events')) await before(++statements);
      return database.read.query(text, params, options);
    },
  };
  const reader = createAggregateReader({ read, epoch: 't', nowMs: () => NOW, slices });
  return {
    page: reader.page(workspace.id, query, { first: 1_000 }),
    statements: () => statements,
  };
}

const values = ({ items }: AggregatePage) =>
  items.map(({ start, group, count, measures }) => [
    start,
    group[0]?.value,
    count,
    measures.map(({ text }) => text),
  ]);

test.each([
  ['between its buckets, of any measure', QUERY],
  ['anywhere, where parts can be put together', WHOLE],
  ['as a top list', { ...QUERY, orderBy: 'COUNT_DESC' }],
  ['as a top list without buckets', { ...WHOLE, orderBy: 'COUNT_DESC' }],
] as [string, AggregateQuery][])('a question of many events is cut %s', async (_, query) => {
  const whole = ask(query, undefined, { wholeMax: 1_000, sliceMin: 1_000 });
  const expected = await whole.page;
  expect(whole.statements()).toBe(1);
  const sliced = ask(query);
  expect(values(await sliced.page)).toEqual(values(expected));
  expect((await sliced.page).totalCount).toBe(expected.totalCount);
  expect(sliced.statements()).toBeGreaterThan(1);
});

test.each([
  ['percentiles over the whole timeframe', { ...WHOLE, measures: [P50] }],
  ['few events of many', { ...QUERY, timeframe: { last: 5 * DAY } }],
  ['events of an index', { ...QUERY, filter: { actors: ['a'] } }],
] as [string, AggregateQuery][])('%s are one statement', async (_, query) => {
  const asked = ask(query);
  await asked.page;
  expect(asked.statements()).toBe(1);
});

test('what is recorded between two slices is in none of them', async () => {
  for (const query of [QUERY, WHOLE]) {
    const before = await ask(query).page;
    const during = await ask(query, async () => {
      await flushSamples(database.write, workspace, [order(0), order(99)]);
    }).page;
    // The first two come before the first slice.
    const shown = during.items.reduce((sum, { count }) => sum + count, 0);
    expect(shown).toBe(during.asOf.position);
    expect(shown).toBe(before.asOf.position + 2);
  }
});

test('a question that reaches its limit says what share of the events it has read', async () => {
  for (const query of [QUERY, WHOLE]) {
    const { page } = ask(query, async statement => {
      if (statement > 1) await database.read.query('select pg_sleep(5)', [], { timeoutMs: 50 });
    });
    const refusal = await page.catch((error: GatewayError) => error);
    const { share } = (refusal as GatewayError).extensions;
    expect(share).toBeGreaterThanOrEqual(0.05);
    expect(share).toBeLessThanOrEqual(0.1);
    expect(refusal).toMatchObject({
      code: 'QUERY_TOO_EXPENSIVE',
      message: expect.stringContaining(`after ${Math.round(Number(share) * 100)} % of the events`),
      extensions: { meter: { filter: { not: { sources: ['none'] } } } },
    });
  }
});
