import { sleep } from '../core/isomorphic.ts';
import {
  askingFor,
  consumeBatches,
  PULL_WAIT_MS,
  type ConsumeBatch,
  type ConsumeBatchOptions,
  type ConsumedEvent,
  type ConsumeOptions,
} from './consume.ts';
import { SluiceError } from './errors.ts';
import { Recorder, sendByGraphql, whenPageHides } from './recorder.ts';
import { subscribe, type SubscribeOptions, type Subscription } from './subscription.ts';
import {
  createTransport,
  operationJson,
  retryDelayMs,
  type Fetch,
  type Transport,
} from './transport.ts';
import type { AnyEvents, EventInput, EventInputOf, Receipt } from './types.ts';

export interface ClientOptions {
  /** Address of the gateway, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer <key>`. */
  readonly key: string;
  /** Slug of the workspace. Default: the key's own. */
  readonly workspace?: string;
  /** Events of one request at most, up to 10,000. Default: 1,000. */
  readonly batchEvents?: number;
  /** Bytes of one request at most, below the gateway's 10 MB. Default: 1,000,000. */
  readonly batchBytes?: number;
  /** Events that may wait for their receipts; then `record()` fails. Default: 10,000. */
  readonly bufferEvents?: number;
  /** Bytes of JSON that may wait. Default: 33,554,432. */
  readonly bufferBytes?: number;
  /** Requests on their way at once. Default: 1, which keeps the order of `record()`. */
  readonly requests?: number;
  /** Ms for which an event is tried; then its promise fails. Default: 300,000. */
  readonly retryForMs?: number;
  /** Ms in which one request must be answered. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Told of each event that could not be recorded, or of which that is not known. */
  readonly onLost?: (error: SluiceError, eventId: string) => void;
  /** Told of each request of events that failed, and how long the next try waits. */
  readonly onRetry?: (error: SluiceError, waitMs: number) => void;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the runtime's own. */
  readonly fetch?: Fetch;
}

export interface QueryOptions {
  /** Gives up. */
  readonly signal?: AbortSignal;
  /** Ms for which a failure that may pass is tried again; only for what changes nothing. Default: 0. */
  readonly retryForMs?: number;
}

/** A document that knows its types, as code generators write it; a plain string will do. */
export interface TypedDocument<Data, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Data;
}

/** @typeParam Events payloads by event type, as `sluice generate typescript` writes them */
export interface SluiceClient<Events extends object = AnyEvents> {
  /**
   * Records an event. It gets its id before the first try and is sent, with others, until there
   * is an answer, so it is stored once, whatever happens in between. The promise may be ignored.
   *
   * @returns the receipt; also a refused event has one
   * @throws SluiceError BUFFER_FULL, CLOSED, INVALID_EVENT, what refused the whole request, or
   * after `retryForMs` the last failure: then it may or may not be stored
   *
   * @example
   * const receipt = await client.record({ type: 'user.signup', payload: { plan: 'pro' } });
   * if (receipt.status === 'REJECTED') console.error(receipt.problems);
   */
  record(event: EventInputOf<Events>): Promise<Receipt>;

  /** Resolves when the buffer has room: for loops that make events faster than they are stored. */
  ready(): Promise<void>;

  /** Resolves when every event recorded so far has its receipt or its error. */
  flush(): Promise<void>;

  /**
   * Takes no more events and flushes. What has no answer after `timeoutMs` (default: as long as
   * it is tried) fails with CLOSED.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;

  /**
   * Hands out events, history after the cursor first, then as they come: each once, in order.
   * Cut connections and gateways that go away are survived. Break out of the loop to end it.
   *
   * @throws SluiceError what asking again does not mend: KEY_REVOKED, CURSOR_EXPIRED (see its
   * `oldestCursor`), CURSOR_EPOCH, FORBIDDEN …
   *
   * @example
   * for await (const { event, cursor } of client.subscribe({ filter: { types: ['user.signup'] } })) {
   *   if (event === null) continue;
   *   await greet(event.payload);
   *   await keep(cursor);
   * }
   */
  subscribe(options?: SubscribeOptions): Subscription;

  /**
   * Works for a consumer: calls the handler with each of its events, and keeps the lease while that
   * is at work. When it resolves, the event is acknowledged. When it throws, the event is delivered
   * again later, to this worker or another; a `ParkError` parks it. Resolves when `signal` has
   * stopped it and the handlers are done. A crash costs a repeated delivery at most.
   *
   * @throws SluiceError what asking again does not mend: NOT_FOUND, FORBIDDEN, CURSOR_EXPIRED …
   *
   * @example
   * await client.consume('mailer', async ({ event }) => send(event.payload), { parallel: 4 });
   */
  consume(
    consumer: string,
    handle: (event: ConsumedEvent) => unknown,
    options?: ConsumeOptions,
  ): Promise<void>;

