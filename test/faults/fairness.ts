/**
 * `npm run fairness`: what a key has of the gateway alone, and beside one at full load. The busy
 * one calls from a process of its own. It is stopped and let go on in turns, and the median of
 * those turns is told, so that what else a machine does weighs on both alike. As a control the same
 * crowd calls another gateway on the same machine: what a key loses then, no gateway can give back.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChildGateway } from '../kit/child-gateway.ts';
import { CROWDS, newCaller, rateOf, watch, WORK, type Caller, type Target } from './crowding.ts';
import { startFaultyPostgres } from './postgres.ts';

const ROUNDS = Number(process.env['FAIRNESS_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['FAIRNESS_SECONDS'] ?? 3);
const AT_ONCE = Number(process.env['FAIRNESS_AT_ONCE'] ?? 100);
/** Part of the line of what is measured alone, such as `records beside writes`. */
const ONLY = process.env['FAIRNESS_ONLY'] ?? '';
const STREAMS = 100;
/** Until what was asked is answered, or until a crowd is there again. */
const SETTLE_MS = 2_000;
/** What a quiet key keeps at least. */
const SHARE_MIN = 0.5;

interface Crowd {
  readonly name: keyof typeof CROWDS;
  readonly target: Target;
  readonly caller: Caller;
}

/** In a process of its own, until it is killed. */
async function beCrowd({ name, target, caller }: Crowd): Promise<never> {
  if (name === 'live') watch(target, caller, STREAMS);
  const atOnce = name === 'live' ? 8 : AT_ONCE;
  for (;;) await rateOf(() => CROWDS[name](target, caller), { atOnce, seconds: 10 });
}

async function startCrowd(crowd: Crowd): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(crowd)]);
  await sleep(2_500);
  child.kill('SIGSTOP');
  return child;
}

interface Home {
  readonly target: Target;
  readonly busy: Caller;
}

async function startHome() {
  const postgres = await startFaultyPostgres({ volumeMb: null });
  const gateway = await startChildGateway(postgres.url, { NODE_ENV: 'production' });
  const [quiet, busy] = [await newCaller(gateway), await newCaller(gateway)];
  for (const caller of [quiet, busy]) {
    await rateOf(() => CROWDS.writes(gateway, caller), { atOnce: 2, seconds: 3 });
  }
  return {
    ...{ target: { url: gateway.url }, quiet, busy },
    async stop() {
      await gateway[Symbol.asyncDispose]();
      await postgres.dispose();
    },
  };
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

interface Measured {
  readonly alone: number[];
  readonly control: number[];
  readonly beside: number[];
  /** Of the quiet key, beside the busy one. */
  readonly errors: Record<string, number>;
}

async function measure(
  work: () => ReturnType<(typeof WORK)['reads']>,
  here: ChildProcess,
  elsewhere: ChildProcess,
): Promise<Measured> {
  const measured: Measured = { alone: [], control: [], beside: [], errors: {} };
  const little = { atOnce: 2, seconds: SECONDS };
  const during = async (crowd: ChildProcess) => {
    crowd.kill('SIGCONT');
    await sleep(SETTLE_MS);
    const rate = await rateOf(work, little);
    crowd.kill('SIGSTOP');
    await sleep(SETTLE_MS);
    return rate;
  };
  for (let round = 0; round < ROUNDS; round++) {
    measured.alone.push((await rateOf(work, little)).perSecond);
    measured.control.push((await during(elsewhere)).perSecond);
    const { perSecond, errors } = await during(here);
    measured.beside.push(perSecond);
    for (const [code, count] of Object.entries(errors)) {
      measured.errors[code] = (measured.errors[code] ?? 0) + count;
    }
  }
  return measured;
}

/** Whether the quiet key has its share. */
function tell(title: string, { alone, control, beside, errors }: Measured): boolean {
  const [own, elsewhere, shared] = [median(alone), median(control), median(beside)];
  const holds = Object.keys(errors).length === 0 && shared >= SHARE_MIN * Math.min(own, elsewhere);
  const percent = (of: number) => `${((shared / of) * 100).toFixed(0)} %`;
  console.log(
    `${holds ? 'holds' : 'FAILS'}  ${title}: ${shared.toFixed(0)}/s, ${percent(own)} of alone ` +
      `(${own.toFixed(0)}/s), ${percent(elsewhere)} of beside one at another gateway ` +
      `(${elsewhere.toFixed(0)}/s); errors ${JSON.stringify(errors)}`,
  );
  return holds;
}

async function main(): Promise<boolean> {
  const [here, elsewhere] = [await startHome(), await startHome()];
  let holds = true;
  try {
    for (const name of ['writes', 'reads', 'live'] as const) {
      const works = Object.entries(WORK).filter(([what]) => `${what} beside ${name}`.includes(ONLY));
      if (works.length === 0) continue;
      const start = ({ target, busy }: Home) => startCrowd({ name, target, caller: busy });
      const crowds = [await start(here), await start(elsewhere)] as const;
      for (const [what, work] of works) {
        const measured = await measure(() => work(here.target, here.quiet), ...crowds);
        holds = tell(`${what} beside ${name}`, measured) && holds;
      }
      for (const crowd of crowds) crowd.kill('SIGKILL');
    }
  } finally {
    await Promise.all([here.stop(), elsewhere.stop()]);
  }
  return holds;
}

const given = process.argv[2];
if (given !== undefined) await beCrowd(JSON.parse(given) as Crowd);
process.exit((await main()) ? 0 : 1);
