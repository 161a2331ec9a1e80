/** Counts by type in buckets of any length, as exact and as quick as aggregates are. */
import { toRollupFilter, type BucketGrid } from '../core/aggregate-plan.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import { ceilTo, floorTo } from '../core/bucket.ts';
import { checkCondition, type EventCondition } from '../core/event-condition.ts';
import { QUARTER_HOUR_MS } from '../core/time-zone.ts';
import type { Connection } from '../db/connection.ts';
import { readAnswer } from './aggregate-answer.ts';
import { rollupPartsOf } from './event-count.ts';

export interface TypeBucket {
  readonly type: string;
  readonly start: Date;
  readonly count: number;
}

export interface TypeCountsRequest {
  readonly workspaceId: number;
  readonly filter: EventCondition;
  readonly since: Date;
  /** Buckets begin with midnight UTC. */
  readonly bucketMs: number;
  readonly nowMs: number;
  readonly rowsMax: number;
}

const QUERY: Omit<AggregateQuery, 'filter' | 'timeframe'> = {
  granularity: 'HOUR',
  timeZone: 'UTC',
  groupBy: [{ dimension: 'TYPE' }],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

/**
 * Up to the bucket of now; null where rollups can't tell, which is for filters of other things
 * than types and doors, and for buckets that cut a quarter hour. They say what happened: also what
 * has expired or was redacted since.
 */
export async function countTypesFromRollups(
  read: Connection,
  request: TypeCountsRequest,
): Promise<readonly TypeBucket[] | null> {
  const { workspaceId, bucketMs, nowMs, rowsMax } = request;
  checkCondition(request.filter);
  const parts = rollupPartsOf(request.filter);
  if (parts === null || parts.typesContaining.length > 0) return null;
  const filter = { and: parts.filters };
  if (bucketMs % QUARTER_HOUR_MS !== 0 || toRollupFilter(filter) === null) return null;
  const grid = gridOf(request);
  const { from, to } = grid.timeframe;
  const timeframe = { between: { from: new Date(from), to: new Date(to) } };
  const query = { ...QUERY, filter, timeframe };
  const { rows } = await readAnswer(read, { workspaceId, query, grid, asOf: null, rowsMax, nowMs });
  return rows
    .map(({ bucket, group, count }) => {
      const start = new Date(floorTo(grid.boundaries[bucket] as number, bucketMs));
      return { type: group[0] ?? '', start, count };
    })
    .sort((a, b) => a.start.getTime() - b.start.getTime() || (a.type < b.type ? -1 : 1));
}

/** From the quarter hour of `since` on, since rollups have no finer rows of long ago. */
function gridOf({ since, bucketMs, nowMs }: TypeCountsRequest): BucketGrid {
  const from = floorTo(since.getTime(), QUARTER_HOUR_MS);
  const to = ceilTo(nowMs + 1, bucketMs);
  const boundaries = [from];
  for (let at = ceilTo(from + 1, bucketMs); at <= to; at += bucketMs) boundaries.push(at);
  return { timeframe: { from, to }, granularity: 'HOUR', zone: 'UTC', boundaries };
}
