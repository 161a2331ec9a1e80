import type { Connection } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { meters, upkeepFaults, workspaceHeads } from '../db/schema.ts';
import { TERMS_DUE } from '../search/removal.ts';

const HEAD = columnsOf(workspaceHeads);
const FAULT = columnsOf(upkeepFaults);
const METER = columnsOf(meters);

const MARK_SQL = sqlText`
  select format('%s in %s', coalesce(sum(${HEAD.head}), 0), count(*)) as mark,
    exists (select from upkeep_faults where ${FAULT.retry_at} is not null)
      or exists (select from meters where ${METER.retry_at} is not null)
      or ${TERMS_DUE} as is_left
  from workspace_heads`;

/**
 * What changes with everything that gives the fold something to do: events, and also definitions,
 * workspaces and meters, since what is done to them is recorded in the audit. Null while something
 * that failed is to be tried again, and while an index of searches lacks what it is to be asked for.
 */
export async function readMark(connection: Connection): Promise<string | null> {
  const [row] = await connection.query<{ mark: string; is_left: boolean }>(MARK_SQL);
  return row === undefined || row.is_left ? null : row.mark;
}
