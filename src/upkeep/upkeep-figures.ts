import type { Connection } from '../db/client.ts';

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

/** The session or prepared transaction that has the oldest snapshot. */
export interface OpenSnapshot {
  readonly seconds: number;
  readonly holder: string;
}

export async function readRemovalLag(
  connection: Connection,
): Promise<Omit<RemovalFigures, 'snapshotS'>> {
  const [row] = await connection.query<{ oldest: number; retention: number; expiry: number }>(
    `select
       ${seconds('now() - min(m.tail_recorded_at) filter (where m.tail <= m.folded)')} as oldest,
       ${seconds(
         'max(now() - m.tail_recorded_at - make_interval(days => w.retention_days)) filter (where m.tail <= m.folded)',
       )} as retention,
       ${seconds('now() - min(m.expires_next)')} as expiry
     from workspace_marks m join workspaces w on w.id = m.workspace_id`,
  );
  if (row === undefined) throw new Error('the figures are one row');
  const { oldest, retention, expiry } = row;
  return { oldestEventS: oldest, retentionLagS: retention, expiryLagS: expiry };
}

/**
 * While a snapshot is open, Postgres keeps what is removed on the disk, and indexes lead through
 * it. Null where none is open. Of other users' sessions only a role of `pg_read_all_stats` sees it.
 */
export async function readOldestSnapshot(connection: Connection): Promise<OpenSnapshot | null> {
  const [row] = await connection.query<OpenSnapshot>(
    `select ${seconds('now() - since')} as seconds, holder from (
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

function seconds(interval: string): string {
  return `greatest(0, coalesce(extract(epoch from ${interval}), 0))::float8`;
}
