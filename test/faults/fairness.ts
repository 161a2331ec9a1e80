/**
 * `npm run fairness`: what a key has of the gateway alone, and beside one at full load. The busy
 * one calls from a process of its own, so that only the gateway is shared.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startChildGateway } from '../kit/child-gateway.ts';
import {
  CROWDS,
  newCaller,
  rateOf,
  watch,
  WORK,
  type Caller,
  type Rate,
  type Target,
} from './crowding.ts';
import { startFaultyPostgres } from './postgres.ts';

const SECONDS = Number(process.env['FAIRNESS_SECONDS'] ?? 8);
const AT_ONCE = Number(process.env['FAIRNESS_AT_ONCE'] ?? 100);
const STREAMS = 100;

interface Crowd {
  readonly name: keyof typeof CROWDS;
  readonly target: Target;
  readonly caller: Caller;
  readonly seconds: number;
}

const shown = ({ perSecond, errors }: Rate) =>
  `${perSecond.toFixed(1)}/s, errors ${JSON.stringify(errors)}`;

/** In a process of its own. */
function crowd(wanted: Crowd): Promise<Rate> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(wanted)]);
  return new Promise((resolve, reject) => {
    child.once('message', rate => resolve(rate as Rate)).once('error', reject);
  });
}

async function beCrowd({ name, target, caller, seconds }: Crowd): Promise<void> {
  const leave = name === 'live' ? watch(target, caller, STREAMS) : () => {};
  const atOnce = name === 'live' ? 8 : AT_ONCE;
  const rate = await rateOf(() => CROWDS[name](target, caller), { atOnce, seconds });
  leave();
  process.send?.(rate);
}

async function main(): Promise<void> {
  const postgres = await startFaultyPostgres({ volumeMb: null });
  const gateway = await startChildGateway(postgres.url, { NODE_ENV: 'production' });
  try {
    const [quiet, busy] = [await newCaller(gateway), await newCaller(gateway)];
    for (const caller of [quiet, busy]) {
      await rateOf(() => CROWDS.writes(gateway, caller), { atOnce: 2, seconds: 4 });
    }
    const little = { atOnce: 2, seconds: SECONDS };
    for (const name of ['writes', 'reads', 'live'] as const) {
      for (const [what, work] of Object.entries(WORK)) {
        const alone = await rateOf(() => work(gateway, quiet), little);
        const target = { url: gateway.url };
        const crowding = crowd({ name, target, caller: busy, seconds: SECONDS + 4 });
        await new Promise(resolve => setTimeout(resolve, 3_000));
        const beside = await rateOf(() => work(gateway, quiet), little);
        const other = await crowding;
        const percent = ((beside.perSecond / alone.perSecond) * 100).toFixed(0);
        console.log(`${what} beside ${name}: ${percent} % of its rate alone`);
        console.log(
          `  alone ${shown(alone)}; beside ${shown(beside)}; the busy one ${shown(other)}`,
        );
      }
    }
  } finally {
    await gateway[Symbol.asyncDispose]();
    await postgres.dispose();
  }
}

const given = process.argv[2];
if (given === undefined) await main();
else await beCrowd(JSON.parse(given) as Crowd);
process.exit();
