import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { toWire, type Param } from '../../src/db/wire.ts';
import { EXPIRE_SQL, MOVE_NEXT_SQL } from '../../src/upkeep/expiry.ts';
import { REDACT_KEYS_SQL, redactBySql } from '../../src/upkeep/redact.ts';
import { BATCH_SETTINGS_SQL } from '../../src/upkeep/removal.ts';
import { sweepSql } from '../../src/upkeep/retention-keys.ts';
import { MOVE_TAIL_SQL, REMOVE_SQL } from '../../src/upkeep/retention.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { createPartitions, createWorkspace } from '../unit/read/event-rows.ts';

/**
 * 24,000 events of two workspaces in six partitions, one every hour; every tenth has expired, and
 * nine tenths of those were emptied. What a statement of a batch reads is counted.
 */
const EVENTS = 12_000;
const BEGIN = Date.UTC(2023, 0, 1);
const HOUR_MS = 3_600_000;
const instantOf = (position: number) => new Date(BEGIN + position * HOUR_MS);
/** From here on what has expired is still to be emptied. */
const EXPIRY_FROM = 10_800;

let testDatabase: TestDatabase;
let database: Database;
let workspaceId: number;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  const { upkeep } = database;
  await createPartitions(
    upkeep,
    [1, 2, 3, 4, 5].map(part => instantOf((EVENTS / 6) * part)),
  );
  for (const slug of ['plans', 'others']) {
    workspaceId = await createWorkspace(upkeep, slug);
    await upkeep.query(
      `with d as (
         insert into event_definitions (workspace_id, name) values ($1, 'type') returning id
       ), m as (
         insert into workspace_marks (workspace_id, folded) values ($1, ${EVENTS})
       )
       insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door,
         notify, event_id, subject, payload, expires_at, expired_at)
       select $1::int, n, r.at, r.at, d.id, 1, false, 'e' || n, 's' || n % 997, '{}',
         case when n % 10 = 0 then r.at end,
         case when n % 10 = 0 and n < ${EXPIRY_FROM} then r.at end
       from generate_series(1, ${EVENTS}) n
       cross join lateral (select $2::timestamptz + n * interval '1 hour' as at) r cross join d`,
      [workspaceId, new Date(BEGIN)],
    );
  }
  await upkeep.query(
    `insert into event_keys (workspace_id, key, position, recorded_at, hash)
     select workspace_id, left(encode(sha256(event_id::bytea), 'hex'), 32)::uuid, position,
       recorded_at, gen_random_uuid() from events`,
  );
  await upkeep.query('analyze');
});

afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

interface Access {
  /** Ways in, by the columns of the index. */
  readonly by: readonly string[];
  /** Partitions of which any row was read. */
  readonly partitions: readonly string[];
  readonly rowsRead: number;
}

