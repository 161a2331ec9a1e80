/**
 * Works for a consumer: pulls, hands out, keeps the leases while the handler is at work, and settles.
 * A handler that resolves acknowledges; one that throws gives back, to be tried again.
 */
import { backoffMs, sleep } from './backoff.ts';
import { SluiceError } from './errors.ts';
import { operationJson } from './operation.ts';
import { EVENT_FIELDS } from './subscription.ts';
import type { Transport } from './transport.ts';
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

const WAIT = 'PT20S';
const PULLED_MAX = 1_000;
const SETTLE_TRIES = 5;

interface Pulled extends Omit<ConsumedEvent, 'signal'> {
  readonly token: string;
  readonly leaseDuration: string;
}

/** A delivery in the hands of a handler. */
interface Held {
  readonly token: string;
  readonly leaseMs: number;
  readonly lost: AbortController;
}

/** Resolves when it was stopped. @throws SluiceError what asking again does not mend */
export async function consumeBatches(
  ask: (document: string, input: object, signal?: AbortSignal) => Promise<unknown>,
  handle: ConsumeBatch,
  options: ConsumeBatchOptions,
): Promise<void> {
  const { batch = 100, parallel = 1, onRetry = () => {}, onFailed = () => {} } = options;
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  if (options.signal?.aborted === true) return;
  options.signal?.addEventListener('abort', stop, { once: true });
  const held = new Map<string, Held>();
  const working = new Set<Promise<void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function pull(first: number): Promise<Pulled[]> {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      try {
        const data = await ask(PULL, { first, wait: WAIT }, stopping.signal);
        return (data as { pullEvents: { deliveries: Pulled[] } }).pullEvents.deliveries;
      } catch (error) {
        if (stopping.signal.aborted) break;
        if (!(error instanceof SluiceError) || !error.retryable) throw error;
        const waitMs = backoffMs(failures, error);
        onRetry(error, waitMs);
        await sleep(waitMs, stopping.signal);
      }
    }
    return [];
  }

  /** What can't be settled is delivered again. */
  async function settle(document: string, input: object): Promise<readonly string[]> {
    for (let failures = 0; ; failures += 1) {
      try {
        const data = await ask(document, input);
        return (data as { settled: { expiredTokens: string[] } }).settled.expiredTokens;
      } catch (error) {
        const isPassing = error instanceof SluiceError && error.retryable;
        if (!isPassing || failures >= SETTLE_TRIES) throw error;
        const waitMs = backoffMs(failures, error);
        onRetry(error, waitMs);
        await sleep(waitMs);
      }
    }
  }

  /** All leases that are held, long before the shortest runs out. */
  function renewLater(): void {
    if (timer !== undefined || held.size === 0) return;
    const shortestMs = Math.min(...[...held.values()].map(({ leaseMs }) => leaseMs));
    timer = setTimeout(() => {
      timer = undefined;
      const tokens = [...held.keys()].slice(0, PULLED_MAX);
      const renewing = tokens.length === 0 ? Promise.resolve([]) : settle(EXTEND, { tokens });
      void renewing
        .then(expired => expired.forEach(token => held.get(token)?.lost.abort()))
        .catch(() => {})
        .finally(renewLater);
    }, shortestMs / 3);
  }

  async function work(deliveries: readonly Pulled[]): Promise<void> {
    const tokens = deliveries.map(({ token }) => token);
    const events = deliveries.map(({ token, leaseDuration, ...rest }) => {
      const lost = new AbortController();
      held.set(token, { token, lost, leaseMs: Number(/[\d.]+/.exec(leaseDuration)?.[0]) * 1_000 });
      return { ...rest, signal: lost.signal };
    });
    renewLater();
    try {
      await handle(events);
      await settle(ACKNOWLEDGE, { tokens });
    } catch (error) {
      onFailed(error, events);
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, 250);
      await settle(RELEASE, { tokens, reason, park: error instanceof ParkError }).catch(() => {});
    } finally {
      for (const token of tokens) held.delete(token);
    }
  }

  try {
    while (!stopping.signal.aborted) {
      const free = parallel - working.size;
      if (free <= 0) {
        await Promise.race(working);
        continue;
      }
      const pulled = await pull(Math.min(PULLED_MAX, free * batch));
      for (let at = 0; at < pulled.length; at += batch) {
        const one = work(pulled.slice(at, at + batch));
        working.add(one);
        void one.finally(() => working.delete(one));
      }
    }
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await Promise.all(working);
    clearTimeout(timer);
  }
}

/** Asks for a consumer of a workspace. */
export function askingFor(
  transport: Transport,
  workspace: string | undefined,
  consumer: string,
): (document: string, input: object, signal?: AbortSignal) => Promise<unknown> {
  return (document, input, signal) => {
    const variables = { input: { workspace, consumer, ...input } };
    return transport.ask(operationJson(document, variables, { rounded: false }), { signal });
  };
}
