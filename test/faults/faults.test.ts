/** The short form of `npm run faults`: those that are over soon. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsNamed } from './all.ts';
import { openArena, type RunningArena } from './arena.ts';

const SHORT = [
  ...['gateway-killed', 'gateway-terminated', 'postgres-crash'],
  ...['sessions-terminated', 'answers-lost', 'open-writer'],
];

let arena: RunningArena;
beforeAll(async () => {
  arena = await openArena();
});
afterAll(() => arena[Symbol.asyncDispose](), 60_000);

test.each(faultsNamed(SHORT).map(fault => [fault.name, fault] as const))(
  '%s leaves every promise whole',
  async (_name, fault) => {
    const { faults, acknowledged } = await arena.inflict({ ...fault, rounds: 1 });
    expect(faults).toEqual([]);
    expect(acknowledged).toBeGreaterThan(20);
  },
  180_000,
);
