import { backoffMs, sleep } from '../../../core/isomorphic.ts';
import type { Problem } from '../../api/problem.ts';
import { endSession } from '../../api/session.ts';
import { openStream, StreamError } from '../../api/stream.ts';
import { bucketsOf, LIVE_BUCKETS } from './buckets.ts';
import { LiveEvents, type Delivery, type RecordedEvent } from './documents.ts';
import { Breather, onNextFrame } from './frames.ts';
import { readCounts, readPage, type Scope } from './history.ts';
import type { Range } from './range.ts';
import { rowOf, Rows } from './rows.ts';
import { TypeCounts } from './type-counts.ts';

/**
 * The events of a workspace that fit a filter: the newest at first, then each as it is recorded,
 * once and in order. With a range it is the events of that time, and it stands still.
 *
 *     LOADING → STILL
 *     LOADING → LIVE ⇄ PAUSED or RESTING → CATCHING_UP → LIVE
 *                 └→ RECONNECTING → CATCHING_UP                FAILED from anywhere
 *
 * It holds a cursor. Pausing lets go of the stream, so nothing piles up meanwhile; going on opens
 * it after the cursor, so nothing is missed. A page that nobody sees rests in the same way.
 */
export class Feed {
  readonly rows = new Rows();
  /** Null where the range has no beginning. */
  readonly counts: TypeCounts | null;
  mode: FeedMode = 'LOADING';
  problem: Problem | null = null;
  /** False where the past could not be counted: the chart begins with this page. */
  isPastCounted = true;
  /** True when events are gone that were to be shown: they were removed while nobody read them. */
  hasGap = false;
  /** Whether older events are being read, and what went wrong with that. */
  older: 'IDLE' | 'READING' | Problem = 'IDLE';
  /** Null for live. */
  readonly range: Range | null;
  readonly #options: FeedOptions;
  readonly #listeners = new Set<() => void>();
  readonly #breather = new Breather();
  #version = 0;
  #isFrameAsked = false;
  #cursor: string | null = null;
  #reading: AbortController | null = null;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.range = options.range;
    const buckets = this.range === null ? LIVE_BUCKETS : bucketsOf(this.range, Date.now());
    this.counts = buckets && new TypeCounts(buckets);
  }

  /** For `useSyncExternalStore`: at most once in a frame, however much has come. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly version = (): number => this.#version;

  /** Begins, or goes on where it was. Idempotent. */
  resume(): void {
    if (this.#reading) return;
    const reading = new AbortController();
    this.#reading = reading;
    this.#become(this.#cursor === null ? 'LOADING' : 'CATCHING_UP');
    void this.#read(reading.signal);
  }

  pause(mode: 'PAUSED' | 'RESTING' = 'PAUSED'): void {
    this.#reading?.abort();
    this.#reading = null;
    this.#become(mode);
  }

  async #read(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        this.#cursor ??= await this.#load(signal);
        if (this.#cursor === null) return;
        if (this.range !== null) return this.#become('STILL');
        await this.#follow(this.#cursor, signal, () => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StreamError)) throw error;
        if (!this.#canGoOn(error)) return;
      }
      if (signal.aborted) return;
      this.#become('RECONNECTING');
      await sleep(backoffMs(failures, RETRIES), signal);
    }
  }

  /** What was before, and the cursor after which the stream begins; null when nobody asks now. */
  async #load(signal: AbortSignal): Promise<string | null> {
    // First, so that all that is not counted here comes with the stream.
    const counted = await readCounts(this.#options, this.counts?.buckets ?? null);
    const page = await readPage(this.#options, null);
    if (signal.aborted) return null;
    this.isPastCounted = counted !== null;
    const isRange = this.range !== null;
    const first = this.counts?.buckets.edges(Date.now())[0] ?? 0;
    for (const { type, startMs, count } of counted?.counts ?? []) {
      // Where a range begins within a bar, the bar begins with the range.
      this.counts?.add(type, isRange ? Math.max(startMs, first) : startMs, count);
    }
    this.rows.addOlder(page.rows, page.olderAfter);
    return counted?.asOf ?? page.liveCursor;
  }

  /** Adds a page of older events to rows of this feed, which may be a copy. */
  async readOlder(rows: Rows): Promise<void> {
    if (this.older === 'READING' || rows.olderAfter === null) return;
    this.older = 'READING';
    this.#change();
    try {
      const page = await readPage(this.#options, rows.olderAfter);
      rows.addOlder(page.rows, page.olderAfter);
      this.older = 'IDLE';
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.older = error.problem;
    }
    this.#change();
  }

  async #follow(after: string, signal: AbortSignal, onWorking: () => void): Promise<void> {
    const { workspace, filter } = this.#options;
    for await (const results of openStream(LiveEvents, { workspace, filter, after }, signal)) {
      if (signal.aborted) return;
      onWorking();
      for (const { events } of results) this.#take(events);
      this.#change();
      await this.#breather.breathe();
    }
  }

  #take({ kind, cursor, node }: Delivery): void {
    this.#cursor = cursor;
    if (kind === 'CAUGHT_UP') this.mode = 'LIVE';
    else if (this.mode === 'RECONNECTING') this.mode = 'CATCHING_UP';
    if (!node) return;
    const row = rowOf(node);
    this.counts?.add(row.type, row.occurredMs);
    // The page that was read at first may hold some of what the stream begins with.
    if (row.position <= this.rows.newestPosition) return;
    this.rows.push(row);
    if (this.mode === 'LIVE') this.#options.onEvent(node);
  }

  /** Whether the stream may be asked for again. */
  #canGoOn({ problem, extensions }: StreamError): boolean {
    if (problem.code === 'KEY_REVOKED' || problem.code === 'UNAUTHENTICATED') {
      endSession(`${problem.title}. Sign in with another one.`);
      return false;
    }
    if (problem.code === 'CURSOR_EXPIRED' && typeof extensions['oldestCursor'] === 'string') {
      this.#cursor = extensions['oldestCursor'];
      this.hasGap = true;
      return true;
    }
    if (PASSING.has(problem.code)) return true;
    this.problem = problem;
    this.#reading = null;
    this.#become('FAILED');
    return false;
  }

  #become(mode: FeedMode): void {
    this.mode = mode;
    if (mode !== 'FAILED') this.problem = null;
    this.#change();
  }

  #change(): void {
    if (this.#isFrameAsked) return;
    this.#isFrameAsked = true;
    onNextFrame(() => {
      this.#isFrameAsked = false;
      this.#version += 1;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

export type FeedMode =
  'LOADING' | 'STILL' | 'LIVE' | 'CATCHING_UP' | 'PAUSED' | 'RESTING' | 'RECONNECTING' | 'FAILED';

export interface FeedOptions extends Scope {
  /** Called for what happens now, and not for what is caught up on. */
  readonly onEvent: (event: RecordedEvent) => void;
}

const RETRIES = { minMs: 500, maxMs: 10_000 };

/** Codes that are over by themselves. */
const PASSING = new Set([
  'OFFLINE',
  'GOING_AWAY',
  'SERVICE_UNAVAILABLE',
  'OVERLOADED',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
]);
