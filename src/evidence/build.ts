/**
 * Builds trees behind the log, a batch of one workspace at a time, each in one transaction: a
 * process that dies in it has built nothing. Recording knows nothing of it.
 *
 * A tree begins with the oldest event that is kept. It ends when a workspace no longer wants it:
 * then all of it is taken away, and what begins later is another log, by another name.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  commitmentOf,
  contentOf,
  leafOf,
  NO_SALT,
  NOTHING_COMMITTED,
  SALT_BYTES,
} from '../core/evidence-leaf.ts';
import { edgeOf, hashLeaf, TILE_WIDTH, TreeBuilder } from '../core/merkle.ts';
import { columnsOf, type SqlText, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import {
  events,
  evidenceBundles,
  evidenceLogs,
  evidenceTiles,
  installation,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { newestHead } from '../db/stored-workspace.ts';
import {
  isEmptied,
  JOIN_TYPES,
  LEAF_COLUMNS,
  type LeafEvent,
  type LeafRow,
  toLeafEvent,
} from './leaf-rows.ts';
import {
  type Bundle,
  lockTree,
  type LogRow,
  readBundles,
  readLog,
  readTiles,
  writeBundles,
  writeTiles,
} from './log-rows.ts';

const w = columnsOf(workspaces, 'w');
const l = columnsOf(evidenceLogs, 'l');
const m = columnsOf(workspaceMarks, 'm');
const e = columnsOf(events, 'e');
const i = columnsOf(installation, 'i');
const LOG = columnsOf(evidenceLogs);
const TILE = columnsOf(evidenceTiles);
const BUNDLE = columnsOf(evidenceBundles);

/** A batch: some 50 ms. Redactions of the workspace wait for as long. */
const BATCH_LEAVES_MAX = 1_024;
/** Of the events of a batch, as they lie in the table. */
const BATCH_BYTES_MAX = 4_194_304;
/** Leaves that are made before others have their turn in this process. */
const LEAVES_AT_ONCE = 64;
const TAKEN_AWAY_AT_ONCE = 500;
const LOG_ID_BYTES = 8;

export interface TreeWork {
  readonly workspaceId: number;
  readonly step: 'BEGIN' | 'BUILD' | 'END';
  readonly slug: string;
}

/**
 * The workspace that waits longest of these, or of all; null where there is nothing to do. Until the end
 * of the transaction it is not deleted: what is built is there when its rows are purged.
 * @param mayTry whether one may be tried, an expression of SQL over its id
 */
export async function findTreeWork(
  connection: Connection,
  workspaceIds: readonly number[] | null,
  mayTry: (workspaceId: SqlText) => SqlText,
): Promise<TreeWork | null> {
  const ids = workspaceIds && arrayLiteral(workspaceIds);
  const [row] = await connection.query<{ id: number; slug: string; step: TreeWork['step'] }>(
    sqlText`select ${w.id}, ${w.slug}, case
         when ${l.workspace_id} is null then 'BEGIN'
         when ${w.evidence} and ${l.ended_at} is null then 'BUILD' else 'END' end as step
     from workspaces w left join evidence_logs l on ${l.workspace_id} = ${w.id}
     where (${w.evidence} or ${l.workspace_id} is not null)
       and ($1::text is null or ${w.id} = any ($1::text::int[]))
       and ${mayTry(sqlText`${w.id}`)}
       and (not ${w.evidence} or ${l.workspace_id} is null or ${l.ended_at} is not null or (
         select head from (${newestHead(sqlText`${w.id}`)}) newest
       ) >= ${l.first_position} + ${l.size})
     order by ${l.built_at} nulls first, ${w.id} limit 1
     for key share of w`,
    [ids],
  );
  return row === undefined ? null : { workspaceId: row.id, slug: row.slug, step: row.step };
}

