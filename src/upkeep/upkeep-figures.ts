import type { Connection } from '../db/client.ts';
import { columnsOf, type SqlText, sqlText } from '../db/columns.ts';
import { keepFigures } from '../db/kept-figures.ts';
import {
  events,
  evidenceLogs,
  quarantinedEvents,
  workspaceHeads,
  workspaceMarks,
  workspaces,
} from '../db/schema.ts';
import { newestHead } from '../db/stored-workspace.ts';
import { countFaults, type FaultFigures, type FaultLogger, NO_FAULTS } from './upkeep-faults.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const h = columnsOf(workspaceHeads, 'h');
const q = columnsOf(quarantinedEvents, 'q');
const o = columnsOf(events, 'o');
const e = columnsOf(events, 'e');
const l = columnsOf(evidenceLogs, 'l');

/** What an operator watches of removal. Seconds are 0 where there is nothing of the kind. */
export interface RemovalFigures {
  /** How long ago the oldest event was recorded that is still kept. */
  readonly oldestEventS: number;
  /** For how long the most overdue event should have been removed. */
  readonly retentionLagS: number;
  /** For how long the most overdue event should have been emptied, of those that have expired. */
  readonly expiryLagS: number;
  /** How old the oldest open snapshot of the database is at most. */
  readonly snapshotS: number;
}

/** What waits for something to be done with it. */
export interface WaitingFigures {
  /** Not in the rollups yet, of the workspace that has most. */
  readonly foldLagEvents: number;
  /** How long ago the oldest of these was recorded, of all workspaces. */
  readonly foldLagS: number;
  /** Not in the tree yet, of the workspace that has most. */
  readonly evidenceLagEvents: number;
  /** In quarantine: at most `QUARANTINED_COUNTED_MAX`. */
  readonly quarantined: number;
}

/** What an operator watches of the database. */
export interface UpkeepFigures extends RemovalFigures, WaitingFigures, FaultFigures {}

const UNKNOWN: UpkeepFigures = {
  oldestEventS: 0,
  retentionLagS: 0,
  expiryLagS: 0,
  snapshotS: 0,
  foldLagEvents: 0,
  foldLagS: 0,
  evidenceLagEvents: 0,
  quarantined: 0,
  ...NO_FAULTS,
};

export interface FiguresOptions {
  readonly read: Connection;
  readonly logger: FaultLogger;
}

/** Reads them when they are asked for. */
export function createFigures({ read, logger }: FiguresOptions): () => Promise<UpkeepFigures> {
  return keepFigures(
    () => readFigures(read),
    UNKNOWN,
    err => logger.warn({ err }, 'figures of upkeep were not read'),
  );
}

async function readFigures(read: Connection): Promise<UpkeepFigures> {
  const lag = await readRemovalLag(read);
  const waiting = await readWaiting(read);
  const faults = await countFaults(read);
  const snapshot = await readOldestSnapshot(read);
  return { ...lag, ...waiting, ...faults, snapshotS: snapshot?.seconds ?? 0 };
}

/** More are no news, and would take long to count. */
const QUARANTINED_COUNTED_MAX = 100_000;

/** The session or prepared transaction that has the oldest snapshot. */
export interface OpenSnapshot {
  readonly seconds: number;
  readonly holder: string;
}

export async function readRemovalLag(
  connection: Connection,
): Promise<Omit<RemovalFigures, 'snapshotS'>> {
  const [row] = await connection.query<{ oldest: number; retention: number; expiry: number }>(
    sqlText`select
       ${seconds(sqlText`now() - min(${m.tail_recorded_at}) filter (where ${m.tail} <= ${m.folded})`)} as oldest,
       ${seconds(
         sqlText`max(now() - ${m.tail_recorded_at} - make_interval(days => ${w.retention_days})) filter (where ${m.tail} <= ${m.folded})`,
       )} as retention,
       ${seconds(sqlText`now() - min(${m.expires_next})`)} as expiry
     from workspace_marks m join workspaces w on ${w.id} = ${m.workspace_id}`,
  );
  if (row === undefined) throw new Error('the figures are one row');
  const { oldest, retention, expiry } = row;
  return { oldestEventS: oldest, retentionLagS: retention, expiryLagS: expiry };
}

interface WaitingRow {
  events: number;
  seconds: number;
  quarantined: number;
  not_in_trees: number;
}

export async function readWaiting(connection: Connection): Promise<WaitingFigures> {
  const [row] = await connection.query<WaitingRow>(
    sqlText`select coalesce(max(${h.head} - ${m.folded}), 0)::float8 as events,
       ${seconds(sqlText`now() - min(${e.recorded_at})`)} as seconds,
       (select count(*)::float8 from (
         select from quarantined_events q
         where exists (select from workspaces w where ${w.id} = ${q.workspace_id})
         limit ${QUARANTINED_COUNTED_MAX}
       ) counted) as quarantined,
       (select coalesce(greatest(0, max((
           select head from (${newestHead(sqlText`${l.workspace_id}`)}) newest
         ) - ${l.first_position} - ${l.size} + 1)), 0)::float8
        from evidence_logs l where ${l.ended_at} is null) as not_in_trees
     from workspaces w join workspace_marks m on ${m.workspace_id} = ${w.id}
     cross join lateral (${newestHead(sqlText`${w.id}`)}) h
     left join lateral (
       select ${o.recorded_at} from events o
       where ${o.workspace_id} = ${w.id} and ${o.position} > ${m.folded} order by ${o.position} limit 1
     ) e on true
     where ${h.head} > ${m.folded}`,
  );
  if (row === undefined) throw new Error('the figures are one row');
  const { events: foldLagEvents, seconds: foldLagS, not_in_trees: evidenceLagEvents } = row;
  return { foldLagEvents, foldLagS, evidenceLagEvents, quarantined: row.quarantined };
}

/**
 * While a snapshot is open, Postgres keeps what is removed on the disk, and indexes lead through
 * it. Null where none is open. Of other users' sessions only a role of `pg_read_all_stats` sees it.
 */
export async function readOldestSnapshot(connection: Connection): Promise<OpenSnapshot | null> {
  const [row] = await connection.query<OpenSnapshot>(
    sqlText`select ${seconds(sqlText`now() - since`)} as seconds, holder from (
       select xact_start as since,
         format('session %s (%s)', pid, coalesce(nullif(application_name, ''), usename)) as holder
       from pg_stat_activity
       where datname = current_database() and backend_xmin is not null
         and backend_type in ('client backend', 'walsender') and pid <> pg_backend_pid()
       union all
       select prepared, format('prepared transaction %s', gid) from pg_prepared_xacts
       where database = current_database()
     ) s where since is not null order by since limit 1`,
  );
  return row ?? null;
}

function seconds(interval: SqlText): SqlText {
  return sqlText`greatest(0, coalesce(extract(epoch from ${interval}), 0))::float8`;
}
