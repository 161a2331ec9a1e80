/**
 * Expiry empties events in place: the row and its position stay, `expired_at` says when. Reads
 * hide an event from the instant it expires; this takes its content off the disk soon after. The
 * content hash in its key stays, so that a late retry is still answered as the DUPLICATE it is;
 * redaction takes the hash too.
 *
 * `workspace_marks.expires_next` says where to begin: the fold lowers it, this raises it, each
 * under the lock of the row. So the index leads past everything that was emptied before.
 */
import type { Connection, Pool } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { events, quarantinedEvents, workspaceMarks, workspaces } from '../db/schema.ts';
import { lockTree } from '../evidence/log-rows.ts';
import { forgetSalts } from '../evidence/removal.ts';
import { forgetTerms } from '../search/removal.ts';
import { NOTHING, removing, WITHOUT_CONTENT, type Batch } from './removal.ts';
import { clearFault, isClearSql, ofWorkspace } from './upkeep-faults.ts';

const m = columnsOf(workspaceMarks, 'm');
const w = columnsOf(workspaces, 'w');
const e = columnsOf(events, 'e');
const d = columnsOf(events, 'd');
const QUARANTINED = columnsOf(quarantinedEvents);
const EVENT = columnsOf(events);
const MARKS = columnsOf(workspaceMarks);

export const EXPIRY_BATCH_EVENTS = 2_000;
const QUARANTINE_BATCH = 1_000;

interface Due {
  workspace_id: number;
  folded: number;
  expires_next: Date;
}

/** Empties a batch of one workspace; null while another process does. */
export function expireNext(upkeep: Pool): Promise<Batch | null> {
  return removing(upkeep, async connection => {
    const [due] = await connection.query<Due>(DUE_SQL);
    if (due === undefined) return NOTHING;
    const events = await ofWorkspace(due.workspace_id, 'EXPIRY', () => expire(connection, due));
    return { events, isMore: true };
  });
}

interface ExpiredRow {
  emptied: number;
  last: Date | null;
  positions: number[] | null;
}

async function expire(connection: Connection, due: Due): Promise<number> {
  // A statement of its own after the locks: its snapshot has all that was folded before.
  const { workspace_id, folded, expires_next } = due;
  await lockTree(connection, workspace_id);
  const [row] = await connection.query<ExpiredRow>(EXPIRE_SQL, [
    ...[workspace_id, expires_next, folded, EXPIRY_BATCH_EVENTS],
  ]);
  const positions = row?.positions ?? [];
  await forgetSalts(connection, workspace_id, positions);
  await forgetTerms(connection, workspace_id, positions);
  const from = row?.last ?? expires_next;
  await connection.query(MOVE_NEXT_SQL, [workspace_id, from, folded]);
  await clearFault(connection, workspace_id, 'EXPIRY');
  return row?.emptied ?? 0;
}

const DUE = sqlText`
  from workspace_marks m join workspaces w on ${w.id} = ${m.workspace_id}
  where ${m.expires_next} <= now() and ${isClearSql('EXPIRY', sqlText`${m.workspace_id}`)}`;
/** Whether there is anything to do: expressions of SQL. */
export const EXPIRY_DUE = sqlText`exists (select ${DUE})`;
export const QUARANTINE_DUE = sqlText`exists (
  select from quarantined_events where ${QUARANTINED.expires_at} <= now())`;

/** What is in quarantine goes as a whole: it has no place to keep. */
export async function expireQuarantined(upkeep: Pool): Promise<number> {
  const gone = await upkeep.query(
    sqlText`delete from quarantined_events where (${QUARANTINED.workspace_id}, ${QUARANTINED.id}) in (
       select ${QUARANTINED.workspace_id}, ${QUARANTINED.id} from quarantined_events
       where ${QUARANTINED.expires_at} <= now() limit ${QUARANTINE_BATCH} for update skip locked
     ) returning 1`,
  );
  return gone.length;
}

const DUE_SQL = sqlText`
  select ${m.workspace_id}, ${m.folded}, ${m.expires_next} ${DUE}
  order by ${m.expires_next} limit 1
  for no key update of m skip locked`;

export const EXPIRE_SQL = sqlText`
  with due as materialized (
    select ${e.position}, ${e.recorded_at}, ${e.expires_at} from events e
    where ${e.workspace_id} = $1 and ${e.expires_at} >= $2 and ${e.expires_at} <= now()
      and ${e.expired_at} is null and ${e.position} <= $3
    order by ${e.expires_at} limit $4
  ), emptied as (
    update events e set ${EVENT.expired_at} = now(), ${WITHOUT_CONTENT}
    from due d
    where ${e.workspace_id} = $1 and ${e.position} = ${d.position} and ${e.recorded_at} = ${d.recorded_at}
  ) select count(*) as emptied, max(${EVENT.expires_at}) as last,
    array_agg(${EVENT.position}) as positions
  from due`;

export const MOVE_NEXT_SQL = sqlText`
  update workspace_marks set ${MARKS.expires_next} = (
    select ${e.expires_at} from events e
    where ${e.workspace_id} = $1 and ${e.expires_at} >= $2 and ${e.expired_at} is null and ${e.position} <= $3
    order by ${e.expires_at} limit 1
  ) where ${MARKS.workspace_id} = $1`;