/** Does a bounded piece, in the caller's transaction. One process builds at a time. */
export async function advanceTree(connection: Connection, work: TreeWork): Promise<void> {
  const { workspaceId, step, slug } = work;
  await connection.query(BY_KEY_SQL);
  await lockTree(connection, workspaceId);
  if (step === 'BEGIN') return begin(connection, workspaceId, slug);
  if (step === 'END') return end(connection, workspaceId);
  const log = await readLog(connection, workspaceId);
  if (log !== null) await build(connection, log);
}

/** Rows are looked up by their keys, whatever the planner knows of the tables. */
const BY_KEY_SQL = `select set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`;

/** The name of a log is never used again: another one would seem to have forked from it. */
async function begin(connection: Connection, workspaceId: number, slug: string): Promise<void> {
  const origin = `sluice/${slug}/${randomBytes(LOG_ID_BYTES).toString('hex')}`;
  await connection.query(
    sqlText`insert into evidence_logs (${LOG.workspace_id}, ${LOG.origin}, ${LOG.epoch}, ${LOG.first_position})
     select $1, $2, ${i.epoch}, ${TAIL} from installation i
     on conflict (${LOG.workspace_id}) do nothing`,
    [workspaceId, origin],
  );
}

const TAIL = sqlText`coalesce((select ${m.tail} from workspace_marks m where ${m.workspace_id} = $1), 1)`;

async function end(connection: Connection, workspaceId: number): Promise<void> {
  await connection.query(
    sqlText`update evidence_logs set ${LOG.ended_at} = coalesce(${LOG.ended_at}, now()), ${LOG.built_at} = now()
     where ${LOG.workspace_id} = $1`,
    [workspaceId],
  );
  const [row] = await connection.query<{ gone: number }>(
    sqlText`with bundles as (
       delete from evidence_bundles where ${BUNDLE.workspace_id} = $1 and ${BUNDLE.number} in (
         select ${BUNDLE.number} from evidence_bundles where ${BUNDLE.workspace_id} = $1 limit ${TAKEN_AWAY_AT_ONCE})
       returning 1
     ), tiles as (
       delete from evidence_tiles where ${TILE.workspace_id} = $1 and (${TILE.level}, ${TILE.number}) in (
         select ${TILE.level}, ${TILE.number} from evidence_tiles where ${TILE.workspace_id} = $1 limit ${TAKEN_AWAY_AT_ONCE})
       returning 1
     ) select (select count(*) from bundles) + (select count(*) from tiles) as gone`,
    [workspaceId],
  );
  if ((row?.gone ?? 0) > 0) return;
  await connection.query(sqlText`delete from evidence_logs where ${LOG.workspace_id} = $1`, [
    workspaceId,
  ]);
}

/** @throws Error where an event is missing that should be next */
async function build(connection: Connection, log: LogRow): Promise<void> {
  const next = log.first_position + log.size;
  const rows = await connection.query<LeafRow>(NEXT_SQL, [
    log.workspace_id,
    next,
    log.built_recorded_at,
  ]);
  const first = rows[0] && toLeafEvent(rows[0], log);
  if (first?.envelope.position !== next) return beginLater(connection, log, first);
  const builder = new TreeBuilder(
    log.size,
    await readTiles(connection, log.workspace_id, edgeOf(log.size)),
  );
  const bundles = await openBundles(connection, log);
  // Asked for one by one they took a tenth of the time.
  const salts = randomBytes(rows.length * SALT_BYTES);
  let last = first.envelope;
  for (const [at, row] of rows.entries()) {
    const event = toLeafEvent(row, log);
    last = event.envelope;
    if (last.position !== next + at) throw missing(next + at, event);
    const { salt, commitment } = commit(
      event,
      salts.subarray(at * SALT_BYTES, (at + 1) * SALT_BYTES),
    );
    bundles.add(builder.size, { recordedAt: last.recordedAt, salt, commitment });
    builder.append(hashLeaf(leafOf(last, commitment)));
    if (builder.size % LEAVES_AT_ONCE === 0) await nextTurn();
  }
  await writeTiles(connection, log.workspace_id, builder.changed());
  await writeBundles(connection, log.workspace_id, bundles.changed());
  await connection.query(
    sqlText`update evidence_logs set ${LOG.size} = $2, ${LOG.built_recorded_at} = $3, ${LOG.built_at} = now()
     where ${LOG.workspace_id} = $1`,
    [log.workspace_id, builder.size, last.recordedAt],
  );
}

