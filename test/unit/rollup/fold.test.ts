import { afterAll, beforeAll, expect, test } from 'vitest';
import { EARLIEST } from '../../../src/core/bucket.ts';
import { startOfUnit } from '../../../src/core/time-zone.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { syncFills } from '../../../src/rollup/fold-measures.ts';
import { createFold, type Fold } from '../../../src/rollup/fold.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import {
  createOnePartition,
  createSampleWorkspace,
  flushSamples,
  type SampleEvent,
} from '../read/aggregate-events.ts';

let testDatabase: TestDatabase;
let database: Database;
let fold: Fold;
let workspaces = 0;
const NOW = Date.now();
const warnings: unknown[] = [];
const logger = { warn: (facts: object) => void warnings.push(facts) };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createOnePartition(database.upkeep);
  fold = aFold();
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

function aFold(onFolded?: (ids: readonly number[]) => void): Fold {
  const options = { upkeep: database.upkeep, logger, nowMs: () => NOW };
  return createFold(onFolded === undefined ? options : { ...options, onFolded });
}

async function aWorkspace(timeZone = 'Europe/Vienna') {
  const types = ['a', 'b', { name: 'm', measures: ['total'] }];
  const slug = `fold-${++workspaces}`;
  return createSampleWorkspace(database.upkeep, { slug, timeZone, types });
}

async function rollup(workspaceId: number, table = 'event_counts') {
  return database.read.query<{
    grain: number;
    bucket: Date;
    definition_id: number;
    door: number;
    count: number;
    sum?: string;
  }>(`select * from ${table} where workspace_id = $1 order by grain, bucket, definition_id, door`, [
    workspaceId,
  ]);
}

/** What the rollup must hold, counted from the events by plain code. */
async function recount(workspaceId: number, zone: string) {
  const events = await database.read.query<{
    occurred_at: Date;
    definition_id: number;
    door: number;
  }>(
    `select e.occurred_at, e.definition_id, e.door from events e
     join workspace_marks m using (workspace_id) where workspace_id = $1 and position <= folded`,
    [workspaceId],
  );
  const counts = new Map<string, number>();
  const add = (...key: (string | number)[]) =>
    counts.set(key.join(' '), (counts.get(key.join(' ')) ?? 0) + 1);
  for (const { occurred_at, definition_id, door } of events) {
    const at = occurred_at.getTime();
    if (at >= NOW - 90 * 86_400_000) add(1, at - (at % 60_000), definition_id, door);
    add(2, Math.floor(at / 900_000) * 900_000, definition_id, door);
    add(3, Math.max(EARLIEST, startOfUnit('DAY', at, zone)), definition_id, door);
  }
  return counts;
}

async function counted(workspaceId: number) {
  const rows = await rollup(workspaceId);
  return new Map(
    rows.map(r => [[r.grain, r.bucket.getTime(), r.definition_id, r.door].join(' '), r.count]),
  );
}

const HOUR = 3_600_000;
function samples(n: number, stepMs = 7 * HOUR): SampleEvent[] {
  return Array.from({ length: n }, (_, i) => ({
    type: i % 3 === 0 ? 'a' : 'b',
    occurredAt: new Date(NOW - i * stepMs),
    door: i % 2 === 0 ? 'GRAPHQL' : 'LOGSH',
  }));
}

test('the rollups hold what the folded events are, at every grain, late events included', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(200));
  await fold.foldNow(workspace.id);
  await flushSamples(database.write, workspace, [
    ...samples(50),
    { type: 'a', occurredAt: new Date('1890-05-05T23:00:00Z') },
    { type: 'a', occurredAt: new Date('0001-01-01T00:00:00Z') },
    { type: 'a', occurredAt: new Date('9999-12-31T23:59:59.999Z') },
  ]);
  await fold.foldNow(workspace.id);
  expect(await counted(workspace.id)).toEqual(await recount(workspace.id, 'Europe/Vienna'));
});