/** Runs it, tells what it read of the tables of that name, and takes it back. */
async function explain(table: string, [text, params]: [string, readonly Param[]]): Promise<Access> {
  const values = params.map(param => {
    const value = toWire(param);
    return value === null ? 'null' : `'${value.replaceAll("'", "''")}'`;
  });
  return database.upkeep.hold(async connection => {
    await connection.query(`prepare question as ${text}`, [], { script: true });
    await connection.query('begin');
    try {
      await connection.query(BATCH_SETTINGS_SQL);
      const [row] = await connection.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, format json, timing off) execute question (${values.join(', ')})`,
        [],
        { script: true },
      );
      const indexes = await connection.query<{ name: string; columns: string }>(
        `select i.indexrelid::regclass::text as name, string_agg(a.attname, ' ' order by k.ord) as columns
         from pg_index i, unnest(i.indkey::int2[]) with ordinality k (attnum, ord), pg_attribute a
         where a.attrelid = i.indrelid and a.attnum = k.attnum group by 1`,
      );
      const plan = JSON.parse(row!['QUERY PLAN']) as [{ Plan: PlanNode }];
      return accessOf(plan[0].Plan, table, new Map(indexes.map(i => [i.name, i.columns])));
    } finally {
      await connection.query('rollback');
      await connection.query('deallocate question');
    }
  });
}

function accessOf(root: PlanNode, table: string, columnsOf: ReadonlyMap<string, string>): Access {
  const by = new Set<string>();
  const partitions = new Set<string>();
  let rowsRead = 0;
  const walk = (node: PlanNode) => {
    const relation = node['Relation Name'] ?? '';
    const isScan = node['Node Type'].includes('Scan') && relation.startsWith(table);
    const rows = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
    if (isScan && rows * node['Actual Loops'] > 0) {
      by.add(columnsOf.get(node['Index Name'] ?? '') ?? node['Node Type']);
      partitions.add(relation);
      rowsRead += rows * node['Actual Loops'];
    }
    node.Plans?.forEach(walk);
  };
  walk(root);
  return { by: [...by], partitions: [...partitions].sort(), rowsRead };
}

const POSITION = 'workspace_id position recorded_at';

describe('the statement of a batch', () => {
  test('retention reads what it removes, in the partitions where that is', async () => {
    const params = [workspaceId, 1_900, 2_099, instantOf(1_900), instantOf(2_050)];
    expect(await explain('events_test', [REMOVE_SQL, params])).toEqual({
      by: [POSITION],
      partitions: ['events_test_0', 'events_test_1'],
      rowsRead: 150,
    });
  });

  test('the tail moves by one look', async () => {
    const params = [workspaceId, 2_500, instantOf(2_400)];
    expect(await explain('events_test', [MOVE_TAIL_SQL, params])).toEqual({
      by: [POSITION],
      partitions: ['events_test_1'],
      rowsRead: 1,
    });
  });

  test('expiry passes over what was emptied before, and over other workspaces', async () => {
    const params = [workspaceId, instantOf(EXPIRY_FROM), EVENTS, 50];
    const { rowsRead, ...access } = await explain('events_test', [EXPIRE_SQL, params]);
    // Once to find them in their order, once to empty them.
    expect(access).toEqual({
      by: expect.arrayContaining(['workspace_id expires_at', POSITION]),
      partitions: ['events_test_5'],
    });
    expect(rowsRead).toBeLessThanOrEqual(2 * 50 + 20);
    const next = [workspaceId, instantOf(EXPIRY_FROM + 500), EVENTS];
    expect(await explain('events_test', [MOVE_NEXT_SQL, next])).toMatchObject({
      by: ['workspace_id expires_at'],
      rowsRead: 1,
    });
  });

  test('redaction reads the events of its subject, and those of its ids by their keys', async () => {
    const bySubject = [workspaceId, 's5', 0, EVENTS, 1_000];
    const found = await explain('events_test', [redactBySql('subject'), bySubject]);
    expect(found.by).toEqual(expect.arrayContaining(['workspace_id subject position', POSITION]));
    expect(found.rowsRead).toBeLessThanOrEqual(2 * 13);
    const keys = (
      await database.read.query<{ key: string }>(
        'select key from event_keys where workspace_id = $1 and position in (5, 9000)',
        [workspaceId],
      )
    ).map(({ key }) => key);
    const byKeys: [string, Param[]] = [REDACT_KEYS_SQL, [workspaceId, JSON.stringify(keys)]];
    expect(await explain('events_test', byKeys)).toMatchObject({
      by: [POSITION],
      rowsRead: 2,
    });
    expect(await explain('event_keys_', byKeys)).toMatchObject({
      by: ['workspace_id key'],
      rowsRead: 2,
    });
  });

  test('a sweep of keys reads the blocks that it is at', async () => {
    const statement = sweepSql('event_keys_00');
    const access = await explain('event_keys_', [statement, ['(2,0)', '(4,0)']]);
    expect(access.by).toEqual(['Tid Range Scan']);
    expect(access.rowsRead).toBeLessThanOrEqual(2 * 140);
  });
});
