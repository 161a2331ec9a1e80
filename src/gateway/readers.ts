import { LRUCache } from 'lru-cache';
import { createConsumerReader } from '../consume/consumer-reader.ts';
import type { Tenant } from '../core/fairness.ts';
import type { Connection } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import { createEvidenceReader } from '../evidence/evidence-reader.ts';
import { createSigner } from '../evidence/keys.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createAggregateCounts } from '../read/aggregate-counts.ts';
import { createAggregateReader } from '../read/aggregates.ts';
import { createApiKeyReader } from '../read/api-keys.ts';
import { createDefinitionReader } from '../read/definitions.ts';
import type { EventJsonPage } from '../read/event-reader.ts';
import { createEventStatistics } from '../read/event-statistics.ts';
import { createEventReader } from '../read/events.ts';
import { createMeterReader } from '../read/meters.ts';
import type { Offload } from '../read/offload.ts';
import {
  offloadAggregates,
  offloadCounts,
  offloadEvents,
  offloadStatistics,
} from '../read/offloaded.ts';
import { createQuarantineReader } from '../read/quarantine.ts';
import { createNarrow, type HasSearchIndex } from '../read/search-index.ts';
import { createSharedReads } from '../read/shared-reads.ts';
import { createWorkspaceReader } from '../read/workspaces.ts';

interface ReadersOptions {
  readonly read: Connection;
  readonly offload: Offload;
  readonly epoch: string;
  readonly nowMs: () => number;
  readonly metrics: Pick<Metrics, 'aggregated'>;
  /** Of the rows of one statement. */
  readonly bytesMax: number;
  /** See `EventScan`. */
  readonly limitMs: number;
  /** Seed of the key that signs checkpoints; null: the database has it. */
  readonly evidenceKey: Buffer | null;
  readonly hasSearchIndex: HasSearchIndex;
}

/** All questions of the past. */
export function createReaders({
  read: unbounded,
  offload,
  epoch,
  nowMs,
  metrics,
  bytesMax,
  limitMs,
  evidenceKey,
  hasSearchIndex,
}: ReadersOptions) {
  const bounded = (connection: Connection): Connection => ({
    query: (text, params, options) => connection.query(text, params, { bytesMax, ...options }),
  });
  const read = bounded(unbounded);
  const inTurn = <Reader extends object>(make: (read: Connection) => Reader) =>
    perWorkspace(workspaceId => make(onBehalfOf(workspaceId, read)));
  /** The same, and how a reader is made for one question at the standby. */
  const both = <Reader extends object>(make: (read: Connection, rows: EventRows) => Reader) => ({
    primary: inTurn(own => make(own, eventRows)),
    make: (own: Connection) => make(bounded(own), rowsAtStandby.on(bounded(own))),
  });
  const countsOf = (own: Connection) => createAggregateCounts({ read: own, nowMs });
  const eventRows = new EventRows(read, bytesMax);
  const rowsAtStandby = new EventRows(read, bytesMax);
  /** Who asks for the same page at once, at the standby. */
  const share = createSharedReads<EventJsonPage | null>();
  const onAnswer = metrics.aggregated;
  const narrowOf = (own: Connection) => createNarrow(own, hasSearchIndex);
  const eventsOf = (own: Connection) =>
    createEventReader({ read: own, epoch, eventRows, narrow: narrowOf(own) });
  const eventsAtStandby = (own: Connection) => {
    const rows = rowsAtStandby.on(own);
    return createEventReader({ read: own, epoch, eventRows: rows, narrow: narrowOf(own), share });
  };
  const sign = createSigner(onBehalfOf(ADMINISTRATION, read), evidenceKey, nowMs);
  return {
    evidence: inTurn(own => createEvidenceReader(own, sign)),
    events: offloadEvents(offload, {
      primary: inTurn(eventsOf),
      make: own => eventsAtStandby(bounded(own)),
    }),
    consumers: inTurn(own => createConsumerReader(own, eventsOf(own))),
    statistics: offloadStatistics(
      offload,
      both((own, rows) =>
        createEventStatistics({ read: own, counts: countsOf(own), eventRows: rows }),
      ),
    ),
    definitions: inTurn(createDefinitionReader),
    workspaces: createWorkspaceReader(onBehalfOf(ADMINISTRATION, read)),
    apiKeys: createApiKeyReader(onBehalfOf(ADMINISTRATION, read)),
    quarantine: inTurn(createQuarantineReader),
    meters: inTurn(createMeterReader),
    counts: offloadCounts(offload, both(countsOf)),
    aggregates: offloadAggregates(
      offload,
      both(own =>
        createAggregateReader({
          read: own,
          epoch,
          nowMs,
          onAnswer,
          limitMs,
          narrow: narrowOf(own),
        }),
      ),
    ),
  };
}

/** Whose turns reads take that are of no workspace: they leave room for those of workspaces. */
export const ADMINISTRATION: Tenant = 'administration';

/** Workspaces whose readers are kept: they are made again for little. */
const KEPT_MAX = 1_000;

type Method = (workspaceId: number, ...rest: unknown[]) => unknown;

/**
 * One reader in place of one for each workspace: every method of it takes the workspace first, and
 * asks in that workspace's turn.
 */
function perWorkspace<Reader extends object>(make: (workspaceId: number) => Reader): Reader {
  const made = new LRUCache<number, Reader>({ max: KEPT_MAX });

  function of(workspaceId: number): Reader {
    const known = made.get(workspaceId);
    if (known !== undefined) return known;
    const reader = make(workspaceId);
    made.set(workspaceId, reader);
    return reader;
  }

  const names = Object.keys(make(0)) as (keyof Reader)[];
  const methods = names.map(name => {
    const method: Method = (id, ...rest) => (of(id)[name] as Method)(id, ...rest);
    return [name, method];
  });
  return Object.fromEntries(methods) as Reader;
}