test('two folds at once count each event once', async () => {
  const workspace = await aWorkspace();
  const folds = [aFold(), aFold(), aFold()];
  let isDone = false;
  const record = async () => {
    for (let i = 0; i < 20; i++) await flushSamples(database.write, workspace, samples(30, HOUR));
    isDone = true;
  };
  const refold = async (each: Fold) => {
    while (!isDone) await each.foldNow(workspace.id);
  };
  await Promise.all([record(), refold(folds[0]!), refold(folds[1]!)]);
  await folds[2]!.foldNow();
  expect(await counted(workspace.id)).toEqual(await recount(workspace.id, 'Europe/Vienna'));
  const [mark] = await marks(workspace.id);
  expect(mark).toMatchObject({ folded: 600 });
});

async function marks(workspaceId: number) {
  return database.read.query<{ folded: number; folded_recorded_at: Date; days_zone: string }>(
    'select folded, folded_recorded_at, days_zone from workspace_marks where workspace_id = $1',
    [workspaceId],
  );
}

test('a fold of one workspace fills and drops the measures of no other', async () => {
  const [one, other] = [await aWorkspace(), await aWorkspace()];
  for (const workspace of [one, other]) await flushSamples(database.write, workspace, samples(3));
  await fold.foldNow();
  await database.write.query(
    `update event_definitions set measures = case name when 'a' then '{n}'::text[] else '{}' end
     where workspace_id in ($1, $2)`,
    [one.id, other.id],
  );
  const fills = ({ id }: { id: number }) =>
    database.read.query(
      `select property, filled = upto as filled, dropped from measure_fills
       where workspace_id = $1 order by property`,
      [id],
    );
  const before = await fills(other);
  await fold.foldNow(one.id);
  expect(await fills(one)).toEqual([{ property: 'n', filled: true, dropped: false }]);
  expect(await fills(other)).toEqual(before);
  // Begun, and no more.
  await syncFills(database.upkeep, [other.id]);
  await fold.foldNow(one.id);
  expect(await fills(other)).toEqual([
    { property: 'n', filled: false, dropped: false },
    { property: 'total', filled: true, dropped: true },
  ]);
  await fold.foldNow();
  expect(await fills(other)).toEqual(await fills(one));
});

test('a fold that dies between its statements has counted nothing', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(40));
  const statements: string[] = [];
  for (let dieAt = 2; ; dieAt++) {
    let n = 0;
    const mortal = createFold({
      upkeep: {
        ...database.upkeep,
        hold: use =>
          database.upkeep.hold(connection =>
            use({
              ...connection,
              async query(text, ...rest) {
                if (text !== 'rollback' && ++n === dieAt) throw new Error('killed');
                statements.push(text);
                return connection.query(text, ...rest);
              },
            }),
          ),
      },
      logger,
      nowMs: () => NOW,
    });
    const isDead = await mortal.foldNow(workspace.id).then(
      () => false,
      () => true,
    );
    const folded = (await marks(workspace.id))[0]!.folded;
    expect(await counted(workspace.id)).toEqual(
      folded === 0 ? new Map() : await recount(workspace.id, 'Europe/Vienna'),
    );
    if (!isDead) break;
  }
  expect(
    statements.filter(text => text.includes('insert into event_counts')).length,
  ).toBeGreaterThan(2);
  expect((await marks(workspace.id))[0]).toMatchObject({ folded: 40 });
});

test('what is recorded by many workspaces is folded in batches of bounded size, to each a share', async () => {
  const some = await Promise.all(Array.from({ length: 5 }, () => aWorkspace()));
  for (const [i, workspace] of some.entries()) {
    await flushSamples(database.write, workspace, samples(10 * (i + 1), HOUR));
  }
  const big = some[0]!;
  for (let i = 0; i < 25; i++) await flushSamples(database.write, big, samples(1_000, 1_000));
  const batches: (readonly number[])[] = [];
  await aFold(ids => void batches.push(ids)).foldNow();
  expect(batches[0]).toEqual(expect.arrayContaining(some.map(({ id }) => id)));
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.at(-1)).toEqual([big.id]);
  for (const { id } of some) {
    expect(await counted(id)).toEqual(await recount(id, 'Europe/Vienna'));
  }
});

test('heads that nobody looks at any more are taken away, the newest stays', async () => {
  const workspace = await aWorkspace();
  for (let i = 0; i < 5; i++) await flushSamples(database.write, workspace, samples(3));
  await fold.foldNow(workspace.id);
  const heads = await database.read.query(
    'select head from workspace_heads where workspace_id = $1',
    [workspace.id],
  );
  expect(heads).toEqual([{ head: 15 }]);
  const [mark] = await marks(workspace.id);
  const [last] = await database.read.query<{ at: Date }>(
    'select max(recorded_at) as at from events where workspace_id = $1',
    [workspace.id],
  );
  expect(mark!.folded_recorded_at).toEqual(last!.at);
});

