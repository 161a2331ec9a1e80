import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregateQuery } from '../../src/core/aggregate.ts';
import { createDatabase, type Connection, type Database } from '../../src/db/client.ts';
import { createAggregateCounts } from '../../src/read/aggregate-counts.ts';
import { createAggregateReader } from '../../src/read/aggregates.ts';
import { createFold } from '../../src/rollup/fold.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import {
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from '../unit/read/aggregate-events.ts';
import { createPartitions } from '../unit/read/event-rows.ts';

/** What reading touches: so many rows were folded, and so few were not. */
const FOLDED = 20_000;
const TAIL = 7;
const NOW = Date.now();
const DAY = 86_400_000;

let testDatabase: TestDatabase;
let database: Database;
let workspace: Awaited<ReturnType<typeof createSampleWorkspace>>;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  const bounds = [NOW - 100 * DAY, NOW - DAY, NOW + DAY].map(ms => new Date(ms));
  await createPartitions(database.upkeep, bounds);
  const types = Array.from({ length: 20 }, (_, i) => ({ name: `type.${i}`, measures: ['total'] }));
  workspace = await createSampleWorkspace(database.upkeep, { slug: 'plans', types });
  const event = (i: number): SampleEvent => ({
    type: `type.${i % 20}`,
    occurredAt: new Date(NOW - ((i * 7_919) % ((200 * DAY) / 1_000)) * 1_000),
    payload: `{"total":${i}}`,
  });
  for (let i = 0; i < FOLDED; i += 5_000) {
    await flushSamples(
      database.write,
      workspace,
      Array.from({ length: 5_000 }, (_, k) => event(i + k)),
    );
  }
  const logger = { warn: (facts: object) => console.warn(facts) };
  await createFold({ upkeep: database.upkeep, logger, nowMs: () => NOW }).foldNow();
  await database.upkeep.query('analyze');
  await flushSamples(
    database.write,
    workspace,
    Array.from({ length: TAIL }, (_, k) => event(k)),
  );
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Parallel Aware': boolean;
  'Partial Mode'?: string;
  Plans?: PlanNode[];
}

/** Rows that were read of each table, with how; partitions under their parent's name. */
async function tablesRead(ask: (read: Connection) => Promise<unknown>) {
  const found = new Map<string, { rows: number; how: Set<string> }>();
  const explaining: Connection = {
    async query(text, params, options) {
      const plans = await database.read.query<Record<'QUERY PLAN', string>>(
        `explain (analyze, timing off, format json) ${text}`,
        params,
      );
      const [{ Plan }] = JSON.parse(plans[0]!['QUERY PLAN']) as [{ Plan: PlanNode }];
      walk(Plan);
      return database.read.query(text, params, options);
    },
  };
  const walk = (node: PlanNode) => {
    const table = node['Relation Name']?.replace(/_test_\d+$/, '');
    const each = (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0);
    const touched = each * (node['Actual Loops'] ?? 0);
    // Whoever reads nothing (an empty partition) may do it in any way.
    if (table !== undefined && touched > 0) {
      const known = found.get(table) ?? { rows: 0, how: new Set() };
      known.rows += touched;
      known.how.add(node['Node Type']);
      found.set(table, known);
    }
    node.Plans?.forEach(walk);
  };
  await ask(explaining);
  return found;
}

const INDEXED = expect.stringMatching(/^(Bitmap Heap|Index|Index Only) Scan$/);

