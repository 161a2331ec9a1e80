import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { ensurePartitions, partitionsAhead } from '../../../src/db/partitions.ts';
import { verify } from '../../../src/db/verify.ts';
import { removing } from '../../../src/upkeep/removal.ts';
import { lookUpTails } from '../../../src/upkeep/retention.ts';
import { readRemovalLag, readWaiting } from '../../../src/upkeep/upkeep-figures.ts';
import { purgeDeleted, purgeQuarantine } from '../../../src/upkeep/upkeep-purge.ts';
import { createUpkeep } from '../../../src/upkeep/upkeep.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { backdate, foldAll, makePastQuarters } from '../../kit/past.ts';
import {
  anEvent,
  startRecording,
  startRecordingDatabase,
  type Recording,
} from '../../kit/recording.ts';

let gateway: Recording & { database: TestDatabase };
beforeAll(async () => {
  gateway = await startRecordingDatabase();
});
afterAll(() => gateway[Symbol.asyncDispose]());

test('four partitions stand ahead of the present', async () => {
  expect(await partitionsAhead(gateway.db.upkeep)).toBe(4);
});

test('a dump that runs stops neither recording nor the making of partitions', async () => {
  await using database = await createTestDatabase();
  const dump = createDatabase({ url: database.url });
  await dump.upkeep.hold(async connection => {
    await connection.query('begin isolation level repeatable read read only');
    // As pg_dump does, on every table before it reads the first.
    await connection.query('lock table events, event_keys, workspaces in access share mode');
    await connection.query('select count(*) from events');
    await using recording = await startRecording(database.url);
    expect(await partitionsAhead(recording.db.upkeep)).toBe(4);
    expect(await ensurePartitions(recording.db.upkeep)).toEqual([]);
    const workspace = await recording.workspace();
    const [receipt] = await recording.record({
      workspace,
      door: 'GRAPHQL',
      events: [anEvent()],
      atomic: false,
    });
    expect(receipt?.status).toBe('RECORDED');
    await connection.query('rollback');
  });
  await dump.stop();
});

