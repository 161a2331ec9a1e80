/**
 * Aggregates that are kept up to date: a snapshot, then what changed. When events arrive, or the
 * timeframe moves, the query runs again, in one snapshot of the database, and subscribers get the
 * difference to the previous answer. A reader that missed an answer gets the whole one. So the state
 * of a subscriber is a recount up to the cursor of its last message, a slow reader skips answers and
 * holds no memory, and nothing is added up here.
 *
 * Equal queries share their answers, at most a few a second. Different queries take turns, and after
 * each turn comes a pause of the same length, so that pages still get connections and time. Workspaces
 * share turns and memory fairly.
 */
import { diffAggregates, keepUnchanged } from '../core/aggregate-diff.ts';
import type { AggregateBucket, AggregateQuery, AggregateUpdate } from '../core/aggregate.ts';
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError, isUnavailable } from '../core/errors.ts';
import { Holdings } from '../core/fairness.ts';
import type { LiveClock } from './clock.ts';
import { createGate } from './concurrency.ts';
import type { Live } from './live.ts';
import type { LiveStream, StreamTag } from './stream.ts';

export interface AggregateAnswer {
  readonly buckets: readonly AggregateBucket[];
  readonly asOf: LogPlace;
}

export interface LiveAggregatesOptions {
  readonly live: Pick<Live, 'subscribe'>;
  /** The whole answer. @throws GatewayError NOT_LIVE for what rollups can't answer */
  readonly read: (workspaceId: number, query: AggregateQuery) => Promise<AggregateAnswer>;
  readonly clock: LiveClock;
  /** Of all answers held. Queries that need more are refused. @default HELD_BUCKETS_MAX */
  readonly heldBucketsMax?: number;
}

export interface AggregateSubscription {
  readonly workspaceId: number;
  readonly query: AggregateQuery;
  /** Whose stream it is, see `Live.end`. */
  readonly tag: StreamTag;
  readonly signal: AbortSignal;
}

export type LiveAggregates = (
  subscription: AggregateSubscription,
) => AsyncGenerator<AggregateUpdate, void>;

/** Between two answers to one query. */
const ANSWER_EVERY_MS = 300;
/** A timeframe up to now moves on without events. */
const MOVE_EVERY_MS = 1_000;
/** Within the time after which each reader asks again. */
const PREVIOUS_MAX = Math.ceil(MOVE_EVERY_MS / ANSWER_EVERY_MS);
/** While the database does not answer. */
const RETRY_MS = 500;
const BATCH_MAX = 1_000;
/** Reads at once, of all queries; a workspace alone has two of them. */
const READS_MAX = 3;
/** Each takes a kilobyte or two, with what is kept of the answers before. */
const HELD_BUCKETS_MAX = 200_000;

export function createLiveAggregates(options: LiveAggregatesOptions): LiveAggregates {
  const { live, clock, heldBucketsMax = HELD_BUCKETS_MAX } = options;
  const byQuery = new Map<string, SharedAnswers>();
  const held = new Holdings();
  const read = inTurns(options);

  return async function* subscribe(subscription) {
    const { workspaceId, query, tag, signal } = subscription;
    const stream = live.subscribe({
      workspaceId,
      tag,
      signal,
      checkpoints: false,
      start: 'NOW' as const,
      types: query.filter?.types ?? null,
    });
    const arrivals = new Arrivals(stream, clock, signal);
    const key = JSON.stringify([workspaceId, query]);
    const answers =
      byQuery.get(key) ??
      new SharedAnswers({
        ask: () => read(workspaceId, query),
        workspaceId,
        held,
        heldBucketsMax,
        clock,
      });
    byQuery.set(key, answers);
    answers.subscribers += 1;
    // Of the answer that was given last.
    let shown = 0;
    try {
      await arrivals.during(stream.ready);
      while (!signal.aborted) {
        const isLast = hasPassed(query, clock.now());
        const answer = await arrivals.during(answers.atLeast(arrivals.seen));
        if (answer === undefined) return;
        const update = answers.updateSince(shown, answer);
        shown = answer.version;
        const { position } = answer.asOf;
        if (update !== null) yield update;
        if (isLast) return;
        await arrivals.wait(position, waitMs(query, clock.now()));
      }
    } finally {
      answers.subscribers -= 1;
      if (answers.subscribers === 0) {
        answers.stop();
        byQuery.delete(key);
      }
      await stream.return();
    }
  };
}

