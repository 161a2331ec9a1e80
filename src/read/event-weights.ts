/** Where in an interval of a log its events lie, as the rollups know. */
import { type SQL, sql } from 'drizzle-orm';
import { type Interval, GRAINS } from '../core/bucket.ts';
import type { EventFilter } from '../core/filter.ts';
import type { Weight } from '../core/log-slices.ts';
import { DAY_MS } from '../core/time-zone.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventCounts } from '../db/schema.ts';
import { isTimeout } from '../db/sqlstate.ts';
import { instantParam } from './aggregate-columns.ts';
import { filterSql } from './filters.ts';

const c = columnsOf(eventCounts, 'e');

/** Beyond it the weights are not worth their time. */
const WEIGHED_WITHIN_MS = 300;
/** A longer interval is weighed by days. */
const BY_QUARTER_HOURS_MAX_MS = 14 * DAY_MS;

export interface Extent {
  readonly workspaceId: number;
  readonly filter: EventFilter | null;
  readonly interval: Interval;
}

/**
 * Of each day or quarter hour, in the order of time, the events that the filter's types and doors
 * let pass. What is not folded yet lies in none of them. Null where it takes too long to say.
 */
export async function weighEvents(read: Connection, extent: Extent): Promise<Weight[] | null> {
  try {
    const [row] = await rows<{ at: string | null; events: string | null }>(
      read,
      weightsSql(extent),
      {
        timeoutMs: WEIGHED_WITHIN_MS,
      },
    );
    const counts = JSON.parse(row?.events ?? '[]') as number[];
    return (JSON.parse(row?.at ?? '[]') as number[]).map((at, n) => ({
      at,
      events: counts[n] ?? 0,
    }));
  } catch (error) {
    if (isTimeout(error)) return null;
    throw error;
  }
}

function weightsSql({ workspaceId, filter, interval: { from, to } }: Extent): SQL {
  const grain = to - from > BY_QUARTER_HOURS_MAX_MS ? GRAINS.DAY : GRAINS.QUARTER_HOUR;
  return sql`
    select json_agg(x.at) as at, json_agg(x.events) as events from (
      select (extract(epoch from ${c.bucket}) * 1000)::bigint as at, sum(${c.count})::bigint as events
      from event_counts e
      where ${c.workspace_id} = ${workspaceId}::int and ${c.grain} = ${grain}::smallint
        and ${c.bucket} >= ${instantParam(from - DAY_MS)} and ${c.bucket} < ${instantParam(to)}
        and ${filterSql(ofRollups(filter), workspaceId)}
      group by 1 order by 1
    ) x`;
}

/** What rollups know of a filter, which lets more events pass than that. */
function ofRollups(filter: EventFilter | null): EventFilter {
  const { types, typePrefix, categories, doors } = filter ?? {};
  return { types, typePrefix, categories, doors };
}
