/** Waiting before trying again. */
import type { SluiceError } from './errors.ts';

const WAIT_MIN_MS = 100;
const WAIT_MAX_MS = 10_000;

/**
 * How long to wait after so many failures: doubled each time up to 10 s, of which half is left to
 * chance, so that clients do not come back together; or what the gateway asks for, if longer.
 */
export function backoffMs(failures: number, error?: SluiceError): number {
  const waitMs = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** failures);
  return Math.max(error?.retryAfterMs ?? 0, waitMs / 2) + (Math.random() * waitMs) / 2;
}

/** Resolves after a time, or at once when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted === true) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
