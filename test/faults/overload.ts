/**
 * `npm run overload`: first what a gateway takes, then ten times that is offered, whether it
 * answers or not. Memory must stay bounded, what is accepted quick, and health and streams alive.
 */
import { startChildGateway } from '../kit/child-gateway.ts';
import { percentile } from './offer.ts';
import { overload } from './overloading.ts';
import { startFaultyPostgres } from './postgres.ts';

const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 15);
const TIMES = Number(process.env['OVERLOAD_TIMES'] ?? 10);
const BATCH = Number(process.env['OVERLOAD_BATCH'] ?? 200);

const RSS_MB_MAX = 600;
const ACCEPTED_P99_MS_MAX = 6_000;
const HEALTH_MS_MAX = 2_000;
const SILENCE_MS_MAX = 5_000;

async function main(): Promise<void> {
  const postgres = await startFaultyPostgres({ volumeMb: null });
  const gateway = await startChildGateway(postgres.url, { NODE_ENV: 'production' });
  try {
    const seen = await overload({ gateway, batch: BATCH, seconds: SECONDS, times: TIMES });
    const { capacityPerSecond, requestBytes, sent, acceptedMs, refusedMs, others } = seen;
    const unit = `requests of ${BATCH} events (${Math.ceil(requestBytes / 1_024)} KB) a second`;
    console.log(`takes ${capacityPerSecond.toFixed(1)} ${unit}`);
    console.log(
      `offered ${(sent / SECONDS).toFixed(1)} a second for ${SECONDS} s: ` +
        `${acceptedMs.length} accepted (p50 ${percentile(acceptedMs, 0.5)} ms), ` +
        `${refusedMs.length} got 503 (p50 ${percentile(refusedMs, 0.5)} ms, ` +
        `p99 ${percentile(refusedMs, 0.99)} ms)`,
    );
    const figures: readonly (readonly [string, number, number])[] = [
      ['memory, MB', seen.rssMb, RSS_MB_MAX],
      ['accepted, p99 ms', percentile(acceptedMs, 0.99), ACCEPTED_P99_MS_MAX],
      ['/health/live, worst ms', seen.worstHealthMs, HEALTH_MS_MAX],
      ['/health/ready, worst ms', seen.worstReadyMs, HEALTH_MS_MAX],
      ['/health that was not 200', seen.unhealthy, 0],
      ['a stream was silent, ms', Math.round(seen.longestSilenceMs), SILENCE_MS_MAX],
      ['503 without Retry-After', seen.withoutRetryAfter, 0],
      ['other answers', [...others.values()].reduce((a, b) => a + b, 0), 0],
    ];
    for (const [what, value, max] of figures) {
      const isBroken = value > max;
      console.log(`${isBroken ? 'BROKEN ' : ''}${what}: ${value} (at most ${max})`);
      if (isBroken) process.exitCode = 1;
    }
    if (acceptedMs.length === 0 || refusedMs.length === 0) process.exitCode = 1;
    for (const [what, times] of others) console.log(`  ${times} × ${what}`);
  } finally {
    await gateway[Symbol.asyncDispose]();
    await postgres.dispose();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await main();
process.exit();
