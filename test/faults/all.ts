/** Every fault of the suite. */
import type { Fault } from './arena.ts';
import { CLOCK_FAULTS } from './faults/clock.ts';
import { FLOODS } from './faults/floods.ts';
import { GATEWAY_FAULTS } from './faults/gateway.ts';
import { GATEWAYS_FAULTS } from './faults/gateways.ts';
import { NETWORK_FAULTS } from './faults/network.ts';
import { POSTGRES_FAULTS } from './faults/postgres.ts';

export const FAULTS: readonly Fault[] = [
  ...GATEWAY_FAULTS,
  ...POSTGRES_FAULTS,
  ...NETWORK_FAULTS,
  ...FLOODS,
  ...CLOCK_FAULTS,
  ...GATEWAYS_FAULTS,
];

/** @throws Error for a name that no fault has. */
export function faultsNamed(names: readonly string[]): readonly Fault[] {
  const unknown = names.filter(name => !FAULTS.some(fault => fault.name === name));
  if (unknown.length > 0) {
    const known = FAULTS.map(({ name }) => name).join(', ');
    throw new Error(`there is no fault ${unknown.join(', ')}: there are ${known}`);
  }
  return FAULTS.filter(({ name }) => names.includes(name));
}
