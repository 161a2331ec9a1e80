/**
 * Works for a consumer: pulls, hands out, keeps the leases while the handler is at work, and settles.
 * A handler that resolves acknowledges; one that throws gives back, to be tried again.
 */
import { sleep } from '../core/isomorphic.ts';
import { SluiceError } from './errors.ts';
import { EVENT_FIELDS } from './subscription.ts';
import { operationJson, retryDelayMs, type Transport } from './transport.ts';
import type { RecordedEvent } from './types.ts';

/** An event that this worker has. */
export interface ConsumedEvent {
  readonly event: RecordedEvent;
  /** How often it was delivered, with this time: 1 for the first. */
  readonly attempt: number;
  /** Its position as a cursor, for pages and streams. */
  readonly cursor: string;
  /** Aborts when another worker may have it: what is done from then on may be done twice. */
  readonly signal: AbortSignal;
}

/** Thrown by a handler: the event is parked at once, with this message as the reason. */
export class ParkError extends Error {
  override readonly name = 'ParkError';
}

export interface ConsumeOptions {
  /** Handlers at work at once. Default: 1. */
  readonly parallel?: number;
  /** Stops in order: pulls no more, and waits for the handlers that are at work. */
  readonly signal?: AbortSignal;
  /** Told of each request that failed and is tried again, and how long that waits. */
  readonly onRetry?: (error: SluiceError, waitMs: number) => void;
  /** Told of what a handler threw. */
  readonly onFailed?: (error: unknown, events: readonly ConsumedEvent[]) => void;
}

export interface ConsumeBatchOptions extends ConsumeOptions {
  /** Events of one call of the handler at most, 1 to 1,000. Default: 100. */
  readonly batch?: number;
}

export type ConsumeBatch = (events: readonly ConsumedEvent[]) => unknown;

const PULL = `mutation Pull($input: PullEventsInput!) {
  pullEvents(input: $input) {
    deliveries { token attempt cursor leaseDuration event { ${EVENT_FIELDS} } }
  }
}`;
const settling = (field: string, input: string) => `mutation Settle($input: ${input}!) {
  settled: ${field}(input: $input) { expiredTokens }
}`;
const ACKNOWLEDGE = settling('acknowledgeDeliveries', 'AcknowledgeDeliveriesInput');
const RELEASE = settling('releaseDeliveries', 'ReleaseDeliveriesInput');
const EXTEND = settling('extendDeliveries', 'ExtendDeliveriesInput');

/** A pull waits for as long at most, and for less than its answer may take. */
export const PULL_WAIT_MS = 20_000;
const PULLED_MAX = 1_000;
const SETTLE_TRIES = 5;

interface Pulled extends Omit<ConsumedEvent, 'signal'> {
  readonly token: string;
  readonly leaseDuration: string;
}

/** A delivery in the hands of a handler. */
interface Held {
  readonly leaseMs: number;
  readonly lost: AbortController;
}

type Ask = (document: string, input: object, signal?: AbortSignal) => Promise<unknown>;

