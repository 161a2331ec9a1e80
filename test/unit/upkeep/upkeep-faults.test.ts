/** If upkeep fails because of one workspace's data, it continues for all others. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AggregateQuery } from '../../../src/core/aggregate.ts';
import type { UpkeepStep } from '../../../src/core/gateway-status.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { ensurePartitions, quarterOf } from '../../../src/db/partitions.ts';
import { createAggregateReader } from '../../../src/read/aggregates.ts';
import { readUpkeepStatus } from '../../../src/read/upkeep-status.ts';
import { createFold, type Fold } from '../../../src/rollup/fold.ts';
import { countFaults } from '../../../src/upkeep/upkeep-faults.ts';
import { purgeDeleted } from '../../../src/upkeep/upkeep-purge.ts';
import { createUpkeep } from '../../../src/upkeep/upkeep.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { createSampleWorkspace, flushSamples, type SampleEvent } from '../read/aggregate-events.ts';

let postgres: TestDatabase;
let database: Database;
let warnings: { facts: Record<string, unknown>; message: string }[] = [];
const logger = {
  info: () => {},
  warn: (facts: object, message: string) => void warnings.push({ facts: { ...facts }, message }),
};
beforeAll(async () => {
  postgres = await createTestDatabase();
  database = createDatabase({ url: postgres.url });
  await ensurePartitions(database.upkeep);
  const { from } = quarterOf(new Date());
  await database.upkeep.query(
    `create table events_before partition of events
     for values from (minvalue) to ('${from.toISOString()}')`,
  );
});
beforeEach(() => {
  warnings = [];
});
afterAll(async () => {
  await database.stop();
  await postgres[Symbol.asyncDispose]();
});

type Sample = Awaited<ReturnType<typeof aWorkspace>>;
let workspaces = 0;
function aWorkspace(measures = ['total', 'size']) {
  const types = ['a', { name: 'm', measures }];
  return createSampleWorkspace(database.upkeep, { slug: `faults-${++workspaces}`, types });
}

const aFold = (): Fold => createFold({ upkeep: database.upkeep, logger, nowMs: () => Date.now() });

function anEvent(payload = '{"total":1,"size":2}', more: Partial<SampleEvent> = {}): SampleEvent {
  return { type: 'm', occurredAt: new Date(), payload, ...more };
}

async function folded({ id }: Sample): Promise<number> {
  const [row] = await database.read.query<{ folded: number }>(
    'select folded from workspace_marks where workspace_id = $1',
    [id],
  );
  return row!.folded;
}

function sumOf({ id }: Sample, property: string) {
  const reader = createAggregateReader({
    ...{ read: database.read, epoch: 'e', nowMs: () => Date.now() },
  });
  const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const query: AggregateQuery = {
    ...{ filter: { types: ['m'] }, granularity: null, timeZone: 'UTC', groupBy: [] },
    timeframe: { between: { from: new Date(hour - 3_600_000), to: new Date(hour + 3_600_000) } },
    measures: [{ function: 'MAX', dimension: null, payloadPath: [property] }],
    ...{ fill: 'NONE', orderBy: 'BUCKET' },
  };
  return reader.page(id, query, {});
}

test('a number too long for a rollup sets its measure aside, and everything else is folded', async () => {
  const [odd, other] = [await aWorkspace(), await aWorkspace()];
  const long = `{"total":9e131071,"size":3}`;
  await flushSamples(database.write, odd, [anEvent(long), anEvent(long), anEvent()]);
  await flushSamples(database.write, other, [anEvent()]);
  await aFold().foldNow();
  expect(await Promise.all([folded(odd), folded(other)])).toEqual([3, 1]);
  expect(warnings).toEqual([
    {
      facts: { workspaceId: odd.id, type: 'm', property: 'total' },
      message: expect.stringContaining('counted from its events'),
    },
  ]);
  const status = await readUpkeepStatus(database.read);
  expect(status.setAsideMeasures).toMatchObject([
    { workspaceId: odd.id, type: 'm', property: 'total', since: expect.any(Date) },
  ]);
  expect(await countFaults(database.upkeep)).toMatchObject({ measuresSetAside: 1 });
  const [size, total, others] = [
    await sumOf(odd, 'size'),
    await sumOf(odd, 'total'),
    await sumOf(other, 'total'),
  ];
  expect([size.source, total.source, others.source]).toEqual(['ROLLUP', 'EVENTS', 'ROLLUP']);
  expect(size.items[0]?.measures[0]?.text).toBe('3');
  expect(total.items[0]?.measures[0]?.text).toHaveLength(131_072);
  // It stays set aside for later events.
  await flushSamples(database.write, odd, [anEvent(long), anEvent()]);
  await aFold().foldNow();
  expect(await folded(odd)).toBe(5);
  expect(warnings).toHaveLength(1);
});

test('a measure is set aside also where it is filled from earlier events', async () => {
  const [odd, other] = [await aWorkspace([]), await aWorkspace([])];
  await flushSamples(database.write, odd, [anEvent('{"total":9e131071,"size":3}'), anEvent()]);
  await flushSamples(database.write, other, [anEvent()]);
  await aFold().foldNow();
  await database.write.query(
    `update event_definitions set measures = '{size,total}' where name = 'm'
       and workspace_id in ($1, $2)`,
    [odd.id, other.id],
  );
  await aFold().foldNow();
  expect((await sumOf(odd, 'size')).source).toBe('ROLLUP');
  expect((await sumOf(odd, 'total')).source).toBe('EVENTS');
  expect((await sumOf(other, 'total')).source).toBe('ROLLUP');
});

test('sums of an earlier version that no day can hold do not stop a change of the time zone', async () => {
  const [odd, other] = [await aWorkspace(), await aWorkspace()];
  for (const workspace of [odd, other]) {
    const at = Date.now() - 2 * 86_400_000;
    const occurredAts = [0, 1, 2].map(n => new Date(at + n * 900_000));
    const events = occurredAts.map(occurredAt => anEvent('{"total":1}', { occurredAt }));
    await flushSamples(database.write, workspace, events);
  }
  await aFold().foldNow();
  await database.upkeep.query(
    `update event_measures set sum = 9e131071, max = 9e131071 where workspace_id = $1`,
    [odd.id],
  );
  await database.write.query(
    `update workspaces set time_zone = 'Asia/Tokyo' where id in ($1, $2)`,
    [odd.id, other.id],
  );
  await aFold().foldNow();
  const zones = await database.read.query<{ zone: string }>(
    `select split_part(days_zone, ' ', 1) as zone from workspace_marks
     where workspace_id in ($1, $2)`,
    [odd.id, other.id],
  );
  expect(zones).toEqual([{ zone: 'Asia/Tokyo' }, { zone: 'Asia/Tokyo' }]);
  expect((await sumOf(odd, 'total')).source).toBe('EVENTS');
  expect((await sumOf(other, 'total')).source).toBe('ROLLUP');
});

/** Makes one workspace's rows refuse the writes of a step. Returns a function that ends it. */
async function breakTable(
  table: string,
  verb: string,
  { id }: Sample,
): Promise<() => Promise<void>> {
  const row = verb === 'insert' ? 'new' : 'old';
  await database.upkeep.query(
    `create or replace function broken() returns trigger language plpgsql as $$
     begin raise exception 'this row is broken' using errcode = '22003'; end $$`,
    [],
  );
  await database.upkeep.query(
    `create trigger broken_${id} before ${verb} on ${table} for each row
     when (${row}.workspace_id = ${id}) execute function broken()`,
  );
  return async () => {
    await database.upkeep.query(`drop trigger broken_${id} on ${table}`);
  };
}

