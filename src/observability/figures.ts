/** Figures of other parts, which are read when Prometheus asks: no hot path knows of them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { MetricName } from './metric-names.ts';

/** What is read when the metrics are. */
export interface MetricSources {
  readonly lanes: () => Readonly<Record<string, LaneFigures>>;
  readonly waitingEvents: () => number;
  readonly requests: () => RequestFigures;
  readonly streams: () => StreamFigures;
  readonly upkeep: () => UpkeepCounts;
  /** Of the database, asked for now. */
  readonly waiting: () => Promise<UpkeepFigures>;
  /** Of this process. */
  readonly deliveries: () => readonly DeliveryFigures[];
  /** Of the database, asked for now. Empty while it does not answer. */
  readonly consumers: () => Promise<readonly ConsumerFigures[]>;
}

/** Of all consumers of a kind, in this process. */
export interface DeliveryFigures {
  readonly kind: string;
  readonly delivered: number;
  readonly acknowledged: number;
}

/** Of all consumers of a kind. */
export interface ConsumerFigures {
  readonly kind: string;
  readonly paused: number;
  readonly lagEvents: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly parked: number;
}

/** Of this process. */
export interface UpkeepCounts {
  readonly eventsRemoved: number;
  readonly eventsExpired: number;
  readonly partitionsRemoved: number;
}

/** Of the database. */
export interface UpkeepFigures {
  readonly oldestEventS: number;
  readonly retentionLagS: number;
  readonly expiryLagS: number;
  readonly snapshotS: number;
  /** Workspaces that a step of upkeep fails for. */
  readonly faults: Readonly<Record<string, number>>;
  readonly measuresSetAside: number;
  readonly metersFailing: number;
  readonly foldLagEvents: number;
  readonly foldLagS: number;
  readonly evidenceLagEvents: number;
  readonly quarantined: number;
}

export interface RequestFigures {
  readonly inWork: number;
  readonly waiting: number;
}

export interface LaneFigures {
  readonly open: number;
  readonly waiting: number;
}

export interface StreamFigures {
  readonly subscribers: number;
  readonly catchingUp: number;
  readonly lagEvents: number;
  readonly lagMs: number;
  readonly tailLagEvents: number;
  readonly deliveries: number;
  readonly executions: number;
  readonly catchUps: number;
  readonly tailReads: number;
  readonly offered: number;
}

export type Describe = (name: MetricName) => {
  name: string;
  help: string;
  registers: Registry[];
};
/** Undefined until all parts stand. */
type Sources = () => MetricSources | undefined;
type Figure = readonly [MetricName, (of: MetricSources) => number];

/** Declares them all. What is emptied is counted from both sides: the counter is returned. */
export function declareFigures(describe: Describe, sources: Sources): Counter<'reason'> {
  declareLanes(describe, sources);
  declareFaults(describe, sources);
  declareConsumers(describe, sources);
  declareDeliveries(describe, sources);
  declareGauges(describe, sources);
  declareWaiting(describe, sources);
  declareCounters(describe, sources);
  return declareEmptied(describe, sources);
}

function declareGauges(describe: Describe, sources: Sources): void {
  const gauges: readonly Figure[] = [
    ['sluice_waiting_events', of => of.waitingEvents()],
    ['sluice_requests_in_work', of => of.requests().inWork],
    ['sluice_requests_waiting', of => of.requests().waiting],
    ['sluice_streams_open', of => of.streams().subscribers],
    ['sluice_streams_catching_up', of => of.streams().catchingUp],
    ['sluice_stream_lag_events', of => of.streams().lagEvents],
    ['sluice_stream_lag_seconds', of => of.streams().lagMs / 1_000],
    ['sluice_tail_lag_events', of => of.streams().tailLagEvents],
  ];
  for (const [name, read] of gauges) {
    new Gauge({
      ...describe(name),
      collect() {
        const given = sources();
        if (given !== undefined) this.set(read(given));
      },
    });
  }
}

