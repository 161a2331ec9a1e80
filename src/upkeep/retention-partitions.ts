/**
 * Where nobody needs anything in a whole partition any more, it is detached and dropped instead
 * of being emptied row by row. The tails move first, in a transaction: from then on its rows lie
 * below them and count as removed, also where the detach has to wait for a dump to end, or the
 * process dies.
 *
 * Tails move only for the oldest partition there is, so that nothing older is left below them.
 * One behind it, which another workspace still needs, is dropped once its rows are gone.
 */
import type { Connection, HeldConnection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { partitionsBefore, type PastPartition, removePartition } from '../db/partitions.ts';
import { events, evidenceLogs, workspaceMarks, workspaces } from '../db/schema.ts';
import { transaction } from '../db/transaction.ts';
import { mayRemoveUpto } from '../evidence/removal.ts';
import { type Batch, NOTHING, removingOutside } from './removal.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const l = columnsOf(workspaceMarks, 'l');
const due = columnsOf(workspaces, 'l');
const tree = columnsOf(evidenceLogs, 'l');
const WORKSPACE = columnsOf(workspaces);
const MARKS = columnsOf(workspaceMarks);
const EVENT = columnsOf(events);

export interface RemovedPartitions extends Batch {
  readonly partitions: number;
}

/** Removes what can be removed whole; null while another process removes. */
export function removePartitions(upkeep: Pool): Promise<RemovedPartitions | null> {
  return removingOutside(upkeep, async connection => {
    const removed = { ...NOTHING, partitions: 0 };
    let isOldest = true;
    for (const partition of await candidates(connection)) {
      if (partition.bounds !== null) {
        if (await isNeeded(connection, partition.bounds, isOldest)) {
          isOldest = false;
          continue;
        }
        removed.events += await moveTails(connection, partition.bounds);
      }
      const outcome = await removePartition(connection, partition);
      // The next waits for its turn: two can't be pending at a time.
      if (outcome === 'LATER') break;
      if (outcome === 'REMOVED') removed.partitions += 1;
    }
    return removed;
  });
}

/** No partition ends sooner after its events than the shortest retention says. */
async function candidates(connection: Connection): Promise<PastPartition[]> {
  const [row] = await connection.query<{ end: Date | null }>(
    sqlText`select now() - make_interval(days => min(${WORKSPACE.retention_days})) as end from workspaces`,
  );
  return row?.end == null ? [] : partitionsBefore(connection, row.end);
}

/** Of a partition: from `$1` on, and before `$2`. */
type Bounds = NonNullable<PastPartition['bounds']>;

/** The newest position of each workspace in a partition: one look at an index each. */
const LAST_PLACES = sqlText`
  select ${w.id} as ${MARKS.workspace_id}, ${w.retention_days}, coalesce(${m.tail}, 1) as ${MARKS.tail},
    ${mayRemoveUpto(sqlText`coalesce(${m.folded}, 0)`)} as ${MARKS.folded}, p.last
  from workspaces w left join workspace_marks m on ${m.workspace_id} = ${w.id}
  left join evidence_logs l on ${tree.workspace_id} = ${w.id}
  cross join lateral (
    select max(${EVENT.position}) as last from events
    where ${EVENT.workspace_id} = ${w.id} and ${EVENT.recorded_at} >= $1 and ${EVENT.recorded_at} < $2
  ) p
  where p.last >= coalesce(${m.tail}, 1)`;

/** @param moves whether tails may be moved beyond it */
async function isNeeded(
  connection: Connection,
  { from, to }: Bounds,
  moves: boolean,
): Promise<boolean> {
  const [row] = await connection.query<{ needed: boolean }>(
    sqlText`select exists (
       select from (${LAST_PLACES}) l
       where not $3 or ${l.folded} < l.last or ${due.retention_days} is null
         or $2 > now() - make_interval(days => ${due.retention_days})
     ) as needed`,
    [from, to, moves],
  );
  return row?.needed !== false;
}

/** How many events that are. */
async function moveTails(connection: HeldConnection, { from, to }: Bounds): Promise<number> {
  const [row] = await transaction({ hold: use => use(connection) }, held =>
    held.query<{ events: number }>(
      sqlText`with last as materialized (${LAST_PLACES}), moved as (
         update workspace_marks m set ${MARKS.tail} = l.last + 1, ${MARKS.tail_recorded_at} = null
         from last l where ${m.workspace_id} = ${l.workspace_id}
         returning l.last + 1 - ${l.tail} as events
       ) select coalesce(sum(events), 0)::bigint as events from moved`,
      [from, to],
    ),
  );
  return row?.events ?? 0;
}
