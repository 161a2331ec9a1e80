/** What becomes of a gateway that is offered more than it can take. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildGateway } from '../kit/child-gateway.ts';
import { ADMIN_KEY } from '../kit/key.ts';
import { offer, percentile, type Offered } from './offer.ts';

export interface Overloading {
  readonly gateway: ChildGateway;
  /** Events of a request. */
  readonly batch: number;
  readonly seconds: number;
  /** How many times as much as it takes. */
  readonly times: number;
  /** That ask, each one request at a time. @default 1500 */
  readonly connections?: number;
}

export interface Overloaded extends Offered {
  readonly capacityPerSecond: number;
  readonly requestBytes: number;
  readonly worstHealthMs: number;
  readonly worstReadyMs: number;
  /** Of `/health`, that were not 200. */
  readonly unhealthy: number;
  readonly rssMb: number;
  readonly deliveries: number;
  readonly longestSilenceMs: number;
}

const CLIENTS = 16;
const CAPACITY_SECONDS = 3;
const LOOK_EVERY_MS = 100;

export async function overload(options: Overloading): Promise<Overloaded> {
  const { gateway, batch, seconds, times, connections = 1_500 } = options;
  const port = Number(new URL(gateway.url).port);
  const bytes = requestOf(batch);
  const rest = { port, bytes, seconds: CAPACITY_SECONDS };
  const alone = await offer({ ...rest, perSecond: 1e6, connections: CLIENTS });
  const capacityPerSecond = alone.acceptedMs.length / CAPACITY_SECONDS;
  await using watching = await watch(gateway);
  const offered = await offer({
    ...{ port, bytes, seconds, connections },
    perSecond: capacityPerSecond * times,
  });
  return { ...offered, capacityPerSecond, requestBytes: bytes.length, ...watching.figures() };
}

function requestOf(batch: number): Buffer {
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { recordedCount } }`;
  const payload = { plan: 'pro', amount: 12.5, note: 'x'.repeat(100) };
  // Without ids, which the gateway makes: one body serves for ever.
  const events = Array.from({ length: batch }, () => ({ type: 'overload', payload }));
  const body = JSON.stringify({ query, variables: { events } });
  const head = [
    ...['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'],
    ...[`authorization: Bearer ${ADMIN_KEY}`, `content-length: ${Buffer.byteLength(body)}`],
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Looks at health and memory, and at how long a stream is silent. */
async function watch({ url, process: child }: ChildGateway) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const healthMs: number[] = [];
  const readyMs: number[] = [];
  let unhealthy = 0;
  let rssMb = 0;
  let deliveries = 0;
  let longestSilenceMs = 0;

  async function ask(path: string, into: number[]): Promise<void> {
    const startedMs = performance.now();
    const response = await fetch(`${url}${path}`, { signal });
    await response.text();
    into.push(performance.now() - startedMs);
    if (!response.ok) unhealthy += 1;
  }
  async function look(): Promise<void> {
    while (!signal.aborted) {
      await Promise.all([ask('/health/live', healthMs), ask('/health/ready', readyMs)]);
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const kb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
      rssMb = Math.max(rssMb, Math.round(kb / 1_024));
      await sleep(LOOK_EVERY_MS);
    }
  }
  const { body } = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${ADMIN_KEY}`,
    },
    body: JSON.stringify({ query: 'subscription { events { position } }' }),
    signal,
  });
  async function follow(): Promise<void> {
    let lastMs = performance.now();
    for await (const _chunk of body ?? []) {
      deliveries += 1;
      longestSilenceMs = Math.max(longestSilenceMs, performance.now() - lastMs);
      lastMs = performance.now();
    }
  }
  const failures: unknown[] = [];
  const note = (error: unknown) => void (signal.aborted || failures.push(error));
  const watching = [look().catch(note), follow().catch(note)];
  return {
    figures() {
      if (failures.length > 0) throw failures[0];
      const [worstHealthMs, worstReadyMs] = [percentile(healthMs, 1), percentile(readyMs, 1)];
      return { worstHealthMs, worstReadyMs, unhealthy, rssMb, deliveries, longestSilenceMs };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(watching);
    },
  };
}