function declareWaiting(describe: Describe, sources: Sources): void {
  const gauges = [
    ['sluice_oldest_event_age_seconds', 'oldestEventS'],
    ['sluice_retention_lag_seconds', 'retentionLagS'],
    ['sluice_expiry_lag_seconds', 'expiryLagS'],
    ['sluice_oldest_snapshot_age_seconds', 'snapshotS'],
    ['sluice_fold_lag_events', 'foldLagEvents'],
    ['sluice_fold_lag_seconds', 'foldLagS'],
    ['sluice_evidence_lag_events', 'evidenceLagEvents'],
    ['sluice_quarantined_events', 'quarantined'],
    ['sluice_measures_set_aside', 'measuresSetAside'],
    ['sluice_meters_failing', 'metersFailing'],
  ] as const;
  for (const [name, figure] of gauges) {
    new Gauge({
      ...describe(name),
      async collect() {
        const found = await sources()?.waiting();
        if (found !== undefined) this.set(found[figure]);
      },
    });
  }
}

function declareCounters(describe: Describe, sources: Sources): void {
  const counters: readonly Figure[] = [
    ['sluice_stream_deliveries_total', of => of.streams().deliveries],
    ['sluice_stream_executions_total', of => of.streams().executions],
    ['sluice_stream_catch_ups_total', of => of.streams().catchUps],
    ['sluice_tail_reads_total', of => of.streams().tailReads],
    ['sluice_events_carried_total', of => of.streams().offered],
    ['sluice_events_removed_total', of => of.upkeep().eventsRemoved],
    ['sluice_partitions_removed_total', of => of.upkeep().partitionsRemoved],
  ];
  for (const [name, read] of counters) {
    new Counter({
      ...describe(name),
      collect() {
        const given = sources();
        if (given === undefined) return;
        this.reset();
        this.inc(read(given));
      },
    });
  }
}

function declareLanes(describe: Describe, sources: Sources): void {
  const figures = [
    ['sluice_database_connections', 'open'],
    ['sluice_database_waiting', 'waiting'],
  ] as const;
  for (const [name, figure] of figures) {
    new Gauge({
      ...describe(name),
      labelNames: ['lane'],
      collect() {
        for (const [lane, of] of Object.entries(sources()?.lanes() ?? {}))
          this.set({ lane }, of[figure]);
      },
    });
  }
}

function declareConsumers(describe: Describe, sources: Sources): void {
  const figures = [
    ['sluice_consumer_lag_events', 'lagEvents'],
    ['sluice_consumers_paused', 'paused'],
    ['sluice_deliveries_in_flight', 'inFlight'],
    ['sluice_deliveries_waiting', 'waiting'],
    ['sluice_deliveries_parked', 'parked'],
  ] as const;
  for (const [name, figure] of figures) {
    new Gauge({
      ...describe(name),
      labelNames: ['kind'],
      async collect() {
        const found = (await sources()?.consumers()) ?? [];
        this.reset();
        for (const of of found) this.set({ kind: of.kind }, of[figure]);
      },
    });
  }
}

function declareDeliveries(describe: Describe, sources: Sources): void {
  const counts = [
    ['sluice_consumer_deliveries_total', 'delivered'],
    ['sluice_consumer_acknowledged_total', 'acknowledged'],
  ] as const;
  for (const [name, figure] of counts) {
    new Counter({
      ...describe(name),
      labelNames: ['kind'],
      collect() {
        this.reset();
        for (const of of sources()?.deliveries() ?? []) this.inc({ kind: of.kind }, of[figure]);
      },
    });
  }
}

function declareFaults(describe: Describe, sources: Sources): void {
  new Gauge({
    ...describe('sluice_upkeep_faults'),
    labelNames: ['step'],
    async collect() {
      const found = await sources()?.waiting();
      for (const [step, workspaces] of Object.entries(found?.faults ?? {}))
        this.set({ step }, workspaces);
    },
  });
}

function declareEmptied(describe: Describe, sources: Sources): Counter<'reason'> {
  let expired = 0;
  const emptied = new Counter({
    ...describe('sluice_events_emptied_total'),
    labelNames: ['reason'] as const,
    collect() {
      const eventsExpired = sources()?.upkeep().eventsExpired ?? 0;
      this.inc({ reason: 'expired' }, eventsExpired - expired);
      expired = eventsExpired;
    },
  });
  emptied.inc({ reason: 'redacted' }, 0);
  return emptied;
}
