/**
 * `npm run overload`: first what a gateway takes, then ten times that is offered, whether it
 * answers or not. Memory must stay bounded, what is accepted quick, and health and streams alive.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChildGateway } from '../kit/child-gateway.ts';
import { ADMIN_KEY } from '../kit/key.ts';
import { startFaultyPostgres } from './postgres.ts';

const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 15);
const TIMES = Number(process.env['OVERLOAD_TIMES'] ?? 10);
const BATCH = Number(process.env['OVERLOAD_BATCH'] ?? 200);
const CLIENTS = 16;
/** So that this process holds out longer than the gateway. */
const IN_FLIGHT_MAX = 4_000;

const RSS_MB_MAX = 600;
const ACCEPTED_P99_MS_MAX = 6_000;
const HEALTH_MS_MAX = 2_000;
const DELIVERY_GAP_MS_MAX = 5_000;

const query = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount } }`;
const payload = { plan: 'pro', amount: 12.5, note: 'x'.repeat(100) };
// Without ids, which the gateway makes: one body serves for ever.
const events = Array.from({ length: BATCH }, () => ({ type: 'overload', payload }));
const body = JSON.stringify({ query, variables: { events } });

interface Seen {
  readonly acceptedMs: number[];
  readonly refusedMs: number[];
  withoutRetryAfter: number;
  readonly others: Map<string, number>;
}

const emptySeen = (): Seen => ({
  acceptedMs: [],
  refusedMs: [],
  withoutRetryAfter: 0,
  others: new Map(),
});

async function send(url: string, seen: Seen): Promise<void> {
  const startedMs = performance.now();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` };
  try {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
    const text = await response.text();
    const tookMs = performance.now() - startedMs;
    if (response.status === 200 && text.includes('"recordedCount"')) seen.acceptedMs.push(tookMs);
    else if (response.status === 503) {
      seen.refusedMs.push(tookMs);
      if (response.headers.get('retry-after') === null) seen.withoutRetryAfter += 1;
    } else count(seen, `${response.status} ${text.slice(0, 100)}`);
  } catch (error) {
    count(seen, String((error as Error).cause ?? error));
  }
}

function count({ others }: Seen, what: string): void {
  others.set(what, (others.get(what) ?? 0) + 1);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** As many as are answered. */
async function capacityOf(url: string): Promise<number> {
  const seen = emptySeen();
  const untilMs = performance.now() + 5_000;
  async function client(): Promise<void> {
    while (performance.now() < untilMs) await send(url, seen);
  }
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return seen.acceptedMs.length / 5;
}

async function offer(url: string, perSecond: number): Promise<Seen & { offered: number }> {
  const seen = emptySeen();
  const running = new Set<Promise<void>>();
  const startMs = performance.now();
  let offered = 0;
  while (performance.now() < startMs + SECONDS * 1_000) {
    const due = ((performance.now() - startMs) / 1_000) * perSecond;
    for (; offered < due && running.size < IN_FLIGHT_MAX; offered++) {
      const sending = send(url, seen).finally(() => running.delete(sending));
      running.add(sending);
    }
    await sleep(5);
  }
  await Promise.all(running);
  return { ...seen, offered };
}

/** Looks at health and memory, and at how long a stream is silent. */
function watch(url: string, pid: number) {
  const stopping = new AbortController();
  const figures = { healthMs: [] as number[], readyMs: [] as number[], rssMb: 0, gapMs: 0 };
  const fault = (error: unknown) => {
    if (!stopping.signal.aborted) console.log(`BROKEN while watching: ${String(error)}`);
  };
  async function ask(path: string, into: number[]): Promise<void> {
    const startedMs = performance.now();
    await (await fetch(`${url}${path}`, { signal: stopping.signal })).text();
    into.push(performance.now() - startedMs);
  }
  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      await Promise.all([
        ask('/health/live', figures.healthMs),
        ask('/health/ready', figures.readyMs),
      ]);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
      figures.rssMb = Math.max(figures.rssMb, Math.round(kb / 1_024));
      await sleep(100);
    }
  }
  async function follow(): Promise<void> {
    const { body: stream } = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${ADMIN_KEY}`,
      },
      body: JSON.stringify({ query: 'subscription { events { position } }' }),
      signal: stopping.signal,
    });
    let lastMs = performance.now();
    for await (const _chunk of stream ?? []) {
      figures.gapMs = Math.max(figures.gapMs, performance.now() - lastMs);
      lastMs = performance.now();
    }
  }
  const watching = [look().catch(fault), follow().catch(fault)];
  return {
    figures,
    async stop() {
      stopping.abort();
      await Promise.all(watching);
    },
  };
}

async function main(): Promise<void> {
  const postgres = await startFaultyPostgres({ volumeMb: null });
  const gateway = await startChildGateway(postgres.url, { NODE_ENV: 'production' });
  const { url, process: child } = gateway;
  try {
    const capacity = await capacityOf(url);
    const unit = `requests of ${BATCH} events (${Math.round(body.length / 1_024)} KB) a second`;
    console.log(`takes ${capacity.toFixed(1)} ${unit}, with ${CLIENTS} clients that wait`);
    const watching = watch(url, child.pid!);
    const seen = await offer(url, Math.max(1, capacity * TIMES));
    await watching.stop();
    const { healthMs, readyMs, rssMb, gapMs } = watching.figures;
    const accepted = seen.acceptedMs;
    const figures: readonly (readonly [string, number, number])[] = [
      ['memory, MB', rssMb, RSS_MB_MAX],
      ['accepted, p99 ms', percentile(accepted, 0.99), ACCEPTED_P99_MS_MAX],
      ['/health/live, worst ms', percentile(healthMs, 1), HEALTH_MS_MAX],
      ['/health/ready, worst ms', percentile(readyMs, 1), HEALTH_MS_MAX],
      ['a stream was silent, ms', Math.round(gapMs), DELIVERY_GAP_MS_MAX],
      ['503 without Retry-After', seen.withoutRetryAfter, 0],
      ['other answers', [...seen.others.values()].reduce((a, b) => a + b, 0), 0],
    ];
    console.log(
      `offered ${(seen.offered / SECONDS).toFixed(1)} a second for ${SECONDS} s: ` +
        `${accepted.length} accepted (p50 ${percentile(accepted, 0.5)} ms), ` +
        `${seen.refusedMs.length} got 503 (p50 ${percentile(seen.refusedMs, 0.5)} ms, ` +
        `p99 ${percentile(seen.refusedMs, 0.99)} ms)`,
    );
    for (const [what, value, max] of figures) {
      const isBroken = value > max;
      console.log(`${isBroken ? 'BROKEN ' : ''}${what}: ${value} (at most ${max})`);
      if (isBroken) process.exitCode = 1;
    }
    if (accepted.length === 0) process.exitCode = 1;
    for (const [what, times] of seen.others) console.log(`  ${times} × ${what}`);
  } finally {
    await gateway[Symbol.asyncDispose]();
    await postgres.dispose();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await main();
process.exit();
