import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type Connection, type Database } from '../../src/db/client.ts';
import { createEventLog } from '../../src/live/log.ts';
import { FLUSH_SQL } from '../../src/record/flush.sql.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { createPartitions, createWorkspace } from '../unit/read/event-rows.ts';

/**
 * What every mutation and every stream does, as the log grows: 24,000 events of two workspaces in
 * 24 partitions, with random ids. What was read is counted where Postgres counts it, since the
 * lock's function asks questions of its own that no EXPLAIN shows.
 */
const EVENTS = 24_000;
const PARTITIONS = 24;
const NOW = Date.now();
const HOUR_MS = 3_600_000;
const instantOf = (position: number) => new Date(NOW - (EVENTS - position) * HOUR_MS);

let testDatabase: TestDatabase;
let database: Database;
let workspaceId: number;
let definitionId: number;
let keyId: number;
let known: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  const { upkeep, write } = database;
  const bounds = Array.from({ length: PARTITIONS - 1 }, (_, n) =>
    instantOf((EVENTS / PARTITIONS) * (n + 1)),
  );
  await createPartitions(upkeep, bounds);
  const keys = await upkeep.query<{ id: number }>(
    `insert into api_keys (name, prefix, hash, scopes)
     select 'k', 'p', n, '{EVENTS_WRITE}' from generate_series(1, 1000) n returning id`,
  );
  keyId = keys[500]!.id;
  for (const slug of ['plans-0', 'plans-1']) {
    workspaceId = await createWorkspace(upkeep, slug);
    const [definition] = await upkeep.query<{ id: number }>(
      `insert into event_definitions (workspace_id, name) values ($1, 't') returning id`,
      [workspaceId],
    );
    definitionId = definition!.id;
    // Its plan is made while there is nothing to read.
    await flush(write, randomUUID());
    await upkeep.query(
      `with made as (
         insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door,
           notify, event_id, payload)
         select $1::int, n, $2::timestamptz + n * interval '1 hour', now(), $3::int, 1, false,
           gen_random_uuid(), '{}'
         from generate_series(2, ${EVENTS}) n
         returning workspace_id, position, recorded_at, event_id
       )
       insert into event_keys (workspace_id, key, position, recorded_at, hash)
       select workspace_id, event_id::uuid, position, recorded_at, gen_random_uuid() from made`,
      [workspaceId, new Date(NOW - EVENTS * HOUR_MS), definitionId],
    );
    // One for each flush, until the fold takes the old ones away.
    await upkeep.query(
      `insert into workspace_heads (workspace_id, head, recorded_at)
       select $1::int, n, $2::timestamptz + n * interval '1 hour' from generate_series(2, ${EVENTS}) n`,
      [workspaceId, new Date(NOW - EVENTS * HOUR_MS)],
    );
  }
  const [row] = await upkeep.query<{ event_id: string }>(
    'select event_id from events where workspace_id = $1 and position = 9000',
    [workspaceId],
  );
  known = row!.event_id;
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

function flush(connection: Connection, ...ids: string[]) {
  const entries = ids.map(id => ({
    ...{ w: workspaceId, k: id, h: randomUUID(), d: definitionId, dr: 1, n: false, i: id, p: {} },
    o: new Date(NOW).toISOString(),
  }));
  return connection.query<{ status: number; position: number }>(FLUSH_SQL, [
    JSON.stringify(entries),
    ...[`{${workspaceId}}`, `{${definitionId}}`, '{1}'],
    ...[`{${keyId}}`, '{EVENTS_WRITE}'],
  ]);
}

interface Reads {
  /** Rows that were read by going through a whole table. */
  readonly scanned: number;
  /** Rows that an index led to. */
  readonly fetched: number;
}

/** Of the tables that grow; what a session has not reported yet is among it. */
async function countReads(connection: Connection): Promise<Reads> {
  const [reads] = await connection.query<{ scanned: number; fetched: number }>(
    `select sum(seq_tup_read)::bigint as scanned, sum(coalesce(idx_tup_fetch, 0))::bigint as fetched
     from pg_stat_xact_user_tables where relname ~ '^(event_keys|events|workspace_heads)'`,
  );
  return reads as Reads;
}

/** What a question reads of them; nothing of it stays. */
async function readsOf(lane: Database['read'], ask: (connection: Connection) => Promise<unknown>) {
  return lane.hold(async connection => {
    await connection.query('begin', [], { script: true });
    try {
      const before = await countReads(connection);
      await ask(connection);
      const after = await countReads(connection);
      return { scanned: after.scanned - before.scanned, fetched: after.fetched - before.fetched };
    } finally {
      await connection.query('rollback', [], { script: true });
    }
  });
}

describe.each(['before', 'after'])('%s the first ANALYZE', moment => {
  beforeAll(async () => {
    if (moment === 'after') await database.upkeep.query('analyze');
  });

  test('a flush finds ids by key and the newest position by its index', async () => {
    const reads = await readsOf(database.write, async connection => {
      const rows = await flush(connection, randomUUID(), known, randomUUID());
      expect(rows.map(row => [row.status, row.position]).sort()).toEqual([
        [0, EVENTS + 1],
        [0, EVENTS + 2],
        [2, 9_000],
      ]);
    });
    expect(reads.scanned).toBe(0);
    expect(reads.fetched).toBeLessThanOrEqual(5);
  });

  test('a stream reads on in the log by position, deep and at its end', async () => {
    for (const position of [9_000, EVENTS - 20, EVENTS]) {
      const place = { position, recordedAt: instantOf(position) };
      const reads = await readsOf(database.read, async connection => {
        const events = await createEventLog(connection).after(workspaceId, place, 100);
        expect(events).toHaveLength(Math.min(100, EVENTS - position));
      });
      expect(reads.scanned).toBe(0);
      expect(reads.fetched).toBeLessThanOrEqual(110);
    }
  });

  test('the tail asks for the newest position of each workspace that is watched', async () => {
    const reads = await readsOf(database.read, async connection => {
      const heads = await createEventLog(connection).heads([workspaceId - 1, workspaceId, 1]);
      expect(heads.get(workspaceId)?.head.position).toBe(EVENTS);
    });
    expect(reads.scanned).toBe(0);
    expect(reads.fetched).toBeLessThanOrEqual(3);
  });
});