async function due({ id }: Sample, step: UpkeepStep): Promise<void> {
  await database.upkeep.query(
    'update upkeep_faults set retry_at = now() where workspace_id = $1 and step = $2',
    [id, step],
  );
}

interface Case {
  readonly step: UpkeepStep;
  /** The table and the kind of write that fail for one workspace. */
  readonly breaks: readonly [table: string, verb: string];
  /** Gives the step something to do in a workspace. */
  readonly ask: (workspace: Sample) => Promise<unknown>;
  readonly isDone: (workspace: Sample) => Promise<boolean>;
}

const measures = (list: string) => (workspace: Sample) =>
  database.write.query(
    `update event_definitions set measures = $2::text::text[] where workspace_id = $1 and name = 'm'`,
    [workspace.id, list],
  );
const has = async (statement: string, { id }: Sample) =>
  (await database.read.query(statement, [id])).length > 0;

const CASES: readonly Case[] = [
  {
    step: 'FOLD',
    breaks: ['event_counts', 'insert'],
    ask: workspace => flushSamples(database.write, workspace, [anEvent()]),
    isDone: async workspace => (await folded(workspace)) === 2,
  },
  {
    step: 'DAYS',
    breaks: ['event_counts', 'delete'],
    ask: ({ id }) =>
      database.write.query(`update workspaces set time_zone = 'Asia/Tokyo' where id = $1`, [id]),
    isDone: workspace =>
      has(
        `select from workspace_marks where workspace_id = $1 and days_zone like 'Asia/Tokyo %'`,
        workspace,
      ),
  },
  {
    step: 'FILL',
    breaks: ['event_measures', 'insert'],
    ask: measures('{total}'),
    isDone: workspace =>
      has(
        `select from measure_fills where workspace_id = $1 and property = 'total'
           and filled >= upto and not dropped`,
        workspace,
      ),
  },
  {
    step: 'DROP',
    breaks: ['event_measures', 'delete'],
    ask: measures('{}'),
    isDone: async workspace =>
      !(await has('select from measure_fills where workspace_id = $1', workspace)),
  },
  {
    step: 'EXPIRY',
    breaks: ['events', 'update'],
    ask: async workspace => {
      const expiresAt = new Date(Date.now() - 1_000);
      await flushSamples(database.write, workspace, [anEvent('{}', { expiresAt })]);
      await aFold().foldNow(workspace.id);
    },
    isDone: workspace =>
      has('select from events where workspace_id = $1 and expired_at is not null', workspace),
  },
  {
    step: 'RETENTION',
    breaks: ['events', 'delete'],
    ask: async ({ id }) => {
      await database.upkeep.query(
        `update events set recorded_at = recorded_at - interval '9 days' where workspace_id = $1`,
        [id],
      );
      await database.write.query('update workspaces set retention_days = 1 where id = $1', [id]);
    },
    isDone: async workspace =>
      !(await has('select from events where workspace_id = $1', workspace)),
  },
];

