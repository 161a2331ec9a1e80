/**
 * The buffer between `record()` and the gateway. A lone event leaves at once; what comes while
 * requests are on their way goes together with the next. Every event has its id before the first
 * try, so a request may be repeated until there is an answer, and each event is stored once.
 */
import { sleep, uuidV7 } from '../core/isomorphic.ts';
import { SluiceError } from './errors.ts';
import { writeJson } from './json.ts';
import { retryDelayMs, type Transport } from './transport.ts';
import type { EventInput, Receipt } from './types.ts';

/**
 * One request: the JSON of some events → a receipt for each, in their order.
 * @throws SluiceError when there is no answer; BAD_USER_INPUT and the like where one event
 * refuses them all
 */
export type SendEvents = (
  events: readonly string[],
  how: { readonly keepalive: boolean },
) => Promise<readonly Receipt[]>;

export interface RecorderOptions {
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly bufferEvents: number;
  readonly bufferBytes: number;
  readonly requests: number;
  readonly retryForMs: number;
  readonly onLost: ((error: SluiceError, eventId: string) => void) | undefined;
  readonly onRetry: ((error: SluiceError, waitMs: number) => void) | undefined;
}

interface Entry {
  readonly id: string;
  readonly json: string;
  readonly bytes: number;
  readonly sinceMs: number;
  settled: boolean;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: SluiceError) => void;
}

const RECORD = `mutation Record($workspace: String, $events: [EventInput!]!) {
  recordEvents(input: { workspace: $workspace, events: $events }) {
    receipts { status eventId position cursor problems { severity code message pointer } }
  }
}`;

/** By `recordEvents`. */
export function sendByGraphql(transport: Transport, workspace: string | undefined): SendEvents {
  const query = JSON.stringify(RECORD);
  const variables = `{"workspace":${JSON.stringify(workspace ?? null)},"events":[`;
  return async (events, how) => {
    const body = `{"query":${query},"variables":${variables}${events.join(',')}]}}`;
    try {
      const { recordEvents } = await transport.ask<Recorded>(body, how);
      return recordEvents.receipts;
    } catch (error) {
      const receipts = receiptsBeside(error);
      if (receipts?.length === events.length) return receipts;
      throw error;
    }
  };
}

interface Recorded {
  readonly recordEvents: { readonly receipts: readonly Receipt[] };
}

/** Receipts stand, whatever errors say that came with them. */
function receiptsBeside(error: unknown): readonly Receipt[] | undefined {
  if (!(error instanceof SluiceError)) return undefined;
  const receipts = (error.data as Partial<Recorded> | undefined)?.recordEvents?.receipts;
  return receipts?.every(receipt => receipt != null) === true ? receipts : undefined;
}

/** Browsers let 64 KiB outlive their page, with the rest of the request. */
const KEEPALIVE_BYTES = 60_000;
/** Faults of one event that refuse the whole request: halves find it. Any other refuses all. */
export const OF_ONE_EVENT: ReadonlySet<string> = new Set([
  'BAD_USER_INPUT',
  'PAYLOAD_TOO_LARGE',
  'BAD_REQUEST',
]);

export class Recorder {
  readonly #sendEvents: SendEvents;
  readonly #options: RecorderOptions;
  /** All that has no answer yet, in the order of `record()`. */
  readonly #open = new Set<Entry>();
  #waiting: Entry[] = [];
  #bytes = 0;
  #running = 0;
  #closed = false;
  /** Aborted and renewed by `hurry`: pauses between tries end. */
  #pause = new AbortController();
  #onSettled: (() => void)[] = [];

