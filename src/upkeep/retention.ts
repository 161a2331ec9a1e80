/**
 * Retention removes events from the tail of a workspace's log, and only from there, so that the
 * positions above it stay dense. `workspace_marks.tail` moves in the transaction that removes
 * what lies below: a snapshot shows both or neither. Nothing is removed that the rollups do not
 * count yet, or that is to be in the workspace's Merkle tree and is not yet. Keys stay: see `retention-keys.ts`.
 *
 * What is due is known from the marks alone (`tail_recorded_at`): a turn that finds nothing reads
 * one small table, however many partitions there are.
 */
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { events, evidenceLogs, workspaceMarks, workspaces } from '../db/schema.ts';
import { mayRemoveUpto } from '../evidence/removal.ts';
import { type Batch, NOTHING, removing } from './removal.ts';
import { clearFault, isClearSql, ofWorkspace } from './upkeep-faults.ts';

const m = columnsOf(workspaceMarks, 'm');
const w = columnsOf(workspaces, 'w');
const e = columnsOf(events, 'e');
const u = columnsOf(workspaceMarks, 'u');
const MARKS = columnsOf(workspaceMarks);
const EVENT = columnsOf(events);
const l = columnsOf(evidenceLogs, 'l');

/** A batch: some 100 ms, and the row of the marks, which the fold wants too, for as long. */
export const RETENTION_BATCH_EVENTS = 5_000;
const LOOKED_UP_MAX = 1_000;

interface Due {
  workspace_id: number;
  tail: number;
  tail_recorded_at: Date;
  /** The newest position that may be removed. */
  upto: number;
  cutoff: Date;
}

/** Removes a batch of the most overdue workspace; null while another process does. */
export function removeNext(upkeep: Pool): Promise<Batch | null> {
  return removing(upkeep, async connection => {
    const [due] = await connection.query<Due>(DUE_SQL);
    if (due === undefined) return NOTHING;
    const { workspace_id } = due;
    const remove = () => removeBatch(connection, due);
    return { events: await ofWorkspace(workspace_id, 'RETENTION', remove), isMore: true };
  });
}

async function removeBatch(connection: Connection, due: Due): Promise<number> {
  const { workspace_id, tail, tail_recorded_at, upto, cutoff } = due;
  const last = Math.min(upto, tail + RETENTION_BATCH_EVENTS - 1);
  const [row] = await connection.query<{ removed: number; last: number | null }>(REMOVE_SQL, [
    ...[workspace_id, tail, last],
    ...[tail_recorded_at, cutoff],
  ]);
  if (row?.last == null) {
    // What stood at the tail is gone by other hands: it is looked up anew.
    await connection.query(
      sqlText`update workspace_marks set ${MARKS.tail_recorded_at} = null where ${MARKS.workspace_id} = $1`,
      [workspace_id],
    );
    return 0;
  }
  await connection.query(MOVE_TAIL_SQL, [workspace_id, row.last + 1, tail_recorded_at]);
  await clearFault(connection, workspace_id, 'RETENTION');
  return row.removed;
}

/** Looks up when the oldest event was recorded, where that is not known; how many were found. */
export function lookUpTails(upkeep: Pool): Promise<number | null> {
  return removing(upkeep, async connection => {
    const found = await connection.query(LOOK_UP_SQL);
    return found.length;
  });
}

const UPTO = mayRemoveUpto(sqlText`${m.folded}`);
const DUE = sqlText`
  from workspace_marks m join workspaces w on ${w.id} = ${m.workspace_id}
  left join evidence_logs l on ${l.workspace_id} = ${m.workspace_id}
  where ${m.tail_recorded_at} < now() - make_interval(days => ${w.retention_days})
    and ${m.tail} <= ${UPTO} and ${isClearSql('RETENTION', sqlText`${m.workspace_id}`)}`;
const DUE_SQL = sqlText`
  select ${m.workspace_id}, ${m.tail}, ${m.tail_recorded_at}, ${UPTO} as upto,
    now() - make_interval(days => ${w.retention_days}) as cutoff ${DUE}
  order by ${m.tail_recorded_at} + make_interval(days => ${w.retention_days}) limit 1`;

/** recorded_at rises with position, so these are the first ones; its bounds spare partitions. */
export const REMOVE_SQL = sqlText`
  with gone as (
    delete from events
    where ${EVENT.workspace_id} = $1 and ${EVENT.position} >= $2 and ${EVENT.position} <= $3
      and ${EVENT.recorded_at} >= $4 and ${EVENT.recorded_at} < $5
    returning ${EVENT.position}
  ) select count(*) as removed, max(${EVENT.position}) as last from gone`;

export const MOVE_TAIL_SQL = sqlText`
  update workspace_marks set ${MARKS.tail} = $2, ${MARKS.tail_recorded_at} = (
    select ${e.recorded_at} from events e
    where ${e.workspace_id} = $1 and ${e.position} = $2 and ${e.recorded_at} >= $3 limit 1
  ) where ${MARKS.workspace_id} = $1`;

const UNKNOWN = sqlText`
  from workspace_marks m join workspaces w on ${w.id} = ${m.workspace_id}
  where ${m.tail_recorded_at} is null and ${m.tail} <= ${m.folded}`;
const LOOK_UP_SQL = sqlText`
  with unknown as materialized (
    select ${m.workspace_id}, ${m.tail} ${UNKNOWN} limit ${LOOKED_UP_MAX}
  )
  update workspace_marks m set ${MARKS.tail_recorded_at} = ${e.recorded_at}
  from unknown u cross join lateral (
    select ${e.recorded_at} from events e
    where ${e.workspace_id} = ${u.workspace_id} and ${e.position} >= ${u.tail} order by ${e.position} limit 1
  ) e
  where ${m.workspace_id} = ${u.workspace_id} and ${m.tail} = ${u.tail}
  returning 1`;

/** Whether there is anything to do: expressions of SQL. */
export const TAILS_DUE = sqlText`exists (select ${UNKNOWN})`;
export const RETENTION_DUE = sqlText`exists (select ${DUE})`;
