/**
 * The partitions of the log: one a quarter, made ahead. What is done to tables is done by functions
 * of the database, with the rights of the tables' owner (`0011_least_privilege.sql`). A lock that is
 * not had soon is given up, and asked for again later.
 */
import type { Connection, Pool } from './connection.ts';
import { codeOf, SQLSTATE } from './sqlstate.ts';

export const PARTITIONS_AHEAD = 4;

/** Makes the partition of the database's present and those ahead of it; returns those made. */
export async function ensurePartitions(upkeep: Pool): Promise<string[]> {
  const made: string[] = [];
  for (let ahead = 0; ahead <= PARTITIONS_AHEAD; ahead++) {
    const [row] = await upkeep.query<{ name: string | null }>('select make_partition($1) as name', [
      ahead,
    ]);
    if (row?.name != null) made.push(row.name);
  }
  return made;
}

/** Whole partitions that stand ahead of the database's present. */
export async function partitionsAhead(upkeep: Pick<Pool, 'query'>): Promise<number> {
  const [row] = await upkeep.query<{ ahead: number }>(
    `select count(*) as ahead from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'events'::regclass
       and c.relname > 'events_' || to_char(now() at time zone 'UTC', 'YYYY"q"Q')`,
  );
  return row?.ahead ?? 0;
}

/** A partition of a quarter that is over. */
export interface PastPartition {
  /** As SQL names it. */
  readonly table: string;
  /** What it holds was recorded from `from` on and before `to`; null once its removal has begun. */
  readonly bounds: { readonly from: Date; readonly to: Date } | null;
  /** Whether this role owns the log. */
  readonly isOwn: boolean;
}

/** Those that ended before an instant, the oldest first, and all whose removal has begun. */
export async function partitionsBefore(
  connection: Connection,
  end: Date,
): Promise<PastPartition[]> {
  const rows = await connection.query<{
    table: string;
    isOwn: boolean;
    from: Date | null;
    to: Date | null;
  }>(
    `select * from (
       select c.relname as table, pg_has_role(log.relowner, 'usage') as "isOwn",
         case when not i.inhdetachpending then ${bound('FROM')} end as from,
         case when not i.inhdetachpending then ${bound('TO')} end as to
       from pg_class c join pg_class log using (relnamespace)
       left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = log.oid
       where log.oid = 'events'::regclass
         and c.relkind = 'r' and c.relname ~ '^events_\\d{4}q[1-4]$'
     ) p
     where "to" is null or "to" <= $1
     order by "table"`,
    [end],
  );
  return rows.map(({ table, isOwn, from, to }) => ({
    table,
    isOwn,
    bounds: from === null || to === null ? null : { from, to },
  }));
}

const bound = (which: 'FROM' | 'TO') =>
  `(regexp_match(pg_get_expr(c.relpartbound, c.oid), '${which} \\(''([^'']+)''\\)'))[1]::timestamptz`;

/**
 * Detaches and drops a partition, and goes on where an earlier removal had to stop. KEPT where
 * something in it is not to go. LATER where somebody who uses it, such as a dump, did not end in
 * time: what is left is to be done then. Not to be called in a transaction.
 *
 * Who owns the log detaches it CONCURRENTLY, which waits without anybody behind it. No function
 * can do that: for another role recording waits behind the lock, but for a moment.
 */
export async function removePartition(
  connection: Connection,
  { table, bounds, isOwn }: PastPartition,
): Promise<'REMOVED' | 'KEPT' | 'LATER'> {
  try {
    if (isOwn && bounds !== null) {
      const detach = `alter table events detach partition ${table} concurrently`;
      await connection.query(detach, [], { script: true });
    }
    const [row] = await connection.query<{ removed: boolean }>(
      'select remove_partition($1) as removed',
      [table],
    );
    return row?.removed === true ? 'REMOVED' : 'KEPT';
  } catch (error) {
    if (codeOf(error) === SQLSTATE.lockNotAvailable) return 'LATER';
    throw error;
  }
}

/** Makes the planner's figures of the partitioned tables anew, which autovacuum does not. */
export async function analyzeLog(upkeep: Pool): Promise<void> {
  for (const part of ['events', 'event_keys']) {
    await upkeep.query('select analyze_log($1)', [part]);
  }
}

/** A quarter of a year in UTC: what one partition of the log holds, as `make_partition` reckons it. */
interface Quarter {
  /** Such as 2026q4. */
  readonly name: string;
  readonly from: Date;
  /** Not part of it. */
  readonly to: Date;
}

/** The quarter that is `ahead` quarters after the one of an instant. */
export function quarterOf(instant: Date, ahead = 0): Quarter {
  const index = instant.getUTCFullYear() * 4 + Math.floor(instant.getUTCMonth() / 3) + ahead;
  return {
    name: `${Math.floor(index / 4)}q${(index % 4) + 1}`,
    from: startOf(index),
    to: startOf(index + 1),
  };
}

function startOf(index: number): Date {
  return new Date(Date.UTC(Math.floor(index / 4), (index % 4) * 3, 1));
}
