/**
 * Streams of many gateways at once. `SIMULATED_GATEWAYS=1000` has a thousand of them, and
 * `TEST_SEED` draws another course of events.
 */
import { expect, test } from 'vitest';
import { simulate, type Plan } from './simulation.ts';

const GATEWAYS = Number(process.env['SIMULATED_GATEWAYS'] ?? 100);
const WORKSPACES = Math.ceil(GATEWAYS / 20);
const SEED = Number(process.env['TEST_SEED'] ?? 1);

const PLAN: Plan = {
  seed: SEED,
  gateways: GATEWAYS,
  workspaces: WORKSPACES,
  readersPerGateway: 2,
  seconds: 30,
  flushesPerSecond: 30,
  commitMaxMs: 10,
  hub: { lost: 0.05, repeated: 0.05, delayMaxMs: 5_000, losesRedactions: false },
  perSecond: {
    // So few in a workspace that none makes up for what went wrong at the one before.
    redactions: 0.15 * WORKSPACES,
    kills: GATEWAYS / 200,
    cuts: GATEWAYS / 100,
    outages: GATEWAYS / 100,
  },
};

test('each reader gets each event once and in order, and nothing that was redacted long ago', async () => {
  const { broken, ...figures } = await simulate(PLAN);
  if (GATEWAYS >= 1_000) console.log(figures);
  expect(broken).toEqual([]);
  expect(figures.events).toBeGreaterThan(500);
  expect(figures.kills).toBeGreaterThan(5);
  expect(figures.redactions).toBeGreaterThan(10);
});

test('the redaction counter is enough where no word of a redaction comes through', async () => {
  const { broken } = await simulate({ ...PLAN, hub: { ...PLAN.hub, losesRedactions: true } });
  expect(broken).toEqual([]);
});

test('where messages come in order, reads per event do not grow with the gateways', async () => {
  const calm: Plan = {
    ...{ ...PLAN, workspaces: 5, seconds: 20, commitMaxMs: 1 },
    hub: { lost: 0, repeated: 0, delayMaxMs: 1, losesRedactions: false },
    perSecond: { redactions: 0, kills: 0, cuts: 0, outages: 0 },
  };
  const few = await simulate({ ...calm, gateways: GATEWAYS / 10 });
  const many = await simulate({ ...calm, gateways: GATEWAYS });
  expect([few.broken, many.broken]).toEqual([[], []]);
  // Beyond what streams read at their start.
  const readsPerEvent = ({ eventReads, events }: typeof few, gateways: number) =>
    Math.max(0, eventReads - 2 * PLAN.readersPerGateway * gateways) / events;
  expect(readsPerEvent(many, GATEWAYS)).toBeLessThanOrEqual(
    readsPerEvent(few, GATEWAYS / 10) + 0.1,
  );
  for (const { headReadsPerSecond } of [few, many]) expect(headReadsPerSecond).toBeLessThan(1.1);
});

test.each([
  ['the poll', 'POLL', /got \d+ events up to \d+, of \d+/],
  ['the redaction counter', 'REDACTION_COUNTER', /content was handed out/],
] as const)('the simulation notices when %s is taken out', async (_name, without, message) => {
  const hub = { ...PLAN.hub, losesRedactions: without === 'REDACTION_COUNTER' };
  const { broken } = await simulate({ ...PLAN, hub, without });
  expect(broken.join('\n')).toMatch(message);
});