/** Runs a few at a time, in fair turns. The caller does not wait for the pause of its turn. */
function inTurns({ read, clock }: LiveAggregatesOptions): LiveAggregatesOptions['read'] {
  const turn = createGate(READS_MAX, () => clock.elapsedMs());
  return (workspaceId, query) =>
    new Promise((resolve, reject) => {
      void turn(workspaceId, async () => {
        const startedMs = clock.elapsedMs();
        await read(workspaceId, query).then(resolve, reject);
        await clock.sleep(clock.elapsedMs() - startedMs, NEVER);
      });
    });
}

const NEVER = new AbortController().signal;

function updateOf(shown: AggregateAnswer | null, answer: AggregateAnswer): AggregateUpdate | null {
  const place = answer.asOf;
  if (shown === null) return { place, snapshot: true, aggregates: answer.buckets, removed: [] };
  const { changed, removed } = diffAggregates(shown.buckets, answer.buckets);
  if (changed.length === 0 && removed.length === 0) return null;
  return { place, snapshot: false, aggregates: changed, removed };
}

/** A fixed timeframe is over when its end is past. */
function hasPassed({ timeframe }: AggregateQuery, now: Date): boolean {
  return 'between' in timeframe && timeframe.between.to <= now;
}

/** How long to wait if no event arrives. */
function waitMs({ timeframe }: AggregateQuery, now: Date): number {
  if ('last' in timeframe) return MOVE_EVERY_MS;
  return Math.min(timeframe.between.to.getTime() - now.getTime(), 2 ** 31 - 1);
}

/** Watches a stream for its newest position and its end. */
class Arrivals {
  /** Position of the newest event that has arrived. */
  seen = 0;
  readonly #stream: LiveStream;
  readonly #clock: LiveClock;
  #isTaking = false;
  #end: { readonly error?: unknown } | null = null;
  #onNews: () => void = () => {};
  #onEnd: () => void = () => {};

  constructor(stream: LiveStream, clock: LiveClock, signal: AbortSignal) {
    this.#stream = stream;
    this.#clock = clock;
    signal.addEventListener('abort', () => this.#close({}), { once: true });
    if (signal.aborted) this.#close({});
  }

  /** The result of some work, or undefined if the stream ends first. @throws what ended it */
  during<T>(work: Promise<T>): Promise<T | undefined> {
    this.#take();
    return new Promise((resolve, reject) => {
      this.#onEnd = () => {
        if (this.#end === null) return;
        if ('error' in this.#end) reject(this.#end.error);
        else resolve(undefined);
      };
      this.#onEnd();
      work.then(resolve, reject);
    });
  }

  /** Until something after `position` has arrived, or the time is up. @throws as `during` */
  async wait(position: number, ms: number): Promise<void> {
    if (this.seen > position) return;
    const over = new AbortController();
    this.#onNews = () => over.abort();
    await this.during(this.#clock.sleep(ms, over.signal)).finally(() => over.abort());
  }

  /** Reads one batch at a time, and only when somebody waits: events in between cost nothing. */
  #take(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    this.#stream.nextBatch(BATCH_MAX).then(
      batch => {
        this.#isTaking = false;
        this.seen = batch.at(-1)?.place.position ?? this.seen;
        if (batch.length === 0) this.#close({});
        else this.#onNews();
      },
      (error: unknown) => this.#close({ error }),
    );
  }

  #close(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#onEnd();
  }
}

interface SharedAnswersOptions {
  readonly ask: () => Promise<AggregateAnswer>;
  readonly workspaceId: number;
  /** Buckets of the latest answers to all queries. */
  readonly held: Holdings;
  readonly heldBucketsMax: number;
  readonly clock: LiveClock;
}