test('an event beyond every partition gets one made on demand', async () => {
  const workspace = await gateway.workspace();
  const quarters = await gateway.db.upkeep.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`,
  );
  for (const { name } of quarters) {
    await gateway.db.upkeep.query(`alter table events detach partition ${name}`);
    await gateway.db.upkeep.query(`alter table ${name} rename to ${name}_gone`);
  }
  const [receipt] = await gateway.record({
    workspace,
    door: 'GRAPHQL',
    events: [anEvent()],
    atomic: false,
  });
  expect(receipt?.status).toBe('RECORDED');
});

test('a database breaks no rule, and one that is broken on purpose is found out', async () => {
  const workspace = await gateway.workspace();
  const events = Array.from({ length: 30 }, (_, i) => anEvent({ type: `t-${i % 3}` }));
  await gateway.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  await foldAll(gateway.db);
  expect((await verify(gateway.db.upkeep)).violations).toEqual([]);

  const broken: Record<string, string> = {
    'positions are dense': 'delete from events where workspace_id = $1 and position = 7',
    'each event has its key': 'delete from event_keys where workspace_id = $1 and position = 9',
    'the head is the newest position':
      'update workspace_heads set head = head + 1 where workspace_id = $1',
    'recordedAt rises with position': `update events set recorded_at = recorded_at + interval '1 s'
       where workspace_id = $1 and position = 3`,
    'quarter hours equal a recount':
      'update event_counts set count = count + 1 where workspace_id = $1 and grain = 2',
    'days add up to quarter hours':
      'delete from event_counts where workspace_id = $1 and grain = 3',
    'definitions count their events':
      'update event_definitions set event_count = 0 where workspace_id = $1',
  };
  for (const statement of Object.values(broken)) {
    await gateway.db.write.query(statement, [workspace.id]);
  }
  const { violations } = await verify(gateway.db.upkeep);
  const rules = new Set(violations.map(({ rule }) => rule));
  expect([...Object.keys(broken)].filter(rule => !rules.has(rule))).toEqual([]);
  expect(new Set(violations.map(violation => violation.workspace))).toEqual(
    new Set([workspace.slug]),
  );
});

test('what a deleted workspace held is taken away', async () => {
  const workspace = await gateway.workspace();
  await gateway.record({ workspace, door: 'GRAPHQL', events: [anEvent()], atomic: false });
  await foldAll(gateway.db);
  await gateway.db.write.query('delete from workspaces where id = $1', [workspace.id]);
  await purgeDeleted(gateway.db.upkeep);
  for (const table of ['events', 'event_keys', 'event_counts', 'workspace_marks']) {
    const rows = await gateway.db.read.query(`select 1 from ${table} where workspace_id = $1`, [
      workspace.id,
    ]);
    expect(rows, table).toEqual([]);
  }
});

test('what has expired and what is no longer kept goes by itself, and is told in figures', async () => {
  await using database = await createTestDatabase();
  await using recording = await startRecording(database.url);
  const { db } = recording;
  await makePastQuarters(db, 1);
  const workspace = await recording.workspace({ retentionDays: 5 });
  const events = [anEvent(), anEvent(), anEvent({ expiresAt: new Date(Date.now() - 1_000) })];
  await recording.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  await foldAll(db);
  await backdate(db, workspace.id, 1, 10);
  const logger = { info: () => {}, warn: () => {} };
  const upkeep = createUpkeep({ upkeep: db.upkeep, logger, removalEveryMs: 20 });
  await upkeep.start();
  try {
    await expect
      .poll(() => upkeep.stats())
      .toMatchObject({ eventsRemoved: 1, eventsExpired: 1, retentionLagS: 0, expiryLagS: 0 });
    const { oldestEventS } = upkeep.stats();
    expect(oldestEventS).toBeLessThan(5 * 86_400);
  } finally {
    await upkeep.stop();
  }
  expect((await verify(db.upkeep)).violations).toEqual([]);
});

test('what waits for its rollups, and what is in quarantine, is told in figures', async () => {
  await using database = await createTestDatabase();
  await using recording = await startRecording(database.url);
  const { db } = recording;
  const busy = await recording.workspace({ evidence: true });
  const quiet = await recording.workspace();
  const record = (workspace: typeof busy, count: number) =>
    recording.record({
      ...{ workspace, door: 'GRAPHQL', atomic: false },
      events: Array.from({ length: count }, () => anEvent()),
    });
  const nothing = { foldLagEvents: 0, foldLagS: 0, evidenceLagEvents: 0, quarantined: 0 };
  expect(await readWaiting(db.upkeep)).toEqual(nothing);
  await record(busy, 2);
  await foldAll(db);
  await record(busy, 3);
  await record(quiet, 1);
  await db.upkeep.query(
    `insert into quarantined_events (workspace_id, door, problems, event)
     select $1, 1, '[]', '{}' from generate_series(1, 4)`,
    [quiet.id],
  );
  const waiting = await readWaiting(db.upkeep);
  expect(waiting).toMatchObject({ foldLagEvents: 3, evidenceLagEvents: 3, quarantined: 4 });
  expect(waiting.foldLagS).toBeGreaterThan(0);
  expect(waiting.foldLagS).toBeLessThan(600);
  await foldAll(db);
  expect(await readWaiting(db.upkeep)).toEqual({ ...nothing, quarantined: 4 });
});

test('what is overdue is told while another process removes', async () => {
  await using database = await createTestDatabase();
  await using recording = await startRecording(database.url);
  const { db } = recording;
  await makePastQuarters(db, 1);
  const workspace = await recording.workspace({ retentionDays: 5 });
  const expiresAt = new Date(Date.now() - 60_000);
  const events = [anEvent(), anEvent({ expiresAt })];
  await recording.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  await foldAll(db);
  await backdate(db, workspace.id, 1, 10);
  await lookUpTails(db.upkeep);
  await removing(db.upkeep, async () => {
    const lag = await readRemovalLag(db.upkeep);
    const day = 86_400;
    expect(lag.oldestEventS).toBeGreaterThan(9.9 * day);
    expect(lag.retentionLagS).toBeGreaterThan(4.9 * day);
    expect(lag.retentionLagS).toBeLessThan(5.1 * day);
    expect(lag.expiryLagS).toBeGreaterThanOrEqual(60);
  });
});

test('a snapshot that stays open is told of and warned of, with who holds it', async () => {
  await using database = await createTestDatabase();
  const holder = createDatabase({ url: database.url, applicationName: 'forgotten' });
  const db = createDatabase({ url: database.url });
  const warnings: object[] = [];
  const logger = { info: () => {}, warn: (facts: object) => void warnings.push(facts) };
  const options = { upkeep: db.upkeep, logger, removalEveryMs: 20, snapshotWarnS: 0.2 };
  const upkeep = createUpkeep(options);
  await upkeep.start();
  try {
    await holder.upkeep.hold(async connection => {
      await connection.query('begin isolation level repeatable read');
      await connection.query('select from workspaces');
      await expect
        .poll(() => warnings)
        .toContainEqual({
          seconds: expect.any(Number),
          holder: expect.stringContaining('forgotten'),
        });
      expect(upkeep.stats().snapshotS).toBeGreaterThan(0.2);
      await connection.query('rollback');
    });
    await expect.poll(() => upkeep.stats().snapshotS).toBe(0);
  } finally {
    await upkeep.stop();
    await holder.stop();
    await db.stop();
  }
});

test('quarantine keeps what is younger than its age', async () => {
  const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
  const events = [anEvent({ id: 'old' }), anEvent({ id: 'young' })];
  await gateway.record({ workspace, door: 'GRAPHQL', events, atomic: false });
  await gateway.db.write.query(
    `update quarantined_events set received_at = now() - interval '31 days'
     where workspace_id = $1 and event ->> 'id' = 'old'`,
    [workspace.id],
  );
  expect(await purgeQuarantine(gateway.db.upkeep)).toBe(1);
  const left = await gateway.db.read.query<{ id: string }>(
    `select event ->> 'id' as id from quarantined_events where workspace_id = $1`,
    [workspace.id],
  );
  expect(left).toEqual([{ id: 'young' }]);
});
