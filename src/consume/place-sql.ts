/** Where a consumer is put: a place in the log as it is now. */
import { sql } from 'drizzle-orm';
import type { ConsumerPlace } from '../core/consumer.ts';
import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { columnsOf, type Row } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events, workspaceHeads, workspaceMarks, workspaces } from '../db/schema.ts';

const w = columnsOf(workspaces, 'w');
const m = columnsOf(workspaceMarks, 'm');
const h = columnsOf(workspaceHeads, 'h');
const n = columnsOf(workspaceHeads, 'n');
const e = columnsOf(events, 'e');
const found = columnsOf(events, 'found');

type BoundsRow = Row<typeof workspaceHeads, 'head' | 'recorded_at'> &
  Row<typeof workspaceMarks, 'tail'>;

/** @throws GatewayError NOT_FOUND without the workspace, CURSOR_AHEAD, CURSOR_EXPIRED */
export async function findPlace(
  connection: Connection,
  workspaceId: number,
  place: ConsumerPlace,
): Promise<LogPlace> {
  const [bounds] = await rows<BoundsRow>(
    connection,
    sql`
      select coalesce(${h.head}, 0) as head, coalesce(${h.recorded_at}, timestamptz 'epoch') as recorded_at,
        coalesce(${m.tail}, 1) as tail
      from workspaces w left join workspace_marks m on ${m.workspace_id} = ${w.id}
      left join lateral (
        select ${n.head}, ${n.recorded_at} from workspace_heads n
        where ${n.workspace_id} = ${w.id} order by ${n.head} desc limit 1
      ) h on true
      where ${w.id} = ${workspaceId}`,
  );
  if (bounds === undefined) throw new GatewayError('NOT_FOUND', 'The workspace was deleted.');
  const head = { position: bounds.head, recordedAt: bounds.recorded_at };
  if ('at' in place) return (await findAt(connection, workspaceId, bounds, place.at)) ?? head;
  if ('start' in place) {
    if (place.start === 'NOW') return head;
    return { ...LOG_BEGINNING, position: Math.min(bounds.tail - 1, head.position) };
  }
  const { after } = place;
  if (after.position > head.position) {
    throw new GatewayError('CURSOR_AHEAD', 'This cursor is beyond the newest event.');
  }
  if (after.position < bounds.tail - 1) {
    const message = 'Events after this cursor are no longer kept. Start at the BEGINNING.';
    throw new GatewayError('CURSOR_EXPIRED', message);
  }
  return after;
}

/**
 * Right before the first event that was recorded then or later; null where there is none. As
 * `recorded_at` rises with the position, it is found by halving: there is no index by time alone.
 */
async function findAt(
  connection: Connection,
  workspaceId: number,
  { head, tail }: BoundsRow,
  at: Date,
): Promise<LogPlace | null> {
  const [row] = await rows<Row<typeof events, 'position' | 'recorded_at'>>(
    connection,
    sql`
      with recursive halving (low, high) as (
        select ${tail}::bigint, ${head}::bigint + 1
        union all
        select case when ${found.recorded_at} < ${at} then ${found.position} + 1 else halving.low end,
          case when ${found.recorded_at} < ${at} then halving.high else ${found.position} end
        from halving cross join lateral (
          select ${e.position}, ${e.recorded_at} from events e
          where ${e.workspace_id} = ${workspaceId} and ${e.position} = (halving.low + halving.high) / 2 limit 1
        ) found where halving.low < halving.high
      )
      select ${e.position}, ${e.recorded_at} from halving join events e
        on ${e.workspace_id} = ${workspaceId} and ${e.position} = halving.low
      where halving.low >= halving.high limit 1`,
  );
  return row === undefined ? null : { position: row.position - 1, recordedAt: row.recorded_at };
}
