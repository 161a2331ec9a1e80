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
  /** The same, at a standby. */
  readonly standbyPages: number;
  readonly standbyRead: number;
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
  const away = hasStandby ? Math.floor(reading / 2) : 0;
  const here = reading - away;
  return {
    ...FIXED,
    pages: Math.ceil(here / 2),
    read: Math.floor(here / 2),
    standbyPages: Math.ceil(away / 2),
    standbyRead: Math.floor(away / 2),
  };
}

/** How many of them lead to the primary. */
export function primaryConnections(connectionsMax: number, hasStandby: boolean): number {
  const { standbyPages, standbyRead } = shareConnections(connectionsMax, hasStandby);
  return connectionsMax - standbyPages - standbyRead;
}
