/** Every metric, declared once with its help; what is counted as it happens. For the rest see `figures.ts`. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { RECEIPT_STATUSES, type Receipt } from '../core/event.ts';
import { declareFigures, type Describe, type MetricSources } from './figures.ts';
import { METRICS, type MetricName } from './metric-names.ts';

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4];

const REFUSED_CODES = ['OVERLOADED', 'RATE_LIMITED', 'QUOTA_EXCEEDED'] as const;
type RefusedCode = (typeof REFUSED_CODES)[number];

export interface AnsweredRequest {
  /** One of few: the name of what answered. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly isStream: boolean;
}

/** What was refused since the start. */
export interface Refusals {
  /** Requests, for overload, a rate limit or a quota. */
  readonly requests: number;
  readonly rejectedEvents: number;
  readonly conflictingEvents: number;
}

export interface Metrics {
  receipts(door: string, receipts: readonly Receipt[]): void;
  flushed(flush: { readonly events: number; readonly ms: number }): void;
  /** After each batch of a redaction. */
  redacted(events: number): void;
  answered(request: AnsweredRequest): void;
  connected(change: 1 | -1): void;
  refused(code: RefusedCode): void;
  statement(lane: string, ms: number): void;
  aggregated(source: string, ms: number): void;
  /** A question that a standby may answer: where it was answered. */
  offloaded(at: string): void;
  /** A request of a webhook; a status of null for one without an answer. */
  webhookSent(sent: { readonly status: number | null; readonly durationMs: number }): void;
  /** An attempt to notify; an error of null for a success. */
  notified(
    channel: string,
    sent: { readonly error: string | null; readonly durationMs: number },
  ): void;
  /** Tells where figures are read from. Once. */
  readFrom(sources: MetricSources): void;
  /** By code, and by status: since the start. */
  refusals(): Promise<Refusals>;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const describe = (name: MetricName) => ({ name, help: METRICS[name], registers: [registry] });
  const receipts = new Counter({
    ...describe('sluice_receipts_total'),
    labelNames: ['status', 'door'],
  });
  const flushEvents = new Histogram({
    ...describe('sluice_flush_events'),
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000],
  });
  const flushSeconds = new Histogram({
    ...describe('sluice_flush_seconds'),
    buckets: SECONDS,
  });
  const build = new Gauge({ ...describe('sluice_build_info'), labelNames: ['version'] });
  build.set({ version }, 1);
  let sources: MetricSources | undefined;
  const emptied = declareFigures(describe, () => sources);
  const requests = createRequestMetrics(describe);
  const reads = createReadMetrics(describe);
  collectDefaultMetrics({ register: registry });
  return {
    receipts(door, given) {
      for (const status of RECEIPT_STATUSES) {
        const count = given.filter(receipt => receipt.status === status).length;
        if (count > 0) receipts.inc({ status, door }, count);
      }
    },
    flushed({ events, ms }) {
      flushEvents.observe(events);
      flushSeconds.observe(ms / 1_000);
    },
    async refusals() {
      const [refused, counted] = await Promise.all([requests.refusedSum(), receipts.get()]);
      const of = (status: string) =>
        counted.values.reduce((sum, { labels, value }) => {
          return labels.status === status ? sum + value : sum;
        }, 0);
      const [rejectedEvents, conflictingEvents] = [of('REJECTED'), of('CONFLICT')];
      return { requests: refused, rejectedEvents, conflictingEvents };
    },
    redacted: events => emptied.inc({ reason: 'redacted' }, events),
    answered: requests.answered,
    connected: requests.connected,
    refused: requests.refused,
    ...reads,
    ...createWebhookMetrics(describe),
    ...createNotificationMetrics(describe),
    readFrom(given) {
      sources = given;
    },
    text: () => registry.metrics(),
  };
}

function createRequestMetrics(
  describe: Describe,
): Pick<Metrics, 'answered' | 'connected' | 'refused'> & { refusedSum(): Promise<number> } {
  const requests = new Counter({
    ...describe('sluice_http_requests_total'),
    labelNames: ['route', 'status'],
  });
  const seconds = new Histogram({
    ...describe('sluice_http_request_seconds'),
    labelNames: ['route'],
    buckets: SECONDS,
  });
  const connections = new Gauge(describe('sluice_http_connections'));
  const refused = new Counter({
    ...describe('sluice_requests_refused_total'),
    labelNames: ['code'],
  });
  for (const code of REFUSED_CODES) refused.inc({ code }, 0);
  return {
    answered({ route, status, ms, isStream }) {
      requests.inc({ route, status: `${Math.floor(status / 100)}xx` });
      if (!isStream) seconds.observe({ route }, ms / 1_000);
    },
    connected: change => connections.inc(change),
    refused: code => refused.inc({ code }),
    async refusedSum() {
      const { values } = await refused.get();
      return values.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

function createWebhookMetrics(describe: Describe): Pick<Metrics, 'webhookSent'> {
  const attempts = new Counter({
    ...describe('sluice_webhook_attempts_total'),
    labelNames: ['outcome'],
  });
  const seconds = new Histogram({
    ...describe('sluice_webhook_seconds'),
    buckets: [...SECONDS, 8, 15, 30, 60],
  });
  return {
    webhookSent({ status, durationMs }) {
      attempts.inc({ outcome: status === null ? 'NONE' : `${Math.floor(status / 100)}xx` });
      seconds.observe(durationMs / 1_000);
    },
  };
}

function createNotificationMetrics(describe: Describe): Pick<Metrics, 'notified'> {
  const sent = new Counter({
    ...describe('sluice_notifications_sent_total'),
    labelNames: ['channel', 'outcome'],
  });
  const seconds = new Histogram({
    ...describe('sluice_notification_seconds'),
    labelNames: ['channel'],
    buckets: [...SECONDS, 8, 15],
  });
  return {
    notified(channel, { error, durationMs }) {
      sent.inc({ channel, outcome: error === null ? 'SENT' : 'FAILED' });
      seconds.observe({ channel }, durationMs / 1_000);
    },
  };
}

function createReadMetrics(
  describe: Describe,
): Pick<Metrics, 'statement' | 'aggregated' | 'offloaded'> {
  const statements = new Histogram({
    ...describe('sluice_statement_seconds'),
    labelNames: ['lane'],
    buckets: SECONDS,
  });
  const aggregates = new Histogram({
    ...describe('sluice_aggregate_seconds'),
    labelNames: ['source'],
    buckets: SECONDS,
  });
  const offloaded = new Counter({
    ...describe('sluice_offloaded_reads_total'),
    labelNames: ['at'],
  });
  return {
    offloaded: at => offloaded.inc({ at }),
    statement: (lane, ms) => statements.observe({ lane }, ms / 1_000),
    aggregated: (source, ms) => aggregates.observe({ source }, ms / 1_000),
  };
}
