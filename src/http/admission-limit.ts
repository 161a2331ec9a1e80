/**
 * How many requests may be in work at once. A process that does more at a time than it can answers
 * everybody late: its event loop then takes long to come round. So the limit shrinks as long as
 * that lasts, grows where requests wait for no such reason, and else goes back to where it began:
 * what the last burst allowed says nothing of the next.
 */

/** A tenant alone has three quarters of these: 32, and 8. */
const START = 43;
const MIN = 11;
/** Turns of the event loop that take twice this are too long. */
export const LATE_MS = 25;
/** From the first limit to a thousand before anybody has waited for too long. */
const GROW = 1.5;
const SHRINK = 1.25;

export interface Look {
  /** How much later than it was due this look came. */
  readonly lateMs: number;
  /** Whether requests have waited since the last one. */
  readonly isShort: boolean;
}

export function firstLimit(max: number): number {
  return Math.min(START, max);
}

export function nextLimit(limit: number, max: number, { lateMs, isShort }: Look): number {
  if (lateMs > LATE_MS) return Math.max(limit / SHRINK, Math.min(MIN, max));
  if (isShort) return Math.min(limit * GROW, max);
  const first = firstLimit(max);
  return limit > first ? Math.max(limit / SHRINK, first) : Math.min(limit * GROW, first);
}
