/** What the fold has to know of a meter to count on, and how a meter is said to fail. */
import { type SQL, sql } from 'drizzle-orm';
import { isSketched, type Meter, type Operand, operandsOf } from '../core/meter.ts';
import { columnsOf, type SqlText, sqlText } from '../db/columns.ts';
import type { Connection, StatementOptions } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { meters, workspaceMarks, workspaces } from '../db/schema.ts';
import { meterColumns, type MeterRow, meterSource, toMeter } from '../read/meters.ts';
import { isOfWorkspace } from '../upkeep/upkeep-faults.ts';

const m = columnsOf(meters, 'm');
const k = columnsOf(workspaceMarks, 'k');
const w = columnsOf(workspaces, 'w');
const METER = columnsOf(meters);

export interface MeterWork extends Meter {
  /** When the newest event that it counts was recorded; may be infinite. */
  readonly foldedAt: string;
  readonly daysZone: string;
  /** Quarter hours before this one are in its rows by day and month, in ms; may be infinite. */
  readonly daysBuilt: number;
  readonly tries: number;
  /** Of the workspace: its zone, the oldest position kept, and where the rollups stand. */
  readonly timeZone: string;
  readonly tail: number;
  readonly rolledUp: number;
  readonly rolledUpAt: string;
}

type WorkRow = MeterRow & {
  folded_at: string;
  days_zone: string;
  days_built: string;
  time_zone: string;
  tries: number;
  tail: number;
  rolled_up: number;
  rolled_up_at: string;
};

/** Which workspaces; null: all. */
export type MeterScope = readonly number[] | null;

export function inScope(ids: MeterScope): SQL {
  if (ids === null) return sql`true`;
  return sql`${m.workspace_id} = any(${`{${ids.join(',')}}`}::int[])`;
}

/** Meters of workspaces that are there, over `m`, `k` and `w`. */
export async function selectWork(
  connection: Connection,
  { where, limit, order = sql`${m.worked_at} nulls first, ${m.workspace_id}, ${m.id}` }: Selection,
): Promise<MeterWork[]> {
  const found = await rows<WorkRow>(
    connection,
    sql`select ${meterColumns}, ${m.folded_recorded_at}::text as folded_at, ${m.days_zone},
        (extract(epoch from ${m.days_built}) * 1000)::text as days_built, ${m.tries}, ${w.time_zone},
        coalesce(${k.tail}, 1) as tail, coalesce(${k.folded}, 0) as rolled_up,
        coalesce(${k.folded_recorded_at}, '-infinity')::text as rolled_up_at
      from ${meterSource} join workspaces w on ${w.id} = ${m.workspace_id}
      where ${where} order by ${order} limit ${limit}`,
  );
  return found.map(row => ({
    ...toMeter(row),
    foldedAt: row.folded_at,
    daysZone: row.days_zone,
    daysBuilt: Number(row.days_built),
    tries: row.tries,
    timeZone: row.time_zone,
    tail: row.tail,
    rolledUp: row.rolled_up,
    rolledUpAt: row.rolled_up_at,
  }));
}

interface Selection {
  readonly where: SQL;
  readonly limit: number;
  readonly order?: SQL;
}

/** Whether a meter that failed may be tried again, an expression of SQL over `m`. */
export const mayTry: SqlText = sqlText`(${m.retry_at} is null or ${m.retry_at} <= now())`;

/** An operand with its number. */
export interface Numbered extends Operand {
  readonly number: number;
}

export interface Counted {
  readonly numbers: readonly Numbered[];
  readonly sketched: readonly Numbered[];
}

/** The operands that are still counted. */
export function countedOperands(meter: Meter): Counted {
  const all = operandsOf(meter)
    .map((operand, at) => ({ ...operand, number: at + 1 }))
    .filter(({ number }) => !meter.setAside.includes(number));
  return {
    numbers: all.filter(operand => !isSketched(operand)),
    sketched: all.filter(isSketched),
  };
}

/** Seconds until the first try after a fault; doubled with each one that fails too. */
const RETRY_MIN_S = 10;
const RETRY_MAX_S = 600;

/** What was done of it in this transaction is to be rolled back before. */
export async function noteMeterFault(
  connection: Connection,
  { workspaceId, id }: Pick<Meter, 'workspaceId' | 'id'>,
  error: unknown,
): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await connection.query(
    sqlText`update meters m set ${METER.fault} = left($3, 500), ${METER.tries} = ${m.tries} + 1,
       ${METER.failed_at} = coalesce(${m.failed_at}, now()), ${METER.worked_at} = now(),
       ${METER.retry_at} = now() + make_interval(secs => least($5::float8, $4::float8 * 2 ^ least(${m.tries}, 20)))
     where ${m.workspace_id} = $1 and ${m.id} = $2`,
    [workspaceId, id, message, RETRY_MIN_S, RETRY_MAX_S],
  );
}

/**
 * Does some work of one meter in a transaction: what fails for its data is taken back and noted, and
 * keeps the rest of the transaction from nothing. A statement that takes too long is such a failure:
 * others wait for the fold.
 * @throws what says nothing of the meter, such as an outage
 */
export async function ofMeter(
  connection: Connection,
  meter: Pick<Meter, 'workspaceId' | 'id'>,
  work: (connection: Connection) => Promise<void>,
  statementMsMax: number,
): Promise<unknown> {
  await connection.query('savepoint meter');
  try {
    await work(timed(connection, statementMsMax));
    await connection.query('release savepoint meter');
    return null;
  } catch (error) {
    if (!isOfWorkspace(error)) throw error;
    await connection.query('rollback to savepoint meter');
    await noteMeterFault(connection, meter, error);
    return error;
  }
}

function timed(connection: Connection, timeoutMs: number): Connection {
  return {
    query: (text, params, options?: StatementOptions) =>
      connection.query(text, params, { timeoutMs, ...options }),
  };
}
