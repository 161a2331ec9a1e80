/**
 * A stream of events that outlives its connections. It keeps the cursor of the last delivery. When a
 * connection is lost, it subscribes again after that cursor, so each event comes once, in order.
 */
import { sleep } from '../core/isomorphic.ts';
import { errorOf, SluiceError } from './errors.ts';
import {
  batchesOf,
  operationJson,
  retryDelayMs,
  type GraphqlAnswer,
  type Transport,
} from './transport.ts';
import type { Delivery, EventFilter, RecordedEvent } from './types.ts';

export interface SubscribeOptions {
  /** Which events. Default: all. */
  readonly filter?: EventFilter | undefined;
  /** Begin right after this cursor: of a page, a receipt or a delivery. */
  readonly after?: string | undefined;
  /** Where to begin without a cursor. Default: NOW. */
  readonly start?: 'NOW' | 'BEGINNING' | undefined;
  /** Also hand out CHECKPOINTs: better cursors to keep while nothing matches. Default: false. */
  readonly checkpoints?: boolean | undefined;
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each connection that failed, and how long the next one waits. */
  readonly onRetry?: ((error: SluiceError, waitMs: number) => void) | undefined;
}

/** An async iterable of deliveries. To be iterated once. */
export interface Subscription extends AsyncIterable<Delivery> {
  /** Where to resume: after the last delivery that was handed out. */
  readonly cursor: string | undefined;
}

/** The selection: every field of `RecordedEvent`. */
export const EVENT_FIELDS = `cursor position eventId type occurredAt recordedAt expiresAt redactedAt
  source subject actor description icon notify success clientIp parentId groupId door payload
  unreadable { severity code message pointer }`;

const SUBSCRIPTION = `subscription Events(
  $workspace: String, $filter: EventFilter, $after: String, $start: StreamStart
) {
  events(
    workspace: $workspace, filter: $filter, after: $after, start: $start, checkpoints: true
  ) { kind cursor position node { ${EVENT_FIELDS} } }
}`;

/** The gateway sends a ping every 25 s. */
const SILENCE_MS = 60_000;

interface Message {
  readonly events: {
    readonly kind: Delivery['kind'];
    readonly cursor: string;
    readonly position: number;
    readonly node: RecordedEvent | null;
  };
}

export function subscribe(
  transport: Transport,
  workspace: string | undefined,
  options: SubscribeOptions,
): Subscription {
  const place = { cursor: options.after };
  return {
    get cursor() {
      return place.cursor;
    },
    [Symbol.asyncIterator]: () => follow(transport, workspace, options, place),
  };
}

async function* follow(
  transport: Transport,
  workspace: string | undefined,
  options: SubscribeOptions,
  place: { cursor: string | undefined },
): AsyncGenerator<Delivery> {
  const { signal, onRetry } = options;
  const progress = { place, failures: 0, wasCaughtUp: false };
  while (signal?.aborted !== true) {
    try {
      yield* handOut(connect(transport, bodyOf(workspace, options, place.cursor), signal), {
        progress,
        options,
      });
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof SluiceError) || !error.retryable) throw error;
      const waitMs = retryDelayMs(progress.failures, error);
      onRetry?.(error, waitMs);
      await sleep(waitMs, signal);
      progress.failures += 1;
    }
  }
}

function bodyOf(
  workspace: string | undefined,
  { filter, start }: SubscribeOptions,
  after: string | undefined,
): string {
  const from = after === undefined ? { start } : { after };
  // All numbers of a filter are values of payloads.
  return operationJson(SUBSCRIPTION, { workspace, filter, ...from }, { rounded: false });
}

interface Reader {
  readonly progress: {
    readonly place: { cursor: string | undefined };
    /** Failed connections since the last one that delivered something. */
    failures: number;
    wasCaughtUp: boolean;
  };
  readonly options: SubscribeOptions;
}

async function* handOut(
  messages: AsyncIterable<Message>,
  { progress, options }: Reader,
): AsyncGenerator<Delivery> {
  for await (const { events } of messages) {
    const { kind, cursor, position, node } = events;
    progress.failures = 0;
    progress.place.cursor = cursor;
    if (kind === 'CHECKPOINT' && options.checkpoints !== true) continue;
    // Each connection catches up again. For the reader it is one stream.
    if (kind === 'CAUGHT_UP' && progress.wasCaughtUp) continue;
    progress.wasCaughtUp ||= kind === 'CAUGHT_UP';
    yield { kind, cursor, position, event: node } as Delivery;
  }
}

/** The deliveries of one connection. @throws SluiceError when it ends, unless it is aborted */
async function* connect(
  transport: Transport,
  body: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message> {
  const cut = new AbortController();
  const abort = () => cut.abort();
  let timer = setTimeout(abort, SILENCE_MS);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await transport.open(body, cut.signal);
    const batches = batchesOf(response, () => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    });
    for await (const batch of batches) yield* (batch as GraphqlAnswer<Message>[]).map(messageOf);
  } catch (error) {
    throw error instanceof SluiceError
      ? error
      : new SluiceError('NO_ANSWER', 'The connection was cut.', { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    abort();
  }
  throw new SluiceError('GOING_AWAY', 'The stream has ended.');
}

/** @throws SluiceError */
function messageOf({ data, errors }: GraphqlAnswer<Message>): Message {
  if (errors !== undefined || data == null) throw errorOf(errors ?? []);
  return data;
}
