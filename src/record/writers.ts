/**
 * The writers: group commit. Each takes what waits, across workspaces, and flushes it as one
 * statement; while one commits, the other gathers. No timer stands in the way of a lone event: an
 * idle writer starts at once.
 *
 * A writer is IDLE (nothing waits) or FLUSHING. A connection that is lost in mid-flush is
 * replaced and the flush repeated, which is safe since every event has its id before the first
 * try. Nobody waits much longer than `answerWithinMs`: what is not committed by then fails with
 * SERVICE_UNAVAILABLE, which means unknown: try again with the same ids. The flush that it is in
 * goes on for those who came later.
 */
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { Crowd } from '../core/fairness.ts';
import { sleep } from '../core/isomorphic.ts';
import { LIMITS } from '../core/limits.ts';
import type { Connection } from '../db/client.ts';
import { isConnectionLost } from '../db/sqlstate.ts';
import { flush, type FlushPort } from './flush.ts';
import type { FlushEntry, Outcome, Submission } from './submission.ts';
import { unknownOutcome } from './submission.ts';
import { WriteQueue, type Portion } from './write-queue.ts';

/** What a flush stored, for those who watch. */
export interface Recorded {
  readonly heads: ReadonlyMap<number, LogPlace>;
  readonly entries: ReadonlyMap<FlushEntry, Outcome>;
}

type PortOptions = Pick<FlushPort, 'ensurePartitions' | 'staleDefinitions'>;

export interface WriterOptions extends PortOptions {
  readonly connection: Connection;
  /** Whether several workspaces are at work: it hears who records. */
  readonly crowd?: Crowd | undefined;
  readonly onRecorded: (recorded: Recorded) => void;
  readonly onFlush?: (flushed: { events: number; ms: number }) => void;
  readonly onError: (error: unknown) => void;
  readonly nowMs: () => number;
  readonly answerWithinMs?: number;
}

const RETRY_AFTER_MS = 100;
/**
 * How long known events are expected after there were some: who repeats a file or a queue sends
 * many of them.
 */
const KNOWN_EXPECTED_MS = 1_000;
/** How often those who wait are looked through for one whose time is up. */
const EXPIRE_EVERY_MS = 250;

