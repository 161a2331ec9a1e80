/**
 * The connections that a gateway holds at most, and who has how many. Fewer than the fixed ones
 * would let one kind of work wait for another: a flush for what it is to store, a probe for all.
 */
import { LIMITS } from './limits.ts';

const FIXED = {
  flush: LIMITS.writers,
  lookup: 2,
  write: 3,
  upkeep: 3,
  probe: 1,
  listen: 1,
} as const;

export interface ConnectionShares extends Readonly<Record<keyof typeof FIXED, number>> {
  /** Pages of events. */
  readonly pages: number;
  /** All other reads. */
  readonly read: number;
}

const FIXED_SUM = Object.values(FIXED).reduce((sum, each) => sum + each, 0);

/** One for pages, and one for other reads. */
export const CONNECTIONS_MIN = FIXED_SUM + 2;

/** They add up to what is given, which is at least CONNECTIONS_MIN. */
export function shareConnections(connectionsMax: number): ConnectionShares {
  const reading = connectionsMax - FIXED_SUM;
  return { ...FIXED, pages: Math.ceil(reading / 2), read: Math.floor(reading / 2) };
}
