import type { Connection } from '../db/client.ts';
import { EventRows } from '../db/event-rows.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createAggregateCounts } from '../read/aggregate-counts.ts';
import { createAggregateReader } from '../read/aggregates.ts';
import { createApiKeyReader } from '../read/api-keys.ts';
import { createDefinitionReader } from '../read/definitions.ts';
import { createEventListing } from '../read/event-listing.ts';
import { createEventReader } from '../read/events.ts';
import { readLatestBySubject, type LatestEventsRequest } from '../read/latest-events.ts';
import { createQuarantineReader } from '../read/quarantine.ts';
import { createTimelineReader } from '../read/timeline.ts';
import { createWorkspaceReader } from '../read/workspaces.ts';

interface ReadersOptions {
  readonly read: Connection;
  readonly epoch: string;
  readonly nowMs: () => number;
  readonly metrics: Pick<Metrics, 'aggregated'>;
  /** Of the rows of one statement. */
  readonly bytesMax: number;
}

/** All questions of the past. */
export function createReaders({
  read: unbounded,
  epoch,
  nowMs,
  metrics,
  bytesMax,
}: ReadersOptions) {
  const read: Connection = {
    query: (text, params, options) => unbounded.query(text, params, { bytesMax, ...options }),
  };
  const counts = createAggregateCounts({ read, nowMs });
  const eventRows = new EventRows(read, bytesMax);
  return {
    events: createEventReader({ read, epoch, eventRows }),
    listing: createEventListing({ read, counts, eventRows }),
    timeline: createTimelineReader({ read, epoch, eventRows }),
    latestBySubject: (request: LatestEventsRequest) => readLatestBySubject(eventRows, request),
    definitions: createDefinitionReader(read),
    workspaces: createWorkspaceReader(read),
    apiKeys: createApiKeyReader(read),
    quarantine: createQuarantineReader(read),
    counts,
    aggregates: createAggregateReader({ read, epoch, nowMs, onAnswer: metrics.aggregated }),
  };
}