/** Works until it is stopped. @throws SluiceError what asking again does not mend */
export async function consumeBatches(
  ask: Ask,
  handle: ConsumeBatch,
  options: ConsumeBatchOptions & { readonly waitMs: number },
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  if (options.signal?.aborted === true) return;
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Worker(ask, handle, { ...options, signal: stopping.signal }).run();
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

class Worker {
  readonly #ask: Ask;
  readonly #handle: ConsumeBatch;
  readonly #options: ConsumeBatchOptions & {
    readonly waitMs: number;
    readonly signal: AbortSignal;
  };
  readonly #held = new Map<string, Held>();
  readonly #working = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    ask: Ask,
    handle: ConsumeBatch,
    options: ConsumeBatchOptions & { readonly waitMs: number; readonly signal: AbortSignal },
  ) {
    this.#ask = ask;
    this.#handle = handle;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { batch = 100, parallel = 1, signal } = this.#options;
    try {
      while (!signal.aborted) {
        const free = parallel - this.#working.size;
        if (free <= 0) {
          await Promise.race(this.#working);
          continue;
        }
        const pulled = await this.#pull(Math.min(PULLED_MAX, free * batch));
        for (let at = 0; at < pulled.length; at += batch) {
          const work = this.#work(pulled.slice(at, at + batch));
          this.#working.add(work);
          void work.finally(() => this.#working.delete(work));
        }
      }
    } finally {
      await Promise.all(this.#working);
      clearTimeout(this.#timer);
    }
  }

  async #pull(first: number): Promise<readonly Pulled[]> {
    const { signal, waitMs } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const data = await this.#ask(PULL, { first, wait: `PT${waitMs / 1_000}S` }, signal);
        return (data as { pullEvents: { deliveries: Pulled[] } }).pullEvents.deliveries;
      } catch (error) {
        if (signal.aborted) break;
        await this.#retryLater(failures, error, signal);
      }
    }
    return [];
  }

  /** @throws the error, where asking again does not mend it */
  async #retryLater(failures: number, error: unknown, signal?: AbortSignal): Promise<void> {
    if (!(error instanceof SluiceError) || !error.retryable) throw error;
    const waitMs = retryDelayMs(failures, error);
    this.#options.onRetry?.(error, waitMs);
    await sleep(waitMs, signal);
  }

  /** Tokens that hold nothing any more. What can't be settled is delivered again. */
  async #settle(document: string, input: object): Promise<readonly string[]> {
    for (let failures = 0; ; failures += 1) {
      try {
        const data = await this.#ask(document, input);
        return (data as { settled: { expiredTokens: string[] } }).settled.expiredTokens;
      } catch (error) {
        if (failures >= SETTLE_TRIES) throw error;
        await this.#retryLater(failures, error);
      }
    }
  }

  async #work(deliveries: readonly Pulled[]): Promise<void> {
    const tokens = deliveries.map(({ token }) => token);
    const events = deliveries.map(({ token, leaseDuration, ...rest }) => {
      const lost = new AbortController();
      this.#held.set(token, { lost, leaseMs: msOf(leaseDuration) });
      return { ...rest, signal: lost.signal };
    });
    this.#renewLater();
    try {
      await this.#handle(events);
      await this.#settle(ACKNOWLEDGE, { tokens });
    } catch (error) {
      this.#options.onFailed?.(error, events);
      const release = { tokens, reason: reasonOf(error), park: error instanceof ParkError };
      await this.#settle(RELEASE, release).catch(() => {});
    } finally {
      for (const token of tokens) this.#held.delete(token);
    }
  }

  /** All leases that are held, long before the shortest runs out. */
  #renewLater(): void {
    if (this.#timer !== undefined || this.#held.size === 0) return;
    const shortestMs = Math.min(...Array.from(this.#held.values(), ({ leaseMs }) => leaseMs));
    this.#timer = setTimeout(() => {
      void this.#renew()
        .catch(() => {})
        .finally(() => {
          this.#timer = undefined;
          this.#renewLater();
        });
    }, shortestMs / 3);
  }

  async #renew(): Promise<void> {
    const tokens = [...this.#held.keys()];
    for (let at = 0; at < tokens.length; at += PULLED_MAX) {
      const some = tokens.slice(at, at + PULLED_MAX);
      for (const token of await this.#settle(EXTEND, { tokens: some })) {
        this.#held.get(token)?.lost.abort();
      }
    }
  }
}

/** As much of a message as is kept, and nothing that can't be. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return Array.from(text.replace(/[\0\p{Surrogate}]/gu, '\ufffd'))
    .slice(0, 250)
    .join('');
}

/** Of a duration as the gateway writes it: `PT30S`. */
function msOf(duration: string): number {
  return Number(/[\d.]+/.exec(duration)?.[0]) * 1_000;
}

/** Asks for a consumer of a workspace. */
export function askingFor(
  transport: Transport,
  workspace: string | undefined,
  consumer: string,
): Ask {
  return (document, input, signal) => {
    const variables = { input: { workspace, consumer, ...input } };
    return transport.ask(operationJson(document, variables, { rounded: false }), { signal });
  };
}
