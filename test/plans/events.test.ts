import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventCursors } from '../../src/core/cursor.ts';
import type { EventFilter } from '../../src/core/filter.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import type { Connection } from '../../src/db/connection.ts';
import { toWire, type Param } from '../../src/db/wire.ts';
import type { EventPageArgs, EventReader } from '../../src/read/event-reader.ts';
import { createEventReader } from '../../src/read/events.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { createPartitions, createWorkspace } from '../unit/read/event-rows.ts';

/**
 * 24,000 events in six partitions, one every hour and in the last of them alone the source "new",
 * beside 500 workspaces of a few events each: what is usual says nothing of the one that is asked.
 * Each question is planned for its own values, and once more for any (a prepared statement gets
 * such a generic plan after some runs), and its plan is run: what it read is counted.
 */
const EVENTS = 24_000;
const BEGIN = Date.UTC(2023, 0, 1);
const HOUR_MS = 3_600_000;
const instantOf = (position: number) => new Date(BEGIN + position * HOUR_MS);

let testDatabase: TestDatabase;
let database: Database;
let workspaceId: number;
let reader: EventReader;
const sent: { text: string; params: readonly Param[]; byIndex: boolean }[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  const { upkeep, read } = database;
  await createPartitions(
    upkeep,
    [1, 2, 3, 4, 5].map(part => instantOf((EVENTS / 6) * part)),
  );
  workspaceId = await createWorkspace(upkeep, 'plans');
  await upkeep.query(
    `insert into event_definitions (workspace_id, name) select $1, 'type.' || n from generate_series(0, 99) n`,
    [workspaceId],
  );
  await upkeep.query(
    `insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door, notify,
       event_id, source, subject, actor, group_id, parent_id, payload)
     select $1::int, n, $2::timestamptz + n * interval '1 hour', $2::timestamptz + (n - n % 5) * interval '1 hour',
       d.id, 1, false, 'e' || n, case when n > 23500 then 'new' else 'old' end, 's' || n % 997, 'a' || n % 101,
       'g' || n / 10, case when n % 10 > 0 then 'e' || n / 10 * 10 end, jsonb_build_object('n', n)
     from generate_series(1, ${EVENTS}) n
     join event_definitions d on d.workspace_id = $1::int and d.name = 'type.' || n % 100`,
    [workspaceId, new Date(BEGIN)],
  );
  await upkeep.query(
    `insert into event_keys (workspace_id, key, position, recorded_at, hash)
     select workspace_id, left(encode(sha256(event_id::bytea), 'hex'), 32)::uuid, position, recorded_at,
       gen_random_uuid() from events`,
  );
  await upkeep.query(
    `insert into workspace_heads (workspace_id, head, recorded_at) values ($1, ${EVENTS}, $2)`,
    [workspaceId, instantOf(EVENTS)],
  );
  await storeSmallWorkspaces(upkeep);
  await upkeep.query('analyze');
  const record: Connection = {
    query: (text, params = [], options) => {
      sent.push({ text, params, byIndex: options?.byIndex === true });
      return read.query(text, params, options);
    },
  };
  reader = createEventReader({ read: record, epoch: 'e', now: () => instantOf(EVENTS) });
});

async function storeSmallWorkspaces(upkeep: Connection): Promise<void> {
  await upkeep.query(
    `insert into workspaces (slug, name) select 'small-' || n, 'small' from generate_series(1, 500) n`,
  );
  await upkeep.query(
    `insert into event_definitions (workspace_id, name) select w.id, 'type.' || n
     from workspaces w, generate_series(1, 20) n where w.name = 'small'`,
  );
  await upkeep.query(
    `insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door, notify,
       event_id, payload)
     select w.id, n, $1::timestamptz + n * interval '1200 hours', $1::timestamptz + n * interval '1200 hours',
       (select min(d.id) from event_definitions d where d.workspace_id = w.id), 1, false, 'e' || n, '{}'
     from workspaces w, generate_series(1, 20) n where w.name = 'small'`,
    [new Date(BEGIN)],
  );
}

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

/** What a plan read of a table's partitions. */
interface Access {
  /** Ways in, by the columns of the index. */
  readonly by: readonly string[];
  readonly rowsRead: number;
}

