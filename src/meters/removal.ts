/** Takes the rows of deleted meters away, some at a time. The meter itself goes last. */
import { sql } from 'drizzle-orm';
import { columnsOf, type SqlText, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { meterCounts, meters, workspaces } from '../db/schema.ts';
import { inScope, type MeterScope } from './work.ts';

const m = columnsOf(meters, 'm');
const w = columnsOf(workspaces, 'w');
const METER = columnsOf(meters);
const ROW = columnsOf(meterCounts);

/** Deleted, or read, in one statement. */
export const METER_ROWS_MAX = 20_000;

interface Dropped {
  readonly workspaceId: number;
  readonly id: number;
}

/** False when nothing is left to be taken away. */
export async function dropMetersNext(connection: Connection, scope: MeterScope): Promise<boolean> {
  const [row] = await rows<{ workspace_id: number; id: number }>(
    connection,
    sql`select ${m.workspace_id}, ${m.id} from meters m join workspaces w on ${w.id} = ${m.workspace_id}
      where ${m.deleted_at} is not null and ${inScope(scope)} order by ${m.deleted_at} limit 1`,
  );
  if (row === undefined) return false;
  const meter = { workspaceId: row.workspace_id, id: row.id };
  for (const table of TABLES) {
    if ((await deleteRows(connection, meter, table)) === METER_ROWS_MAX) return true;
  }
  await connection.query(
    sqlText`delete from meters where ${METER.workspace_id} = $1 and ${METER.id} = $2`,
    [meter.workspaceId, meter.id],
  );
  return true;
}

const TABLES = [
  sqlText`meter_sketches`,
  sqlText`meter_values`,
  sqlText`meter_counts`,
  sqlText`meter_series`,
];

/** How many there were, at most as many as one statement takes. */
export async function deleteRows(
  connection: Connection,
  { workspaceId, id }: Dropped,
  table: SqlText,
  condition: SqlText = sqlText`true`,
): Promise<number> {
  const [row] = await connection.query<{ deleted: number }>(
    sqlText`with picked as (
       select ctid from ${table} where ${ROW.workspace_id} = $1 and ${ROW.meter_id} = $2 and ${condition} limit $3
     ), deleted as (
       delete from ${table} t using picked p where t.ctid = p.ctid returning 1
     ) select count(*) as deleted from deleted`,
    [workspaceId, id, METER_ROWS_MAX],
  );
  return row?.deleted ?? 0;
}