/** Content is not read where it would be too much. At least one event is there. */
const NEXT_SQL = sqlText`
  select ${LEAF_COLUMNS} from (
    select e.*, sum(pg_column_size(${e.payload}) + coalesce(pg_column_size(${e.wire}), 0))
      over (order by ${e.position} rows unbounded preceding) as bytes
    from events e
    where ${e.workspace_id} = $1 and ${e.position} >= $2 and ${e.position} < $2 + ${BATCH_LEAVES_MAX}
      and ${e.recorded_at} >= coalesce($3::timestamptz, '-infinity')
  ) e ${JOIN_TYPES} where e.bytes <= ${BATCH_BYTES_MAX} or ${e.position} = $2
  order by ${e.position}`;

/** Retention may have taken events between the beginning of a tree and its first leaf. */
async function beginLater(
  connection: Connection,
  log: LogRow,
  first: LeafEvent | undefined,
): Promise<void> {
  if (log.size > 0) throw missing(log.first_position + log.size, first);
  const moved = await connection.query(
    sqlText`update evidence_logs set ${LOG.first_position} = ${TAIL}
     where ${LOG.workspace_id} = $1 and ${LOG.first_position} < ${TAIL} returning 1`,
    [log.workspace_id],
  );
  if (moved.length === 0) throw missing(log.first_position, first);
}

function missing(position: number, found: LeafEvent | undefined): Error {
  const instead =
    found === undefined ? 'none follows' : `the next one is at ${found.envelope.position}`;
  return new Error(`the event at position ${position} is missing: ${instead}`);
}

function commit(event: LeafEvent, salt: Buffer): { salt: Buffer; commitment: Buffer } {
  if (isEmptied(event)) return { salt: NO_SALT, commitment: NOTHING_COMMITTED };
  return { salt, commitment: commitmentOf(salt, contentOf(event.content)) };
}

interface Added {
  readonly recordedAt: string;
  readonly salt: Buffer;
  readonly commitment: Buffer;
}

interface OpenBundle {
  readonly number: number;
  readonly recordedFrom: string;
  recordedTo: string;
  readonly salts: Buffer[];
  readonly commitments: Buffer[];
}

/** The bundles that a batch adds to. */
async function openBundles(connection: Connection, { workspace_id, size }: LogRow) {
  const open = new Map<number, OpenBundle>();
  const last = size % TILE_WIDTH === 0 ? [] : [Math.floor(size / TILE_WIDTH)];
  for (const { salts, commitments, ...bundle } of await readBundles(
    connection,
    workspace_id,
    last,
  )) {
    open.set(bundle.number, { ...bundle, salts: [salts], commitments: [commitments] });
  }
  return {
    add(index: number, { recordedAt, salt, commitment }: Added): void {
      const number = Math.floor(index / TILE_WIDTH);
      const bundle = open.get(number) ?? {
        number,
        recordedFrom: recordedAt,
        recordedTo: recordedAt,
        salts: [],
        commitments: [],
      };
      open.set(number, bundle);
      bundle.recordedTo = recordedAt;
      bundle.salts.push(salt);
      bundle.commitments.push(commitment);
    },
    changed: (): Bundle[] =>
      [...open.values()].map(bundle => ({
        ...bundle,
        salts: Buffer.concat(bundle.salts),
        commitments: Buffer.concat(bundle.commitments),
      })),
  };
}