  constructor(send: SendEvents, options: RecorderOptions) {
    this.#sendEvents = send;
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  record(event: EventInput): Promise<Receipt> {
    const nowMs = Date.now();
    const id = event.id ?? uuidV7(nowMs, randomUuid());
    // With an id of the caller's, a repeat from another process must have the same content.
    const byDefault = event.id == null ? new Date(nowMs) : undefined;
    const occurredAt = event.occurredAt ?? byDefault;
    let json: string;
    try {
      const whole = { ...event, id, ...(occurredAt !== undefined && { occurredAt }) };
      json = writeJson(whole, { rounded: false });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      return this.#refuse(id, new SluiceError('INVALID_EVENT', message, { cause }));
    }
    return this.recordJson(id, json);
  }

  /** The same for an event that is JSON already and holds its id. */
  recordJson(id: string, json: string): Promise<Receipt> {
    if (this.#closed) return this.#refuse(id, new SluiceError('CLOSED', 'The client was closed.'));
    if (this.#isFull) return this.#refuse(id, bufferFull(this.#open.size));
    const receipt = new Promise<Receipt>((resolve, reject) => {
      const bytes = new TextEncoder().encode(json).length;
      const entry = { id, json, bytes, sinceMs: Date.now(), settled: false, resolve, reject };
      this.#open.add(entry);
      this.#waiting.push(entry);
      this.#bytes += bytes;
    });
    // Whoever does not ask for the receipt is told by `onLost`, not by an unhandled rejection.
    receipt.catch(() => {});
    // A loop of calls makes one request.
    queueMicrotask(() => this.#pump());
    return receipt;
  }

  /** Resolves when there is room for another event. */
  async ready(): Promise<void> {
    while (this.#isFull) await this.#settlement();
  }

  /** Resolves when every event that is here now has its answer. */
  async flush(): Promise<void> {
    const here = [...this.#open];
    while (here.some(({ settled }) => !settled)) await this.#settlement();
  }

  /** Ends pauses between tries. */
  hurry(): void {
    this.#pause.abort();
    this.#pause = new AbortController();
  }

  close(): void {
    this.#closed = true;
  }

  /** Gives up what has no answer. */
  abandon(error: SluiceError): void {
    this.#waiting = [];
    for (const entry of [...this.#open]) this.#lose(entry, error);
    this.hurry();
  }

  /** The page may be gone in a moment: all that has no answer is sent, once more if need be. */
  sendBeforeUnload(): void {
    const batch = takeFrom([...this.#open], this.#options.batchEvents, KEEPALIVE_BYTES);
    if (batch.length === 0) return;
    // Should the page stay, what failed is tried again by the usual way.
    this.#send(batch, true).catch(() => {});
  }

  get #isFull(): boolean {
    const { bufferEvents, bufferBytes } = this.#options;
    return this.#open.size >= bufferEvents || this.#bytes >= bufferBytes;
  }

  #refuse(id: string, error: SluiceError): Promise<never> {
    this.#options.onLost?.(error, id);
    const refused = Promise.reject(error);
    refused.catch(() => {});
    return refused;
  }

  #pump(): void {
    const { requests, batchEvents, batchBytes } = this.#options;
    while (this.#running < requests && this.#waiting.length > 0) {
      const batch = takeFrom(this.#waiting, batchEvents, batchBytes);
      this.#waiting.splice(0, batch.length);
      this.#running += 1;
      void this.#deliver(batch).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  /** Tries until every event of the batch has its answer, or has waited for too long. */
  async #deliver(batch: readonly Entry[]): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      const left = batch.filter(({ settled }) => !settled);
      if (left.length === 0) return;
      try {
        return await this.#send(left, false);
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        if (left.length > 1 && OF_ONE_EVENT.has(error.code)) {
          const middle = Math.ceil(left.length / 2);
          await this.#deliver(left.slice(0, middle));
          return this.#deliver(left.slice(middle));
        }
        const isOver = (entry: Entry) =>
          !error.retryable || Date.now() - entry.sinceMs >= this.#options.retryForMs;
        for (const entry of left.filter(isOver)) this.#lose(entry, error);
        if (left.every(({ settled }) => settled)) return;
        const waitMs = retryDelayMs(failures, error);
        this.#options.onRetry?.(error, waitMs);
        await sleep(waitMs, this.#pause.signal);
      }
    }
  }

  /** @throws SluiceError when there is no answer */
  async #send(batch: readonly Entry[], keepalive: boolean): Promise<void> {
    const events = batch.map(({ json }) => json);
    const receipts = await this.#sendEvents(events, { keepalive });
    receipts.forEach((receipt, index) => {
      const entry = batch[index];
      if (entry !== undefined && this.#settle(entry)) entry.resolve(receipt);
    });
  }

  #lose(entry: Entry, error: SluiceError): void {
    if (!this.#settle(entry)) return;
    this.#options.onLost?.(error, entry.id);
    entry.reject(error);
  }

  /** False where it has its answer already. */
  #settle(entry: Entry): boolean {
    if (entry.settled) return false;
    entry.settled = true;
    this.#open.delete(entry);
    this.#bytes -= entry.bytes;
    for (const wake of this.#onSettled.splice(0)) wake();
    return true;
  }

  #settlement(): Promise<void> {
    return new Promise(resolve => this.#onSettled.push(resolve));
  }
}

/** The first entries that fit one request; at least one. */
function takeFrom(entries: readonly Entry[], eventsMax: number, bytesMax: number): Entry[] {
  const batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.bytes + 1;
    if (batch.length > 0 && (batch.length >= eventsMax || bytes > bytesMax)) break;
    batch.push(entry);
  }
  return batch;
}

function bufferFull(size: number): SluiceError {
  const advice = 'await client.ready() before more, or give it a larger buffer';
  return new SluiceError('BUFFER_FULL', `${size} events wait to be recorded: ${advice}.`);
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function randomUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Tells when the page of a browser is hidden or left, and may not come back. */

interface EventTargetLike {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Surroundings extends Partial<EventTargetLike> {
  readonly document?: EventTargetLike & { readonly visibilityState: string };
}

/** Does nothing outside of pages. Returns what takes the listener off again. */
export function whenPageHides(listener: () => void): () => void {
  const { document, addEventListener, removeEventListener } = globalThis as Surroundings;
  if (document === undefined || addEventListener === undefined) return () => {};
  const onVisibility = () => document.visibilityState === 'hidden' && listener();
  document.addEventListener('visibilitychange', onVisibility);
  addEventListener('pagehide', listener);
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    removeEventListener?.('pagehide', listener);
  };
}
