/** What doors ask of many events at once: tallies, series, origins and what is latest of each. */
import type { StoredEvent } from '../core/event.ts';
import { EventRows } from '../db/event-rows.ts';
import type { CountSources } from './event-count.ts';
import { createEventTallies, type EventTallies } from './event-tallies.ts';
import { type LatestEventsRequest, readLatestBySubject } from './latest-events.ts';
import { createOriginReader, type OriginReader } from './origins.ts';
import { readSeries, type SeriesQuery, type SeriesValue } from './time-series.ts';

export interface EventStatistics extends EventTallies, OriginReader {
  /** One value a slot, in their order; null in a slot without any. */
  series(workspaceId: number, query: SeriesQuery): Promise<readonly (SeriesValue | null)[]>;
  /** The latest event of each subject, subjects with the newest first; as many at a time as fit. */
  latestBySubject(
    workspaceId: number,
    request: LatestEventsRequest,
  ): AsyncIterable<readonly StoredEvent[]>;
}

export interface EventStatisticsOptions extends CountSources {
  /** @default one of its own */
  readonly eventRows?: EventRows;
}

/** Its methods reject with BAD_USER_INPUT, QUERY_TOO_EXPENSIVE or SERVICE_UNAVAILABLE. */
export function createEventStatistics({
  read,
  counts,
  eventRows = new EventRows(read),
}: EventStatisticsOptions): EventStatistics {
  return {
    ...createEventTallies({ read, counts }),
    ...createOriginReader(read, eventRows),
    series: (workspaceId, query) => readSeries(read, workspaceId, query),
    latestBySubject: (workspaceId, request) => readLatestBySubject(eventRows, workspaceId, request),
  };
}
