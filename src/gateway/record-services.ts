/** The path from a request to committed positions, wired to this gateway's database. */
import { randomUUID } from 'node:crypto';
import { GatewayError } from '../core/errors.ts';
import { uuidV7 } from '../core/isomorphic.ts';
import type { Actor } from '../core/principal.ts';
import type { Database } from '../db/client.ts';
import { ensurePartitions } from '../db/partitions.ts';
import type { SchemaChecker } from '../json-schema/checker.ts';
import { monotonicMs } from '../live/clock.ts';
import type { Live } from '../live/live.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createAuditedTransaction } from '../record/audit.ts';
import { DefinitionCache } from '../record/definitions.ts';
import { KeyUsage } from '../record/key-usage.ts';
import { createRecordEvents, type RecordEvents } from '../record/record.ts';
import { storedEvents } from '../record/stored-events.ts';
import { Writers, type Recorded } from '../record/writers.ts';
import type { Fold } from '../rollup/fold.ts';

export interface IngestOptions {
  readonly db: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly live: Live;
  readonly fold: Fold;
  readonly schemas: SchemaChecker;
  /** Told of workspaces before their receipts are given out. */
  readonly onRecorded: (workspaceIds: Iterable<number>) => void;
}

export function createIngest(options: IngestOptions) {
  const { db, log, metrics, live, fold, schemas, onRecorded } = options;
  const nowMs = monotonicMs;
  const makePartitions = async () => void (await ensurePartitions(db.upkeep));
  const newId = () => uuidV7(Date.now(), randomUUID());
  const definitions = new DefinitionCache(db.write, nowMs);
  const usage = new KeyUsage({
    read: db.lookup,
    write: db.write,
    now: () => new Date(),
    onRefused: () => metrics.refused('QUOTA_EXCEEDED'),
    onError: err => log.warn({ err }, 'what keys have recorded is counted, but not stored yet'),
  });
  const writers = new Writers({
    connection: db.flush,
    crowd: db.crowd,
    ensurePartitions: makePartitions,
    staleDefinitions: entries => definitions.stale(entries),
    onRecorded: recorded => {
      usage.count(recorded);
      announce(recorded, live, fold);
    },
    onFlush: metrics.flushed,
    onError: err => log.error({ err }, 'a flush failed'),
    nowMs,
  });
  const record = createRecordEvents({
    write: db.write,
    writers,
    definitions,
    schemas,
    nowMs,
    now: () => new Date(),
    newId,
  });
  const measured: RecordEvents = async request => {
    const { actor = null, events } = request;
    const work = (own: Actor | null) => record({ ...request, actor: own });
    const receipts = await usage.within(actor, events.length, work).catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'OVERLOADED') metrics.refused(error.code);
      throw error;
    });
    // Also for one that another gateway has recorded: whoever has the receipt may read it.
    onRecorded([request.workspace.id]);
    metrics.receipts(request.door, receipts);
    return receipts;
  };
  const audited = createAuditedTransaction({
    ensurePartitions: makePartitions,
    now: () => new Date(),
    newId,
    onRecorded(recorded) {
      onRecorded(recorded.heads.keys());
      announce(recorded, live, fold);
    },
  });
  return { definitions, writers, record: measured, audited, usage };
}

function announce(recorded: Recorded, live: Live, fold: Fold) {
  if (recorded.heads.size === 0) return;
  live.recorded(
    recorded.heads,
    storedEvents(recorded, id => live.isWanted(id)),
  );
  fold.note(recorded.heads.keys());
}
