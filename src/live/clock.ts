import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance, as the live parts take them. */
export interface LiveClock {
  /** The time of day, for what expires. */
  now(): Date;
  /** Never goes back: for intervals. */
  elapsedMs(): number;
  /** Resolves after a time, or at once when aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Runs later, after pending input and output had its turn. */
  soon(work: () => void): void;
  /** 0 <= x < 1 */
  random(): number;
}

/** For intervals: the time of day may be put back or ahead by days. */
export const monotonicMs = () => performance.now();

export const systemClock: LiveClock = {
  now: () => new Date(),
  elapsedMs: monotonicMs,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  soon: work => void setImmediate(work),
  random: Math.random,
};