describe.each(CASES)('$step that fails for one workspace', ({ step, breaks, ask, isDone }) => {
  test('is noted and tried again, and goes on for all others', async () => {
    const before = step === 'DROP' ? ['total'] : [];
    const all: Sample[] = [];
    for (let n = 0; n < 5; n += 1) all.push(await aWorkspace(before));
    const odd = all[1]!;
    const others = all.filter(workspace => workspace !== odd);
    for (const workspace of all) await flushSamples(database.write, workspace, [anEvent()]);
    await aFold().foldNow();
    for (const workspace of all) await ask(workspace);
    const mend = await breakTable(...breaks, odd);

    const running = createUpkeep({
      ...{ upkeep: database.upkeep, read: database.read, logger },
      removalEveryMs: 50,
    });
    const fold = aFold();
    await running.start();
    await fold.foldNow();
    await expect
      .poll(async () => Promise.all(others.map(isDone)), { timeout: 20_000 })
      .toEqual(others.map(() => true));
    const noted = async () => {
      const { faults } = await readUpkeepStatus(database.read);
      return faults.filter(fault => fault.step === step);
    };
    await expect
      .poll(noted, { timeout: 20_000 })
      .toMatchObject([
        { workspaceId: odd.id, step, message: 'this row is broken', retryAt: expect.any(Date) },
      ]);
    expect(await isDone(odd)).toBe(false);
    expect(warnings.map(({ facts }) => [facts['workspaceId'], facts['step']])).toContainEqual([
      odd.id,
      step,
    ]);
    await expect.poll(async () => (await running.figures()).faults[step]).toBe(1);

    await mend();
    await due(odd, step);
    await fold.foldNow();
    await expect.poll(() => isDone(odd), { timeout: 20_000 }).toBe(true);
    await expect.poll(noted, { timeout: 20_000 }).toEqual([]);
    await running.stop();
    await fold.stop();
  });
});

test('whoever waits for the fold of one workspace is told what keeps it from being folded', async () => {
  const odd = await aWorkspace();
  await flushSamples(database.write, odd, [anEvent()]);
  const mend = await breakTable('event_counts', 'insert', odd);
  await aFold().foldNow();
  await expect(aFold().foldNow(odd.id)).rejects.toThrow('this row is broken');
  await mend();
  await aFold().foldNow(odd.id);
  expect(await folded(odd)).toBe(1);
});

test('what a deleted workspace left is purged though another one can not be', async () => {
  const [odd, other] = [await aWorkspace(), await aWorkspace()];
  for (const workspace of [odd, other]) {
    await flushSamples(database.write, workspace, [anEvent()]);
    await database.write.query('delete from workspaces where id = $1', [workspace.id]);
  }
  const mend = await breakTable('events', 'delete', odd);
  await expect(purgeDeleted(database.upkeep)).rejects.toThrow('this row is broken');
  const left = await database.read.query('select distinct workspace_id as id from events');
  expect(left).not.toContainEqual({ id: other.id });
  await mend();
  await purgeDeleted(database.upkeep);
});
