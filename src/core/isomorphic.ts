/**
 * Functions that the gateway, the client and the console share. They run in browsers too: this file
 * imports nothing.
 */

/**
 * A UUID of version 7 (RFC 9562, 5.7): 48 bits of time, so that ids of about one time lie
 * together, then 74 bits at random, taken from a UUID of version 4.
 */
export function uuidV7(unixMs: number, randomUuid: string): string {
  const time = unixMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUuid.slice(15)}`;
}

/** A step of a JSON Pointer (RFC 6901), with the slash before it. */
export function pointerStep(name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export interface Backoff {
  /** The longest wait after the first failure. */
  readonly minMs: number;
  /** The longest wait at all. */
  readonly maxMs: number;
  /** What the other side asks for: no wait is shorter. */
  readonly atLeastMs?: number | undefined;
}

/**
 * How long to wait before another try. The wait doubles with each failure. Half of it is random, so
 * that those that failed together do not come back together.
 * @param retries made since the last success, from 0
 */
export function backoffMs(
  retries: number,
  { minMs, maxMs, atLeastMs = 0 }: Backoff,
  random: () => number = Math.random,
): number {
  const halfMs = Math.min(maxMs, minMs * 2 ** Math.min(retries, 30)) / 2;
  return Math.max(atLeastMs, halfMs) + random() * halfMs;
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

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise whose handles are outside it: `Promise.withResolvers`, which Node 20 lacks. */
export function deferred<T>(): Deferred<T> {
  let handles: Pick<Deferred<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    handles = { resolve, reject };
  });
  return { promise, ...(handles as Pick<Deferred<T>, 'resolve' | 'reject'>) };
}

/** What begins a formula, also in full-width letters, where a spreadsheet begins a cell. */
const FORMULA =
  /^(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])|(?<=[;\t\r\n])(?=[" ]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/**
 * A text of a CSV file of which no spreadsheet takes a part for a formula: an apostrophe stands before
 * it. In many countries a spreadsheet parts cells at semicolons, whatever the commas and quotes of the
 * file say: so a formula may also begin within a text.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function withoutFormula(text: string): string {
  return text.replace(FORMULA, "'");
}