  /** As `consume`, with several events for each call, which are acknowledged or given back together. */
  consumeBatches(
    consumer: string,
    handle: ConsumeBatch,
    options?: ConsumeBatchOptions,
  ): Promise<void>;

  /**
   * Runs a query or mutation.
   *
   * @throws SluiceError BAD_USER_INPUT with the place of a variable that is no JSON, such as NaN;
   * with `errors`, where there are any, and in `data` what was answered beside
   * them: a receipt there stands, so don't take such an error for an event that is not stored
   *
   * @example
   * const { events } = await client.query<{ events: { totalCount: number } }>(
   *   'query ($type: String!) { events(filter: { types: [$type] }) { totalCount } }',
   *   { type: 'user.signup' },
   * );
   */
  query<Data = Record<string, unknown>, Variables extends object = Record<string, unknown>>(
    document: string | TypedDocument<Data, Variables>,
    variables?: Variables,
    options?: QueryOptions,
  ): Promise<Data>;
}

const DEFAULTS = {
  batchEvents: 1_000,
  batchBytes: 1_000_000,
  bufferEvents: 10_000,
  bufferBytes: 33_554_432,
  requests: 1,
  retryForMs: 300_000,
  onLost: undefined,
  onRetry: undefined,
} as const;
const TIMEOUT_MS = 30_000;

/**
 * A client of one workspace of a gateway. Needs `fetch` and nothing else.
 *
 * What waits is not forgotten at the end: a Node process does not end by itself while events have
 * no answer (but `process.exit()` does not wait: `close()` first); a page that is hidden or left
 * sends up to 60 kB that outlive it; in an edge worker hand `flush()` to `waitUntil`.
 *
 * @throws SluiceError BAD_REQUEST where the address is none
 *
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:4000', key: process.env.SLUICE_KEY });
 * await client.record({ type: 'user.signup', payload: { plan: 'pro' } });
 * await client.close();
 */
export function createClient<Events extends object = AnyEvents>(
  options: ClientOptions,
): SluiceClient<Events> {
  const { workspace, timeoutMs = TIMEOUT_MS } = options;
  const transport = createTransport({ ...options, timeoutMs });
  const waitMs = Math.floor(Math.min(PULL_WAIT_MS, timeoutMs / 2));
  const work: SluiceClient['consumeBatches'] = (consumer, handle, how = {}) =>
    consumeBatches(askingFor(transport, workspace, consumer), handle, { ...how, waitMs });
  const recorder = new Recorder(sendByGraphql(transport, workspace), { ...DEFAULTS, ...options });
  const unhook = whenPageHides(() => recorder.sendBeforeUnload());
  return {
    record: event => recorder.record(event as EventInput),
    ready: () => recorder.ready(),
    flush: () => recorder.flush(),
    async close({ timeoutMs = Infinity } = {}) {
      recorder.close();
      await giveUpAfter(recorder, timeoutMs);
      unhook();
    },
    subscribe: (how = {}) => subscribe(transport, workspace, how),
    consume: (consumer, handle, how = {}) =>
      work(consumer, ([event]) => handle(event as ConsumedEvent), { ...how, batch: 1 }),
    consumeBatches: work,
    query: (document, variables, how = {}) => ask(transport, { document, variables }, how),
  };
}

/** Flushes; fails what has no answer in time. */
async function giveUpAfter(recorder: Recorder, timeoutMs: number): Promise<void> {
  if (recorder.size === 0) return;
  recorder.hurry();
  const flushed = recorder.flush();
  if (timeoutMs === Infinity) return flushed;
  const done = new AbortController();
  const timeout = sleep(timeoutMs, done.signal);
  await Promise.race([flushed, timeout]);
  done.abort();
  const message = `${recorder.size} events had no answer when the client was closed.`;
  recorder.abandon(new SluiceError('CLOSED', message));
}

async function ask<Data>(
  transport: Transport,
  { document, variables }: { document: { toString(): string }; variables: object | undefined },
  { signal, retryForMs = 0 }: QueryOptions,
): Promise<Data> {
  const body = operationJson(document.toString(), variables, { rounded: true });
  const untilMs = Date.now() + retryForMs;
  for (let failures = 0; ; failures += 1) {
    try {
      return await transport.ask<Data>(body, { signal });
    } catch (error) {
      const isPassing = error instanceof SluiceError && error.retryable;
      if (!isPassing || signal?.aborted === true || Date.now() >= untilMs) throw error;
      await sleep(retryDelayMs(failures, error), signal);
    }
  }
}