test('a deleted workspace is passed over', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(3));
  await database.upkeep.query('delete from workspaces where id = $1', [workspace.id]);
  await fold.foldNow();
  expect(await rollup(workspace.id)).toEqual([]);
});

test('a zone that Node does not know is folded as UTC and stops nobody', async () => {
  const workspace = await aWorkspace('Mars/Olympus');
  await flushSamples(database.write, workspace, samples(10));
  await fold.foldNow();
  expect(await counted(workspace.id)).toEqual(await recount(workspace.id, 'UTC'));
  expect((await marks(workspace.id))[0]!.days_zone).toMatch(/^UTC /);
});

test('minute rows are kept for events of the last 90 days alone', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(30, 5 * 24 * HOUR));
  await fold.foldNow(workspace.id);
  const minutes = (await rollup(workspace.id)).filter(({ grain }) => grain === 1);
  expect(minutes).toHaveLength(19);
  const later = createFold({
    upkeep: database.upkeep,
    logger,
    nowMs: () => NOW + 50 * 24 * HOUR,
  });
  later.start();
  await expect
    .poll(async () => (await rollup(workspace.id)).filter(({ grain }) => grain === 1).length)
    .toBe(9);
  await later.stop();
});

test('a started fold folds what is there, then what is noted, and nothing once it is stopped', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(5));
  const running = aFold();
  running.start();
  const folded = async () => (await marks(workspace.id))[0]!.folded;
  await expect.poll(folded).toBe(5);
  await flushSamples(database.write, workspace, samples(5));
  running.note([workspace.id]);
  await expect.poll(folded).toBe(10);
  await running.stop();
  await flushSamples(database.write, workspace, samples(5));
  running.note([workspace.id]);
  expect(await folded()).toBe(10);
  expect(warnings).toEqual([]);
});

test('a fold that fails says so and goes on once it can', async () => {
  const workspace = await aWorkspace();
  await flushSamples(database.write, workspace, samples(5));
  let isBroken = true;
  const heard: string[] = [];
  const running = createFold({
    upkeep: {
      ...database.upkeep,
      hold: use =>
        isBroken ? Promise.reject(new Error('no connection')) : database.upkeep.hold(use),
    },
    logger: { warn: (_facts, message) => void heard.push(message) },
    nowMs: () => Date.now(),
  });
  running.start();
  await expect.poll(() => heard.length).toBeGreaterThan(0);
  isBroken = false;
  await expect.poll(async () => (await marks(workspace.id))[0]!.folded).toBe(5);
  await running.stop();
  expect(heard[0]).toMatch(/tried again/);
});

test('measures are exact sums, and each definition knows when it was first and last recorded', async () => {
  const workspace = await aWorkspace();
  const event = { type: 'm', occurredAt: new Date(NOW) };
  const payloads = [
    '{"total":0.1}',
    '{"total":0.2}',
    '{"total":"3"}',
    '{"total":9007199254740993}',
    '{}',
  ];
  await flushSamples(
    database.write,
    workspace,
    payloads.map(payload => ({ ...event, payload })),
  );
  await fold.foldNow(workspace.id);
  await flushSamples(database.write, workspace, [{ ...event, payload: '{"total":1}' }]);
  await fold.foldNow(workspace.id);
  const rows = await rollup(workspace.id, 'event_measures');
  expect(rows.map(({ grain, count, sum }) => [grain, count, sum])).toEqual(
    [1, 2, 3].map(grain => [grain, 4, '9007199254740994.3']),
  );
  const [definition] = await database.read.query<{ n: number; first: Date; last: Date }>(
    `select event_count as n, first_recorded_at as first, last_recorded_at as last
     from event_definitions where workspace_id = $1 and name = 'm'`,
    [workspace.id],
  );
  const [log] = await database.read.query<{ n: number; first: Date; last: Date }>(
    `select count(*) as n, min(recorded_at) as first, max(recorded_at) as last
     from events where workspace_id = $1`,
    [workspace.id],
  );
  expect(definition).toEqual(log);
});
