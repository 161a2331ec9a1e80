/**
 * The partitions of the log: one a quarter, made ahead. A table is made like the parent and then
 * attached: CREATE … PARTITION OF would wait for every open snapshot with all recording behind
 * it; for the same reason it is detached CONCURRENTLY before it is dropped. A lock that is not
 * had soon is given up, and asked for again later.
 */
import type { Connection, Lane } from './connection.ts';
import { codeOf, SQLSTATE } from './sqlstate.ts';
import { transaction } from './transaction.ts';

export const PARTITIONS_AHEAD = 4;
const LOCK_KEY = 718_304;

/** Makes the partition of the database's present and those ahead of it; returns those made. */
export async function ensurePartitions(upkeep: Lane): Promise<string[]> {
  const made: string[] = [];
  for (let ahead = 0; ahead <= PARTITIONS_AHEAD; ahead++) {
    const isMade = await transaction(upkeep, async connection => {
      await connection.query(`select set_config('lock_timeout', '2s', true)`);
      await connection.query('select pg_advisory_xact_lock($1)', [LOCK_KEY]);
      const [now] = await connection.query<{ now: Date }>('select clock_timestamp() as now');
      const quarter = quarterOf((now as { now: Date }).now, ahead);
      const [known] = await connection.query<{ found: boolean }>(
        'select to_regclass($1) is not null as found',
        [tableOf(quarter)],
      );
      if (known?.found === true) return null;
      await connection.query(attachable(quarter), [], { script: true });
      return tableOf(quarter);
    });
    if (isMade !== null) made.push(isMade);
  }
  return made;
}

/** Whole partitions that stand ahead of the database's present. */
export async function partitionsAhead(upkeep: Pick<Lane, 'query'>): Promise<number> {
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
  /** PENDING and DETACHED are what an earlier removal had to leave for later. */
  readonly state: 'ATTACHED' | 'PENDING' | 'DETACHED';
  /** What it holds was recorded before; null once it is detached. */
  readonly to: Date | null;
}

/** Those that ended before an instant, the oldest first, and all whose removal has begun. */
export function partitionsBefore(connection: Connection, end: Date): Promise<PastPartition[]> {
  return connection.query<PastPartition & { table: string }>(
    `select * from (
       select c.oid::regclass::text as table, c.relname,
         case when i.inhrelid is null then 'DETACHED'
           when i.inhdetachpending then 'PENDING' else 'ATTACHED' end as state,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz as to
       from pg_class c
       left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'events'::regclass
       where c.relkind = 'r' and c.relname ~ '^events_\\d{4}q[1-4]$'
         and c.relnamespace = (select relnamespace from pg_class where oid = 'events'::regclass)
     ) p
     where state <> 'ATTACHED' or p.to <= $1
     order by relname`,
    [end],
  );
}

/**
 * Detaches and drops a partition, and goes on where an earlier removal had to stop. Recording and
 * reading go on meanwhile. False where somebody who uses it, such as a dump, did not end within
 * the lane's `lock_timeout`: what is left is to be done later. Not to be called in a transaction.
 */
export async function removePartition(
  connection: Connection,
  { table, state }: PastPartition,
): Promise<boolean> {
  const detach = `alter table events detach partition ${table}`;
  const steps = {
    ATTACHED: [`${detach} concurrently`, `drop table ${table}`],
    PENDING: [`${detach} finalize`, `drop table ${table}`],
    DETACHED: [`drop table ${table}`],
  }[state];
  try {
    for (const step of steps) await connection.query(step, [], { script: true });
    return true;
  } catch (error) {
    if (codeOf(error) === SQLSTATE.lockNotAvailable) return false;
    throw error;
  }
}

function tableOf({ name }: Quarter): string {
  return `events_${name}`;
}

function attachable(quarter: Quarter): string {
  const [table, from, to] = [
    tableOf(quarter),
    quarter.from.toISOString(),
    quarter.to.toISOString(),
  ];
  return `
    create table ${table} (like events including all);
    alter table events attach partition ${table} for values from ('${from}') to ('${to}')`;
}

/** A quarter of a year in UTC: what one partition of the log holds. */
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
