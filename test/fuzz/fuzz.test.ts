/**
 * Random and mutated inputs against a gateway of its own: `npm run fuzz` for many, with its bounds
 * on time; without FUZZ_INPUTS the short form. FUZZ_SEED repeats a run.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { verify } from '../../src/db/verify.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { Dice } from './dice.ts';
import { furnish } from './furnish.ts';
import { describeInput, input, type Input } from './requests.ts';
import { Sender, type Outcome } from './send.ts';
import { Stalls } from './stalls.ts';
import type { Known } from './values.ts';

const { FUZZ_INPUTS, FUZZ_SEED } = process.env;
const isFull = FUZZ_INPUTS !== undefined;
const inputs = Number(FUZZ_INPUTS ?? 1_000);
const seed = Number(FUZZ_SEED ?? Date.now() % 1_000_000_000);
const LANES = Math.min(6, inputs);
const ANSWER_MS_MAX = isFull ? 4_000 : 30_000;
const STALL_MS_MAX = 200;

const UNLIMITED = {
  SLUICE_WRONG_KEYS_PER_MINUTE: '1000000',
  SLUICE_LOGSH_EVENTS_PER_SECOND: '1000000',
  SLUICE_STREAMS_PER_KEY_MAX: '10000',
};

let database: TestDatabase;
let gateway: ChildGateway;
let sender: Sender;
let stalls: Stalls;
let known: Known;
beforeAll(async () => {
  database = await createTestDatabase();
  const stallsUrl = new URL('stalls.mjs', import.meta.url).href;
  const nodeOptions = `${process.env['NODE_OPTIONS'] ?? ''} --import ${stallsUrl}`;
  gateway = await startChildGateway(database.url, { ...UNLIMITED, NODE_OPTIONS: nodeOptions });
  sender = new Sender(gateway.url);
  known = await furnish(gateway);
  await warmUp();
  stalls = new Stalls(gateway.log);
});
afterAll(async () => {
  sender[Symbol.dispose]();
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** What compiles and connects at first use is not what is measured. */
async function warmUp(): Promise<void> {
  const dice = fc.sample(fc.gen(), { seed: 1, numRuns: 100 });
  for (const draw of dice) await sender.send(input(new Dice(draw), known));
}

test(
  `${inputs} inputs are all answered, below 500 and with a code (FUZZ_SEED=${seed})`,
  async () => {
    const statuses = new Map<string, number>();
    let slowestMs = 0;
    const judge = async (given: Input): Promise<Outcome> => {
      const done = stalls.during(given);
      const outcome = await sender.send(given);
      done();
      slowestMs = Math.max(slowestMs, outcome.tookMs);
      const sort = `${given.kind} ${outcome.status}`;
      statuses.set(sort, (statuses.get(sort) ?? 0) + 1);
      return outcome;
    };
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(seed + lane, judge));
    const findings = (await Promise.all(lanes)).flat();
    const told = [...statuses].sort().map(([sort, count]) => `${sort}: ${count}`);
    console.log(`FUZZ_SEED=${seed}, ${inputs} inputs\n${told.join(', ')}`);
    console.log(`slowest answer ${Math.round(slowestMs)} ms; ${stalls.summary()}`);
    if (isFull) console.log(await stalls.culprits(given => sender.send(given)));
    expect(findings).toEqual([]);
  },
  isFull ? 3_600_000 : 120_000,
);

/** Its share of the inputs, one after the other. */
async function runLane(
  laneSeed: number,
  judge: (given: Input) => Promise<Outcome>,
): Promise<string[]> {
  const property = fc.asyncProperty(fc.gen(), async draw => {
    const given = input(new Dice(draw), known);
    const { faults, tookMs } = await judge(given);
    const slow = tookMs > ANSWER_MS_MAX ? [`answered after ${Math.round(tookMs)} ms`] : [];
    if (faults.length + slow.length === 0) return;
    throw new Error([...faults, ...slow, describeInput(given)].join('\n'));
  });
  const { failed, numRuns, errorInstance } = await fc.check(property, {
    // To shrink would hold up the other lanes, whose answers are timed.
    ...{ seed: laneSeed, numRuns: Math.ceil(inputs / LANES), endOnFailure: true },
  });
  if (!failed) return [];
  const error = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  return [`FUZZ_SEED=${laneSeed}, input ${numRuns} of the lane: ${error}`];
}

test('the gateway lives, its log has no unexpected error, its database is whole', async () => {
  const { exitCode, signalCode } = gateway.process;
  expect({ exitCode, signalCode }).toEqual({ exitCode: null, signalCode: null });
  const bad = gateway
    .log()
    .split('\n')
    .filter(
      line => /unexpected error|"level":[56]0/.test(line) || /"code":"[0-9A-Z]{5}"/.test(line),
    );
  expect(bad).toEqual([]);
  const db = createDatabase({ url: database.url });
  const { violations } = await verify(db.upkeep).finally(() => db.stop());
  expect(violations).toEqual([]);
}, 600_000);

test.runIf(isFull)(`its event loop never stands still for ${STALL_MS_MAX} ms`, () => {
  expect(stalls.longestBusyMs).toBeLessThanOrEqual(STALL_MS_MAX);
});