export class Writers {
  readonly #options: WriterOptions;
  readonly #answerWithinMs: number;
  readonly #queue: WriteQueue;
  readonly #flushing = new Set<Promise<void>>();
  #knownExpectedUntilMs = -Infinity;
  #stopped = false;
  #expiring: NodeJS.Timeout | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#queue = new WriteQueue(LIMITS, options.crowd);
    this.#answerWithinMs = options.answerWithinMs ?? 4_000;
  }

  /** Events that wait or are being flushed. */
  get depth(): number {
    return this.#queue.depth;
  }

  /**
   * What became of the submission's events, in order.
   * @throws GatewayError OVERLOADED, SERVICE_UNAVAILABLE, GOING_AWAY
   */
  async write(submission: Submission): Promise<readonly Outcome[]> {
    if (this.#stopped) throw goingAway();
    this.#queue.enter(submission);
    this.#expiring ??= setInterval(() => this.#expire(), EXPIRE_EVERY_MS);
    this.#wake();
    return submission.settled;
  }

  /** Takes no more, and resolves when what waits is flushed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#flushing.size > 0) await Promise.all(this.#flushing);
  }

  #wake(): void {
    if (this.#flushing.size >= LIMITS.writers || this.#queue.depth === 0) return;
    const flushing = this.#flushWhatWaits().finally(() => this.#flushing.delete(flushing));
    this.#flushing.add(flushing);
  }

  async #flushWhatWaits(): Promise<void> {
    // What arrives in this turn of the event loop goes together.
    await new Promise(resolve => setImmediate(resolve));
    for (let taken = this.#queue.take(); taken.length > 0; taken = this.#queue.take()) {
      // The other writer takes the rest.
      this.#wake();
      await this.#flush(taken);
    }
  }

  async #flush(portions: readonly Portion[]): Promise<void> {
    const entries = portions.map(toEntries);
    const newestMs = Math.max(...portions.map(({ submission }) => submission.arrivedMs));
    try {
      const outcomes = await this.#persist(entries.flat(), newestMs + this.#answerWithinMs);
      this.#options.onRecorded({ heads: headsOf(outcomes), entries: outcomes });
      portions.forEach(({ submission }, index) => {
        this.#settle(submission, entries[index] as FlushEntry[], outcomes);
      });
    } catch (error) {
      this.#options.onError(error);
      for (const { submission } of portions) this.#drop(submission, error);
    }
  }

  /** Repeats the flush while the connection is lost, until the deadline. */
  async #persist(
    entries: readonly FlushEntry[],
    deadlineMs: number,
  ): Promise<ReadonlyMap<FlushEntry, Outcome>> {
    const { nowMs, onFlush } = this.#options;
    const remainingMs = () => deadlineMs - nowMs();
    const firstMs = nowMs();
    for (let isRetry = false; ; isRetry = true) {
      const startedMs = nowMs();
      try {
        const outcomes = await flush(this.#port(remainingMs), entries);
        onFlush?.({ events: entries.length, ms: nowMs() - startedMs });
        return isRetry ? asFirstAnswer(outcomes, await this.#instantOf(firstMs)) : outcomes;
      } catch (error) {
        if (!isConnectionLost(error) || remainingMs() < RETRY_AFTER_MS * 2) throw error;
        await sleep(RETRY_AFTER_MS);
      }
    }
  }

  #port(remainingMs: () => number): FlushPort {
    const { connection, ensurePartitions, staleDefinitions, nowMs } = this.#options;
    return {
      connection,
      ensurePartitions,
      staleDefinitions,
      remainingMs,
      expectsKnown: nowMs() < this.#knownExpectedUntilMs,
      onKnown: () => {
        this.#knownExpectedUntilMs = nowMs() + KNOWN_EXPECTED_MS;
      },
    };
  }

  /** By the clock that events are stored with. */
  async #instantOf(pastMs: number): Promise<Date> {
    const { connection, nowMs } = this.#options;
    const [row] = await connection.query<{ now: Date }>('select clock_timestamp() as now');
    return new Date((row as { now: Date }).now.getTime() - Math.ceil(nowMs() - pastMs));
  }

  #settle(
    submission: Submission,
    entries: readonly FlushEntry[],
    outcomes: ReadonlyMap<FlushEntry, Outcome>,
  ): void {
    const own = entries.map(entry => outcomes.get(entry) ?? POSTPONED);
    if (submission.hasFailed || own.some(({ status }) => status === 'POSTPONED')) {
      this.#drop(submission, null);
      return;
    }
    submission.advance(own);
    if (submission.waiting === 0) this.#queue.leave(submission);
  }

  /** What is in flight is answered all the same, and takes its room until the flush has ended. */
  #expire(): void {
    const beforeMs = this.#options.nowMs() - this.#answerWithinMs;
    for (const submission of this.#queue.arrivedBefore(beforeMs)) {
      if (submission.inFlight) submission.fail(unknownOutcome());
      else this.#drop(submission, null);
    }
    if (this.#queue.depth > 0) return;
    clearInterval(this.#expiring);
    this.#expiring = undefined;
  }

  #drop(submission: Submission, error: unknown): void {
    this.#queue.leave(submission);
    submission.fail(error instanceof GatewayError ? error : unknownOutcome(error));
  }
}

const POSTPONED: Outcome = { status: 'POSTPONED' };

function toEntries({ submission, events }: Portion, request: number): FlushEntry[] {
  const { workspaceId, atomic, actor } = submission;
  return events.map(event => ({ workspaceId, event, request, atomic, actor }));
}

/**
 * Known with the same content, and stored since the first try: by a try that nobody heard of. What
 * another caller stored in the last milliseconds before it can't be told from that, and is called
 * RECORDED as well.
 */
function asFirstAnswer(
  outcomes: ReadonlyMap<FlushEntry, Outcome>,
  firstTry: Date,
): Map<FlushEntry, Outcome> {
  const isOwn = (outcome: Outcome) =>
    outcome.status === 'DUPLICATE' && outcome.recordedAt >= firstTry;
  return new Map(
    [...outcomes].map(([entry, outcome]) => [
      entry,
      isOwn(outcome) ? ({ ...outcome, status: 'RECORDED' } as Outcome) : outcome,
    ]),
  );
}

function headsOf(outcomes: ReadonlyMap<FlushEntry, Outcome>): Map<number, LogPlace> {
  const heads = new Map<number, LogPlace>();
  for (const [{ workspaceId }, outcome] of outcomes) {
    if (outcome.status !== 'RECORDED') continue;
    const head = heads.get(workspaceId);
    if (head === undefined || head.position < outcome.position) heads.set(workspaceId, outcome);
  }
  return heads;
}

function goingAway(): GatewayError {
  return new GatewayError(
    'GOING_AWAY',
    'The gateway is stopping. Send this again to another gateway.',
  );
}
