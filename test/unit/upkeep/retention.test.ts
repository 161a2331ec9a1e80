import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Workspace } from '../../../src/core/workspace.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { quarterOf } from '../../../src/db/partitions.ts';
import { verify } from '../../../src/db/verify.ts';
import { removing } from '../../../src/upkeep/removal.ts';
import { sweepKeys, type KeySweep } from '../../../src/upkeep/retention-keys.ts';
import { removePartitions } from '../../../src/upkeep/retention-partitions.ts';
import { lookUpTails, removeNext, RETENTION_BATCH_EVENTS } from '../../../src/upkeep/retention.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { backdate, foldAll, makePastQuarters, partitionsOf } from '../../kit/past.ts';
import {
  anEvent,
  startRecording,
  startRecordingDatabase,
  type Recording,
} from '../../kit/recording.ts';

let gateway: Recording & { database: TestDatabase };
let db: Database;
beforeAll(async () => {
  gateway = await startRecordingDatabase();
  db = gateway.db;
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function record(workspace: Workspace, count: number, by: Recording = gateway) {
  const events = Array.from({ length: count }, () => anEvent({ id: randomUUID() }));
  return by.record({ workspace, door: 'GRAPHQL', events, atomic: false });
}

/** A workspace with events of which the first were recorded some days ago. */
async function workspaceWith(old: number, young: number, settings: Partial<Workspace> = {}) {
  const workspace = await gateway.workspace({ retentionDays: 5, ...settings });
  await record(workspace, old + young);
  await foldAll(db);
  await backdate(db, workspace.id, old, 10);
  return workspace;
}

/** Until nothing is due; how many events went. */
async function removeAll(upkeep = db.upkeep): Promise<number> {
  await lookUpTails(upkeep);
  for (let removed = 0; ;) {
    const batch = await removeNext(upkeep);
    if (batch?.isMore !== true) return removed;
    removed += batch.events;
  }
}

async function positionsOf({ id }: Workspace): Promise<number[]> {
  const rows = await db.read.query<{ position: number }>(
    'select position from events where workspace_id = $1 order by 1',
    [id],
  );
  return rows.map(({ position }) => position);
}

async function countOf(table: string, { id }: Workspace): Promise<number> {
  const [row] = await db.read.query<{ n: number }>(
    `select count(*) as n from ${table} where workspace_id = $1`,
    [id],
  );
  return row!.n;
}

async function violations() {
  return (await verify(db.upkeep)).violations;
}

async function sweepAll(): Promise<void> {
  let at: KeySweep | null = { partition: 0, block: 0 };
  while (at !== null) at = await sweepKeys(db.upkeep, at);
}

describe('rows', () => {
  beforeAll(() => makePastQuarters(db, 1));

  test('what is older than retention goes from the tail, and the log goes on where it was', async () => {
    const workspace = await workspaceWith(20, 10);
    expect(await removeAll()).toBe(20);
    expect(await positionsOf(workspace)).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    const [next] = await record(workspace, 1);
    expect(next).toMatchObject({ status: 'RECORDED', position: 31 });
    await foldAll(db);
    expect(await violations()).toEqual([]);
  });

  test('a workspace that loses all of its events goes on with the next position', async () => {
    const workspace = await workspaceWith(3, 0);
    expect(await removeAll()).toBe(3);
    expect(await violations()).toEqual([]);
    const [next] = await record(workspace, 1);
    expect(next).toMatchObject({ status: 'RECORDED', position: 4 });
    await foldAll(db);
    await backdate(db, workspace.id, 4, 6);
    expect(await removeAll()).toBe(1);
    expect(await violations()).toEqual([]);
  });

  test('it goes in batches, each with its tail, and no workspace waits for another to end', async () => {
    const one = await workspaceWith(RETENTION_BATCH_EVENTS + 1, 1);
    const other = await workspaceWith(2, 1);
    await lookUpTails(db.upkeep);
    const sizes: number[] = [];
    for (;;) {
      const batch = await removeNext(db.upkeep);
      if (batch?.isMore !== true) break;
      sizes.push(batch.events);
      expect(await violations()).toEqual([]);
    }
    expect(sizes.sort((a, b) => a - b)).toEqual([1, 2, RETENTION_BATCH_EVENTS]);
    expect(await positionsOf(one)).toEqual([RETENTION_BATCH_EVENTS + 2]);
    expect(await positionsOf(other)).toEqual([3]);
  });

  test('rollups outlive the events, and nothing goes before they count it', async () => {
    const workspace = await workspaceWith(4, 1);
    await db.write.query('update workspace_marks set folded = 2 where workspace_id = $1', [
      workspace.id,
    ]);
    expect(await removeAll()).toBe(2);
    await db.write.query('update workspace_marks set folded = 5 where workspace_id = $1', [
      workspace.id,
    ]);
    expect(await removeAll()).toBe(2);
    const [row] = await db.read.query<{ n: number }>(
      'select sum(count)::int as n from event_counts where workspace_id = $1 and grain = 3',
      [workspace.id],
    );
    expect(row!.n).toBe(5);
  });

  test('without retention nothing goes', async () => {
    const workspace = await workspaceWith(3, 0, { retentionDays: null });
    expect(await removeAll()).toBe(0);
    expect(await positionsOf(workspace)).toEqual([1, 2, 3]);
  });

  test('one process removes at a time', async () => {
    await using other = await startRecording(gateway.database.url);
    await removing(db.upkeep, async () => {
      expect(await removeNext(other.db.upkeep)).toBeNull();
      expect(await removePartitions(other.db.upkeep)).toBeNull();
    });
    expect(await removeNext(other.db.upkeep)).not.toBeNull();
  });

  test('an id is known for as long as it is to be deduplicated, also without its event', async () => {
    const workspace = await gateway.workspace({ retentionDays: 5, dedupeDays: 30 });
    const send = async (id: string) => {
      const events = [anEvent({ id })];
      return gateway.record({ workspace, door: 'GRAPHQL', events, atomic: false });
    };
    await send('old');
    await send('older');
    await foldAll(db);
    await backdate(db, workspace.id, 2, 20);
    await db.write.query(
      `update event_keys set recorded_at = recorded_at - interval '11 days'
       where workspace_id = $1 and position = 2`,
      [workspace.id],
    );
    expect(await removeAll()).toBe(2);
    await sweepAll();
    expect(await countOf('event_keys', workspace)).toBe(1);
    expect(await send('old')).toMatchObject([{ status: 'DUPLICATE', position: 1 }]);
    expect(await send('older')).toMatchObject([{ status: 'RECORDED', position: 3 }]);
    await foldAll(db);
    expect(await violations()).toEqual([]);
  });
});

describe('whole partitions', () => {
  let own: Recording & { database: TestDatabase };
  beforeAll(async () => {
    own = await startRecordingDatabase();
  });
  afterAll(() => own[Symbol.asyncDispose]());

  /** Whole days since a quarter began, which is so many before this one. */
  function daysSince(quartersAgo: number): number {
    const { from } = quarterOf(new Date(), -quartersAgo);
    return Math.floor((Date.now() - from.getTime()) / 86_400_000);
  }

  test('go at once when nobody needs anything in them; what somebody needs stays', async () => {
    const [recent, middle, oldest] = await makePastQuarters(own.db, 3);
    const short = await own.workspace({ retentionDays: 1 });
    const long = await own.workspace({ retentionDays: daysSince(2) });
    const ever = await own.workspace({ retentionDays: null });
    const deleted = await own.workspace({ retentionDays: null });
    for (const workspace of [short, long, ever, deleted]) await record(workspace, 5, own);
    await foldAll(own.db);
    // 1 and 2 in the oldest, 3 in the middle, 4 in the recent one, 5 now.
    for (const { id } of [short, long, deleted]) {
      await backdate(own.db, id, 4, daysSince(1));
      await backdate(own.db, id, 3, daysSince(2));
      await backdate(own.db, id, 2, daysSince(3));
    }
    await backdate(own.db, ever.id, 4, daysSince(1));
    await own.db.write.query('delete from workspaces where id = $1', [deleted.id]);
    const before = await partitionsOf(own.db);

    const removed = await removePartitions(own.db.upkeep);
    expect(removed).toMatchObject({ partitions: 1, events: 4 });
    expect(await partitionsOf(own.db)).toEqual(before.filter(name => name !== oldest));
    expect((await verify(own.db.upkeep)).violations).toEqual([]);

    await own.db.write.query('update workspaces set retention_days = 1 where id = $1', [long.id]);
    expect(await removePartitions(own.db.upkeep)).toMatchObject({ partitions: 1, events: 2 });
    expect(await partitionsOf(own.db)).toEqual(
      before.filter(name => name !== oldest && name !== middle),
    );
    // The recent one is kept for one workspace: the others' rows go one by one.
    expect(await removePartitions(own.db.upkeep)).toMatchObject({ partitions: 0, events: 0 });
    expect(await removeAll(own.db.upkeep)).toBe(2);
    expect(await partitionsOf(own.db)).toContain(recent);
    expect((await verify(own.db.upkeep)).violations).toEqual([]);
  });

  test('wait for a dump without standing in the way of recording, and go when it has ended', async () => {
    await using database = await createTestDatabase();
    await using one = await startRecording(database.url);
    await using other = await startRecording(database.url);
    const [, partition] = await makePastQuarters(one.db, 2);
    const workspace = await one.workspace({ retentionDays: 1 });
    await record(workspace, 6, one);
    await foldAll(one.db);
    await backdate(one.db, workspace.id, 4, daysSince(2));
    const dump = createDatabase({ url: database.url });
    await dump.upkeep.hold(async connection => {
      await connection.query('begin isolation level repeatable read read only');
      await connection.query(`lock table events, event_keys, ${partition} in access share mode`);
      const seen = () => connection.query('select from events');
      expect(await seen()).toHaveLength(6);

      let isWaiting = true;
      const removal = removePartitions(one.db.upkeep).finally(() => (isWaiting = false));
      while (isWaiting) {
        for (const by of [one, other]) {
          const [receipt] = await record(workspace, 1, by);
          expect(receipt?.status).toBe('RECORDED');
        }
      }
      // The tail has moved, the partition is gone for whoever comes now, and the dump has it.
      expect(await removal).toMatchObject({ partitions: 0, events: 4 });
      await foldAll(one.db);
      expect((await verify(one.db.upkeep)).violations).toEqual([]);
      expect(await seen()).toHaveLength(6);
      await connection.query('rollback');
    });
    await dump.stop();
    expect(await removePartitions(other.db.upkeep)).toMatchObject({ events: 0 });
    expect(await partitionsOf(one.db)).not.toContain(partition);
    const [receipt] = await record(workspace, 1, one);
    expect(receipt?.status).toBe('RECORDED');
    await foldAll(one.db);
    expect((await verify(one.db.upkeep)).violations).toEqual([]);
  });
});