const byDay: AggregateQuery = {
  filter: null,
  timeframe: { between: { from: day(-190), to: day(1) } },
  granularity: 'DAY',
  timeZone: null,
  groupBy: [{ dimension: 'TYPE' }],
  measures: [{ function: 'SUM', payloadPath: ['total'], dimension: null }],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

function day(offset: number): Date {
  return new Date((Math.floor(NOW / DAY) + offset) * DAY);
}

const ask = (query: AggregateQuery) => async (read: Connection) => {
  const reader = createAggregateReader({ read, epoch: 'plans', nowMs: () => NOW });
  const page = await reader.page(workspace.id, query, { first: 10 });
  expect(page.totalCount).toBeGreaterThan(0);
  return page;
};

test.each([
  ['by day', byDay, 0],
  [
    'by hour of a week',
    { ...byDay, granularity: 'HOUR', timeframe: { between: { from: day(-7), to: day(0) } } },
    0,
  ],
  ['by minute of an hour', { ...byDay, granularity: 'MINUTE', timeframe: { last: 3_600_000 } }, 50],
  ['of one type', { ...byDay, filter: { types: ['type.3'] } }, 0],
] as const)(
  'rollups %s read the events behind the fold alone, by index',
  async (_, query, cutMax) => {
    const tables = await tablesRead(ask(query));
    expect(tables.get('events')!.rows).toBeLessThanOrEqual(TAIL + cutMax);
    expect([...tables.get('events')!.how].every(how => how !== 'Seq Scan')).toBe(true);
    for (const rollup of ['event_counts', 'event_measures']) {
      for (const how of tables.get(rollup)!.how) expect(how).toEqual(INDEXED);
    }
  },
);

test('day rows are read where they are the workspace’s own, and no finer ones', async () => {
  const tables = await tablesRead(ask(byDay));
  expect(tables.get('event_counts')!.rows).toBeLessThanOrEqual(191 * 20);
});

test('events are found by their time where rollups do not know the filter', async () => {
  const week = { between: { from: day(-7), to: day(0) } };
  const tables = await tablesRead(ask({ ...byDay, timeframe: week, filter: { notify: false } }));
  const { rows, how } = tables.get('events')!;
  expect(rows).toBeLessThan(FOLDED / 10);
  expect([...how].every(each => each !== 'Seq Scan')).toBe(true);
});

test('counts of definitions and filters do not touch folded events', async () => {
  const of = (read: Connection) => createAggregateCounts({ read, nowMs: () => NOW });
  const ids = [...workspace.definitions.values()];
  const definitions = await tablesRead(read => of(read).definitionCounts(workspace.id, ids));
  expect(definitions.get('events')!.rows).toBe(TAIL);
  const counted = await tablesRead(async read => {
    expect(await of(read).countFromRollups(workspace.id, null)).toBe(FOLDED + TAIL);
  });
  expect(counted.get('events')!.rows).toBe(TAIL);
});

/**
 * What workers do of the statement that answers a question from events, where there is no least size
 * for them: a row that they hand over costs so much.
 */
async function workOf(query: AggregateQuery, rowCost = 0.01): Promise<('READ' | 'COUNT')[]> {
  const sent: Parameters<Connection['query']>[] = [];
  await ask(query)({
    query: (...statement) => {
      sent.push(statement);
      return database.read.query(...statement);
    },
  });
  const [[text, params] = []] = sent.filter(([each]) => each.includes('from events'));
  const done = new Set<'READ' | 'COUNT'>();
  const walk = (node: PlanNode) => {
    const isOfEvents = node['Relation Name']?.startsWith('events_') === true;
    if (isOfEvents && node['Parallel Aware']) done.add('READ');
    if (node['Partial Mode'] === 'Partial') done.add('COUNT');
    node.Plans?.forEach(walk);
  };
  await database.upkeep.hold(async connection => {
    await connection.query(
      `set max_parallel_workers_per_gather = 2; set min_parallel_table_scan_size = '128kB';
       set min_parallel_index_scan_size = 0; set parallel_setup_cost = 0;
       set parallel_tuple_cost = ${rowCost}`,
      [],
      { script: true },
    );
    const explained = await connection.query<Record<'QUERY PLAN', string>>(
      `explain (format json) ${text}`,
      params,
    );
    const [{ Plan }] = JSON.parse(explained[0]!['QUERY PLAN']) as [{ Plan: PlanNode }];
    walk(Plan);
    connection.discard();
  });
  return [...done].sort().toReversed();
}

const bySource: AggregateQuery = { ...byDay, groupBy: [{ dimension: 'SOURCE' }], measures: [] };
const ofTypes = { types: ['type.3', 'type.4'] };
const measures = (['SUM', 'AVG', 'P99'] as const).map(name => ({
  function: name,
  payloadPath: ['total'],
  dimension: null,
}));

test.each([
  ['by source', bySource],
  ['by type', { ...byDay, granularity: null, measures: [], filter: { notify: false } }],
  ['with measures', { ...bySource, measures: measures.slice(0, 2) }],
  ['by a payload value', { ...bySource, groupBy: [{ payloadPath: ['total', 'net'] }] }],
] as [string, AggregateQuery][])('several workers read and count events %s', async (_, query) => {
  expect(await workOf(query)).toEqual(['READ', 'COUNT']);
});

test('several workers read events whose values one puts in order', async () => {
  expect(await workOf({ ...bySource, measures }, 0)).toEqual(['READ']);
});

test('several workers count events of types', async () => {
  const [row] = await database.read.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  for (const query of [bySource, { ...bySource, measures: measures.slice(0, 1) }]) {
    const work = await workOf({ ...query, filter: ofTypes });
    // On older servers one counts: workers take no subquery that has a subquery of its own.
    if (row!.version < 170_000) expect(work).not.toContain('COUNT');
    else expect(work).toEqual(['READ', 'COUNT']);
  }
});
