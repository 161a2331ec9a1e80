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

interface ReadShares {
  /** Pages of events. */
  readonly pages: number;
  /** All other reads. */
  readonly read: number;
}

export interface ConnectionShares extends Readonly<Record<keyof typeof FIXED, number>>, ReadShares {
  /** The same, at a standby; null where there is none. */
  readonly standby: ReadShares | null;
}

const FIXED_SUM = Object.values(FIXED).reduce((sum, each) => sum + each, 0);

/** One for pages, and one for other reads. */
export const CONNECTIONS_MIN = FIXED_SUM + 2;
/** The same at each of two servers. */
export const CONNECTIONS_WITH_STANDBY_MIN = FIXED_SUM + 4;

/**
 * They add up to what is given, which is at least CONNECTIONS_MIN. With a standby, half of the
 * connections that read lead there.
 */
export function shareConnections(connectionsMax: number, hasStandby = false): ConnectionShares {
  const reading = connectionsMax - FIXED_SUM;
  if (!hasStandby) return { ...FIXED, ...shareReads(reading), standby: null };
  const away = Math.floor(reading / 2);
  return { ...FIXED, ...shareReads(reading - away), standby: shareReads(away) };
}

/** How many of them lead to the primary. */
export function primaryConnections(connectionsMax: number, hasStandby: boolean): number {
  const { standby } = shareConnections(connectionsMax, hasStandby);
  return connectionsMax - (standby === null ? 0 : standby.pages + standby.read);
}

function shareReads(count: number): ReadShares {
  return { pages: Math.ceil(count / 2), read: Math.floor(count / 2) };
}