interface Version extends AggregateAnswer {
  readonly version: number;
}

/** The answers to one query, for all its subscribers: one read at a time, with a pause after it. */
class SharedAnswers {
  subscribers = 0;
  readonly #options: SharedAnswersOptions;
  readonly #clock: LiveClock;
  #latest: Version | null = null;
  /** Earlier answers that a reader may still have, oldest first. */
  #previous: Version[] = [];
  /** Updates to the latest answer, by the version that a reader has. */
  readonly #updates = new Map<number, AggregateUpdate | null>();
  #readMs = 0;
  #reading: Promise<Version> | null = null;
  readonly #stopping = new AbortController();

  constructor(options: SharedAnswersOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** An answer that counts the event at `position` and is no older than a moment. */
  async atLeast(position: number): Promise<Version> {
    for (;;) {
      const isRecent = this.#clock.elapsedMs() - this.#readMs < ANSWER_EVERY_MS;
      const latest = this.#latest;
      if (latest !== null && isRecent && latest.asOf.position >= position) return latest;
      this.#reading ??= this.#read().finally(() => {
        this.#reading = null;
      });
      await this.#reading;
    }
  }

  /** The update for a reader that has that version. Null: nothing has changed. */
  updateSince(version: number, answer: Version): AggregateUpdate | null {
    if (answer.version === version) return null;
    const known = this.#updates.get(version);
    if (known !== undefined && answer === this.#latest) return known;
    const shown = this.#previous.find(previous => previous.version === version) ?? null;
    const update = updateOf(shown, answer);
    if (answer === this.#latest) this.#updates.set(version, update);
    return update;
  }

  /** The last subscriber has left: ends the wait of a read under way. */
  stop(): void {
    this.#stopping.abort();
    this.#options.held.add(this.#options.workspaceId, -(this.#latest?.buckets.length ?? 0));
    this.#latest = null;
    this.#previous = [];
    this.#updates.clear();
  }

  /** @throws GatewayError TOO_MANY_STREAMS if it has more buckets than before, and there is no room */
  #keep(answer: AggregateAnswer): Version {
    const buckets = keepUnchanged(this.#latest?.buckets ?? [], answer.buckets);
    const version = { ...answer, buckets, version: (this.#latest?.version ?? 0) + 1 };
    // Nobody is left who would give back room that is taken from now on.
    if (this.#stopping.signal.aborted) return version;
    const { held, heldBucketsMax, workspaceId } = this.#options;
    const more = answer.buckets.length - (this.#latest?.buckets.length ?? 0);
    if (more > 0 && !held.mayAdd(workspaceId, more, heldBucketsMax)) throw noRoom(heldBucketsMax);
    held.add(workspaceId, more);
    if (this.#latest !== null) this.#previous.push(this.#latest);
    if (this.#previous.length > PREVIOUS_MAX) this.#previous.shift();
    this.#latest = version;
    this.#updates.clear();
    this.#readMs = this.#clock.elapsedMs();
    return version;
  }

  async #read(): Promise<Version> {
    const stopping = this.#stopping.signal;
    const pauseMs = this.#readMs + ANSWER_EVERY_MS - this.#clock.elapsedMs();
    if (this.#latest !== null && pauseMs > 0) await this.#clock.sleep(pauseMs, stopping);
    for (;;) {
      try {
        return this.#keep(await this.#options.ask());
      } catch (error) {
        // The stream waits, as all streams do.
        if (!isUnavailable(error) || stopping.aborted) throw error;
        await this.#clock.sleep(RETRY_MS, stopping);
      }
    }
  }
}

function noRoom(bucketsMax: number): GatewayError {
  return new GatewayError(
    'TOO_MANY_STREAMS',
    `Live aggregates may hold ${bucketsMax} buckets in all, and those of one workspace three times what is left free. Request fewer, or try again later.`,
  );
}
