import { GatewayError, isUnavailable } from '../core/errors.ts';
import { backoffMs } from '../core/isomorphic.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import type { LiveClock } from './clock.ts';
import type { LiveLimits } from './limits.ts';

/** What retries need to know. */
export interface Patience {
  readonly clock: LiveClock;
  readonly limits: Pick<LiveLimits, 'retryMinMs' | 'retryMaxMs'>;
  /** Wakes every wait when the process stops. */
  readonly stopping: AbortSignal;
  readonly onFailure: (error: unknown) => void;
}

/** Whether the same read may succeed later: the database is away, busy or slow. */
function isPassing(error: unknown): boolean {
  const known = toGatewayError(error, 'read');
  const isSlow = known instanceof GatewayError && known.code === 'QUERY_TOO_EXPENSIVE';
  return isSlow || isUnavailable(known);
}

/** Waits after the n-th failure in a row, from 1. */
export async function backOff(failures: number, patience: Patience): Promise<void> {
  const { clock, limits, stopping } = patience;
  const bounds = { minMs: limits.retryMinMs, maxMs: limits.retryMaxMs };
  await clock.sleep(backoffMs(failures - 1, bounds, clock.random), stopping);
}

/**
 * Tries a read for as long as an outage lasts and it is wanted; undefined when it no longer is.
 * @throws what is not an outage.
 */
export async function throughOutages<T>(
  read: () => Promise<T>,
  isWanted: () => boolean,
  patience: Patience,
): Promise<T | undefined> {
  for (let failures = 1; isWanted() && !patience.stopping.aborted; failures++) {
    try {
      return await read();
    } catch (error) {
      patience.onFailure(error);
      if (!isPassing(error)) throw error;
      await backOff(failures, patience);
    }
  }
  return undefined;
}