async function explain(kind: 'custom' | 'generic' | 'auto', table: string): Promise<Access> {
  const [statement, ...more] = sent.splice(0);
  if (statement === undefined || more.length > 0) throw new Error('expected one statement');
  const values = statement.params.map(param => {
    const text = toWire(param);
    return text === null ? 'null' : `'${text.replaceAll("'", "''")}'`;
  });
  const { root, columnsOf } = await database.upkeep.hold(async connection => {
    await connection.query(
      `set plan_cache_mode = ${kind === 'auto' ? kind : `force_${kind}_plan`}`,
    );
    await connection.query(`set enable_sort = ${await canSort(statement.byIndex)}`);
    await connection.query(`prepare question as ${statement.text}`, [], { script: true });
    if (kind === 'auto') {
      for (let run = 0; run < 8; run += 1) {
        await connection.query(`execute question (${values.join(', ')})`, [], { script: true });
      }
    }
    const [row] = await connection.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, format json, timing off) execute question (${values.join(', ')})`,
      [],
      { script: true },
    );
    await connection.query('deallocate question');
    const indexes = await connection.query<{ name: string; columns: string }>(
      `select i.indexrelid::regclass::text as name, string_agg(a.attname, ' ' order by k.ord) as columns
       from pg_index i, unnest(i.indkey::int2[]) with ordinality k (attnum, ord), pg_attribute a
       where a.attrelid = i.indrelid and a.attnum = k.attnum group by 1`,
    );
    const plan = JSON.parse(row!['QUERY PLAN']) as [{ Plan: PlanNode }];
    return { root: plan[0].Plan, columnsOf: new Map(indexes.map(i => [i.name, i.columns])) };
  });
  const by = new Set<string>();
  let rowsRead = 0;
  const walk = (node: PlanNode) => {
    const relation = node['Relation Name'] ?? node['Index Name'] ?? '';
    if (relation.startsWith(table) && node['Actual Loops'] > 0) {
      const index = node['Index Name'];
      if (node['Node Type'] !== 'Bitmap Heap Scan') {
        by.add(index === undefined ? node['Node Type'] : columnsOf.get(index)!);
      }
      // The rows that a bitmap points to are counted where they are read.
      const rows = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
      if (node['Node Type'] !== 'Bitmap Index Scan') rowsRead += rows * node['Actual Loops'];
    }
    node.Plans?.forEach(walk);
  };
  walk(root);
  return { by: [...by], rowsRead };
}

/** As the session has it that runs such statements. */
async function canSort(byIndex: boolean): Promise<string> {
  const [row] = await database.read.query<{ enable_sort: string }>('show enable_sort', [], {
    byIndex,
  });
  return row!.enable_sort;
}

const POSITION = 'workspace_id position recorded_at';
const TIME = 'workspace_id occurred_at position';
const at = (position: number) => ({
  position: eventCursors('e', workspaceId).encodePosition({
    position,
    recordedAt: instantOf(position),
  }),
  time: eventCursors('e', workspaceId).encodeOccurredAt({
    position,
    occurredAt: instantOf(position - (position % 5)),
  }),
});
const byTime = (direction: 'ASC' | 'DESC') => ({ field: 'OCCURRED_AT', direction }) as const;
const upward = { field: 'POSITION', direction: 'ASC' } as const;

/** All that a page may be asked for when Postgres writes it. */
const WHOLE = { lists: [new Map([['payload', 'payload'] as const])], ends: true, head: true };

/** A page of 20 reads 21, one more of each partition that is merged, and a few for its ends. */
const FEW = 40;

const PAGES: [string, () => EventPageArgs, string, number][] = [
  ['the newest', () => ({}), POSITION, FEW],
  ['deep in the log', () => ({ after: at(9_000).position }), POSITION, FEW],
  ['deep in the log, upward', () => ({ after: at(9_000).position, order: upward }), POSITION, FEW],
  ['the latest in time', () => ({ order: byTime('DESC') }), TIME, FEW],
  ['deep in time', () => ({ after: at(9_000).time, order: byTime('ASC') }), TIME, FEW],
  ['of a subject', () => ({ filter: { subjects: ['s5'] } }), 'workspace_id subject position', FEW],
  [
    'of a subject, deep',
    () => ({ filter: { subjects: ['s5'] }, after: at(9_000).position }),
    'workspace_id subject position',
    FEW,
  ],
  ['of an actor', () => ({ filter: { actors: ['a5'] } }), 'workspace_id actor position', FEW],
  ['of a group', () => ({ filter: { groupIds: ['g5'] } }), 'workspace_id group_id position', FEW],
  [
    'of a parent',
    () => ({ filter: { parentIds: ['e50'] } }),
    'workspace_id parent_id position',
    FEW,
  ],
  [
    'of a type',
    () => ({ filter: { types: ['type.7'] } }),
    'workspace_id definition_id position',
    FEW,
  ],
  [
    'of a type, deep',
    () => ({ filter: { types: ['type.7'] }, after: at(9_007).position }),
    'workspace_id definition_id position',
    FEW,
  ],
  [
    'of a type nobody knows',
    () => ({ filter: { types: ['none'] } }),
    'workspace_id definition_id position',
    0,
  ],
];

describe.each(['custom', 'generic'] as const)('with a %s plan', kind => {
  test.each(PAGES)('a page %s is read by its index', async (_name, args, index, rowsMax) => {
    const page = await reader.page(workspaceId, { first: 20, ...args() });
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual([index]);
    expect(access.rowsRead).toBeLessThanOrEqual(rowsMax);
    expect(page.items.length).toBeLessThanOrEqual(20);
    await reader.jsonPage(workspaceId, { first: 20, ...args() }, WHOLE);
    const asJson = await explain(kind, 'events_test');
    expect(asJson.by).toEqual([index]);
    expect(asJson.rowsRead).toBeLessThanOrEqual(rowsMax);
  });

  test('a page in the order of time and id is read by the index of time, from its cursor on', async () => {
    const place = { position: 9_000, occurredAt: instantOf(9_000), eventId: 'e9000' };
    const after = eventCursors('e', workspaceId).encodeOccurredAtAndId(place);
    const order = { field: 'OCCURRED_AT_AND_ID', direction: 'ASC' } as const;
    const { items } = await reader.page(workspaceId, { first: 20, after, order });
    expect(items.map(({ position }) => position)).toEqual(
      Array.from({ length: 20 }, (_, at) => 9_001 + at),
    );
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual([TIME]);
    // Those at one instant are sorted by their ids.
    expect(access.rowsRead).toBeLessThanOrEqual(FEW + 6 * 5);
  });

  test('a page of a source that is only in the newest partition leaves the older ones alone', async () => {
    const page = await reader.page(workspaceId, { first: 20, filter: { sources: ['new'] } });
    expect(page.items.map(event => event.position).slice(0, 2)).toEqual([EVENTS, EVENTS - 1]);
    const access = await explain(kind, 'events_test');
    // 92 days are 2,208 events, of which a plan may read all; the log has 24,000.
    expect(access.rowsRead).toBeLessThanOrEqual(3_000);
  });

  test('the children of many events are read by the index of parents', async () => {
    await reader.pagesBy(workspaceId, 'parentId', ['e50', 'e60', 'e9000'], { first: 5 });
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual(['workspace_id parent_id position']);
    expect(access.rowsRead).toBeLessThanOrEqual(3 * 9);
  });

  test('the events of many groups are read by the index of groups', async () => {
    await reader.pagesBy(workspaceId, 'groupId', ['g5', 'g6', 'g900'], { first: 5 });
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual(['workspace_id group_id position']);
    expect(access.rowsRead).toBeLessThanOrEqual(3 * 10);
  });

  test('the events of many types are read by the index of types', async () => {
    const ids = await database.read.query<{ id: number }>(
      "select id from event_definitions where workspace_id = $1 and name in ('type.7', 'type.8')",
      [workspaceId],
    );
    expect(ids).toHaveLength(2);
    const values = ids.map(({ id }) => String(id));
    await reader.pagesBy(workspaceId, 'definitionId', values, { first: 5 });
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual(['workspace_id definition_id position']);
    expect(access.rowsRead).toBeLessThanOrEqual(2 * 12);
  });

  test('events by their ids are read by key, and then in one partition by position', async () => {
    const found = await reader.byEventIds(workspaceId, ['e5', 'e9000', 'none']);
    expect(found.map(event => event?.position)).toEqual([5, 9_000, undefined]);
    const [statement] = sent;
    expect(await explain(kind, 'events_test')).toEqual({ by: [POSITION], rowsRead: 2 });
    sent.push(statement!);
    expect(await explain(kind, 'event_keys_')).toEqual({ by: ['workspace_id key'], rowsRead: 2 });
  });

  test('events by their places are read in one partition each', async () => {
    const places = [5, 9_000].map(position => ({ position, recordedAt: instantOf(position) }));
    await reader.byPlaces(workspaceId, places);
    expect(await explain(kind, 'events_test')).toEqual({ by: [POSITION], rowsRead: 2 });
  });

  test('the count of a whole workspace reads no more than both ends', async () => {
    expect(await reader.count(workspaceId)).toBe(EVENTS);
    const access = await explain(kind, 'events_test');
    expect(access.by).toEqual([POSITION, 'workspace_id expires_at']);
    expect(access.rowsRead).toBeLessThanOrEqual(12);
  });
});

describe('as Postgres plans it by itself once it has run often', () => {
  test.each([
    [['e9000'], [9_000]],
    [
      ['e5', 'e9', 'none'],
      [9, 5],
    ],
  ])('events of the ids %j are found and counted by their places', async (eventIds, positions) => {
    const page = await reader.page(workspaceId, { first: 20, filter: { eventIds } });
    expect(page.items.map(event => event.position)).toEqual(positions);
    const byPosition = async () => {
      const { by, rowsRead } = await explain('auto', 'events_test');
      expect(rowsRead).toBe(positions.length);
      // Postgres 18 can also skip through an index of a few types to the position.
      expect([POSITION, 'workspace_id definition_id position']).toContain(by.join());
    };
    await byPosition();
    expect(await reader.count(workspaceId, { eventIds })).toBe(positions.length);
    await byPosition();
  });

  test('events whose subject begins with a text are counted by the index of subjects', async () => {
    const filter: EventFilter = { subjectPrefix: 's77' };
    const positions = Array.from({ length: EVENTS }, (_, at) => at + 1);
    const count = positions.filter(n => `s${n % 997}`.startsWith('s77')).length;
    expect(await reader.count(workspaceId, filter)).toBe(count);
    const access = await explain('auto', 'events_test');
    expect(access).toEqual({ by: ['workspace_id subject position'], rowsRead: count });
  });
});
