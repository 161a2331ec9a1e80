import { sql } from 'drizzle-orm';
import type { RecordedMinute, RecordingStatus } from '../core/gateway-status.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events, workspaceMarks } from '../db/schema.ts';
import { newestHeadSql } from '../db/stored-workspace.ts';

const e = columnsOf(events, 'e');
const m = columnsOf(workspaceMarks, 'm');

const MINUTES = 60;

interface RecordingRow {
  start: Date;
  upto: number;
  before: number;
  uncounted: number;
}

/**
 * How many events were recorded in each minute, whenever they happened. Positions are dense and
 * grow with the time of recording. So the events of a minute are the difference of two positions,
 * and each is found in some twenty steps, however many events there are.
 */
export async function readRecordings(
  read: Connection,
  workspaceId: number,
): Promise<RecordingStatus> {
  const found = await rows<RecordingRow>(
    read,
    sql`
      with recursive place as (
        select coalesce(${m.tail}, 1) - 1 as low, coalesce(h.head, 0) as head,
          coalesce(${m.folded}, 0) as folded,
          date_trunc('minute', now()) - ${MINUTES - 1} * interval '1 minute' as since
        from (select ${workspaceId}::int as id) w
        left join workspace_marks m on ${m.workspace_id} = w.id
        left join lateral (${newestHeadSql(sql`w.id`)}) h on true
      ),
      -- The position of the last event before each minute, between low and high.
      search as (
        select n, since + n * interval '1 minute' as at, low, greatest(head, low) as high, since
        from place, generate_series(0, ${MINUTES - 1}) as n
        union all
        select n, at, case when isearlier then middle else low end,
          case when isearlier then high else middle - 1 end, since
        from (
          select s.*, coalesce(${e.recorded_at} < s.at, true) as isearlier
          from (select *, (low + high + 1) / 2 as middle from search where low < high) s
          left join lateral (
            select ${e.recorded_at} from events e
            where ${e.workspace_id} = ${workspaceId} and ${e.position} = s.middle
              -- Earlier ones need no look: partitions are cut by this time.
              and ${e.recorded_at} >= s.since
          ) e on true
        ) halved
      ),
      bound as (select n, at, low as before from search where low = high)
      select b.at as start, b.before,
        coalesce(lead(b.before) over (order by b.n), greatest(p.head, b.before)) as upto,
        greatest(p.head - p.folded, 0) as uncounted
      from bound b, place p order by b.n`,
  );
  const lastHour: RecordedMinute[] = found.map(({ start, upto, before }) => ({
    start,
    count: upto - before,
  }));
  return { lastHour, uncountedEvents: found[0]?.uncounted ?? 0 };
}
