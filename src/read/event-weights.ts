/** How many events an interval of a log has, and where in it they lie, as the rollups know. */
import { type SQL, sql } from 'drizzle-orm';
import { GRAINS, type Interval } from '../core/bucket.ts';
import type { EventFilter } from '../core/filter.ts';
import type { Weight } from '../core/log-slices.ts';
import { DAY_MS } from '../core/time-zone.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventCounts } from '../db/schema.ts';
import { instantParam } from './aggregate-columns.ts';
import { standingSql } from './aggregate-place.ts';
import { filterSql } from './filters.ts';

const c = columnsOf(eventCounts, 'e');

/** A longer interval is weighed by days. */
const BY_QUARTER_HOURS_MAX_MS = 14 * DAY_MS;
/** Rows of rollups that are worth their time. */
const COUNTS_MAX = 100_000;

export interface Extent {
  readonly workspaceId: number;
  readonly filter: EventFilter | null;
  readonly interval: Interval;
}

/** In the order of time. Null where it would take too long to say. */
export type Weights = readonly Weight[] | null;

/**
 * Of each day or quarter hour the events that the filter's types and doors let pass; those that are
 * not folded yet stand at the interval's end.
 * @returns `FEW` where the whole log has fewer events than `many`
 */
export async function weighEvents(
  read: Connection,
  extent: Extent,
  many: number,
): Promise<Weights | 'FEW'> {
  const [row] = await rows<WeightsRow>(read, weightsSql(extent, many));
  if (row?.is_few !== false) return 'FEW';
  if ((row.counts ?? 0) > COUNTS_MAX) return null;
  const counts = JSON.parse(row.events ?? '[]') as number[];
  const instants = JSON.parse(row.at ?? '[]') as number[];
  const folded = instants.map((at, n) => ({ at, events: counts[n] ?? 0 }));
  return [...folded, { at: extent.interval.to, events: row.behind ?? 0 }];
}

interface WeightsRow {
  readonly is_few: boolean;
  readonly behind: number | null;
  readonly at: string | null;
  readonly events: string | null;
  readonly counts: number | null;
}

function weightsSql({ workspaceId, filter, interval: { from, to } }: Extent, many: number): SQL {
  const grain = to - from > BY_QUARTER_HOURS_MAX_MS ? GRAINS.DAY : GRAINS.QUARTER_HOUR;
  return sql`
    with place as materialized (
      select kept.*, coalesce(kept.head - kept.tail < ${many}::int, true) as is_few
      from (${standingSql(workspaceId)}) kept
    )
    select place.is_few, place.head - place.folded as behind, w.*
    from place cross join (
      select json_agg(x.at) as at, json_agg(x.events) as events, sum(x.counts)::int as counts from (
        select (extract(epoch from ${c.bucket}) * 1000)::bigint as at, sum(${c.count})::bigint as events,
          count(*) as counts
        from (
          select ${c.bucket}, ${c.count} from event_counts e
          where (select not is_few from place) and ${c.workspace_id} = ${workspaceId}::int
            and ${c.grain} = ${grain}::smallint and ${c.bucket} >= ${instantParam(from - DAY_MS)}
            and ${c.bucket} < ${instantParam(to)} and ${filterSql(ofRollups(filter), workspaceId)}
          limit ${COUNTS_MAX + 1}::int
        ) e
        group by 1 order by 1
      ) x
    ) w`;
}

/** What rollups know of a filter, which lets more events pass than that. */
function ofRollups(filter: EventFilter | null): EventFilter {
  const { types, typePrefix, categories, doors } = filter ?? {};
  return { types, typePrefix, categories, doors };
}
