/**
 * What workers do with a consumer: pull, wait, settle. `pull-queue.ts` pulls, `waiting.ts` waits,
 * `settler.ts` settles.
 */
import {
  checkConsumerTexts,
  checkCount,
  checkDelayMs,
  checkLeaseMs,
  CONSUMER_KINDS,
  REFUSED,
  retryDelayMs,
  type ConsumerKind,
  type Lease,
} from '../core/consumer.ts';
import { eventCursors } from '../core/cursor.ts';
import { LIMITS } from '../core/limits.ts';
import type { Pool } from '../db/client.ts';
import type { Connection } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import type { LiveClock } from '../live/clock.ts';
import type { Live } from '../live/live.ts';
import { createAcknowledging, type Acknowledging } from './acknowledging.ts';
import type { ConsumerReader } from './consumer-reader.ts';
import { LeaseStream, type LeaseRoom } from './lease-stream.ts';
import { Plans } from './plans.ts';
import { PullQueue, type Asking, type Round } from './pull-queue.ts';
import { acknowledgeSql, extendSql, releaseSql } from './settle-sql.ts';
import { Settler, type Settled, type Work } from './settler.ts';
import { waitForNews } from './waiting.ts';
import { WakeUps } from './wake-ups.ts';

export interface ConsumeOptions {
  readonly write: Pool;
  /** For looks at many consumers at once. */
  readonly read: Connection;
  readonly reader: Pick<ConsumerReader, 'planByName'>;
  readonly live: Pick<Live, 'subscribe'>;
  readonly epoch: string;
  readonly clock: LiveClock;
  /** Of the events of one pull. */
  readonly bytesMax: number;
  readonly onError: (error: unknown, message: string) => void;
}

export interface Pull {
  readonly first: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called when it begins to wait: from then on it does not count as work. */
  readonly onWait?: () => void;
}

export interface Release {
  /** Null: by the number of attempts, see `retryDelayMs`. */
  readonly delayMs: number | null;
  readonly reason: string | null;
  readonly isPark: boolean;
}

/**
 * All throw GatewayError: NOT_FOUND without such a consumer, BAD_USER_INPUT, UNAUTHENTICATED where
 * the acting key was revoked or has expired before the commit, SERVICE_UNAVAILABLE.
 */
export interface Consume {
  /** Leases due events. Empty if none came in time. @throws CURSOR_EXPIRED, and as `wait` */
  pull(work: Work, pull: Pull): Promise<{ consumerId: number; leases: readonly Lease[] }>;
  /** Leases as they become due, at most `windowMax` unsettled at a time. */
  leases(work: Work, windowMax: number, signal: AbortSignal, room?: LeaseRoom): LeaseStream;
  acknowledge(work: Work, tokens: readonly string[]): Promise<Settled>;
  /** Also writes what `also` has for the positions that were still held, in one transaction. */
  acknowledgeWith<T>(
    work: Work,
    leases: readonly Pick<Lease, 'token'>[],
    also: (connection: Connection, positions: ReadonlySet<number>) => Promise<T>,
  ): Promise<T>;
  release(work: Work, tokens: readonly string[], release: Release): Promise<Settled>;
  /** @param leaseMs null: as the consumer has it */
  extend(work: Work, tokens: readonly string[], leaseMs: number | null): Promise<Settled>;
  /** Gives back leases that were not tried: the attempt does not count. */
  giveBack(work: Work, leases: readonly Pick<Lease, 'token'>[]): Promise<void>;
  /** Since the start, in this process. */
  stats(): readonly DeliveryCounts[];
  /** The consumer was changed: waiting workers look again. */
  changed(workspaceId: number, consumerId: number): void;
  stop(): void;
}

/** Of all consumers of a kind. */
export interface DeliveryCounts {
  readonly kind: ConsumerKind;
  readonly delivered: number;
  readonly acknowledged: number;
}

export function createConsume(options: ConsumeOptions): Consume {
  return new Consuming(options);
}

const NEVER = new AbortController().signal;
const QUEUES_MAX = 10_000;
const ATTEMPTS = Array.from({ length: LIMITS.attemptsMax }, (_, at) => at + 1);

class Consuming implements Consume {
  readonly #options: ConsumeOptions;
  readonly #eventRows: EventRows;
  readonly #plans: Plans;
  readonly #wakeUps: WakeUps;
  readonly #settler: Settler;
  readonly #queues = new Map<string, Queues>();
  readonly #delivered = new Map<ConsumerKind, number>();
  readonly #acknowledged = new Map<ConsumerKind, number>();

  constructor(options: ConsumeOptions) {
    const { write, read, reader, onError } = options;
    this.#options = options;
    this.#eventRows = new EventRows(write, options.bytesMax);
    this.#plans = new Plans((workspaceId, name) => reader.planByName(workspaceId, name));
    this.#wakeUps = new WakeUps({
      read,
      elapsedMs: () => options.clock.elapsedMs(),
      onError: error => onError(error, 'consumers that are waited for were not looked at'),
    });
    this.#settler = new Settler({ write, plans: this.#plans, wakeUps: this.#wakeUps });
  }

  async pull(work: Work, { first, waitMs, signal, onWait }: Pull) {
    checkCount('first', first, LIMITS.pullEventsMax);
    checkDelayMs('wait', waitMs, LIMITS.pullWaitSecondsMax);
    const { clock } = this.#options;
    const untilMs = clock.elapsedMs() + waitMs;
    for (;;) {
      const round = await this.#ask(work, { first, actor: work.actor, window: null, signal });
      const leftMs = untilMs - clock.elapsedMs();
      if (round.leases.length > 0 || leftMs <= 0 || signal.aborted) {
        return { consumerId: round.consumerId, leases: round.leases };
      }
      if (round.state === 'MORE') continue;
      onWait?.();
      await this.#wait(round, { work, ms: leftMs, signal });
    }
  }

  leases(work: Work, windowMax: number, signal: AbortSignal, room?: LeaseRoom): LeaseStream {
    checkCount('window', windowMax, LIMITS.pullEventsMax);
    return new LeaseStream({
      windowMax,
      signal,
      room,
      actor: work.actor,
      ask: asking => this.#ask(work, asking),
      wait: (round, over) => this.#wait(round, { work, ms: Infinity, signal: over }),
      giveBack: ({ plan }, leases) => this.#settler.giveBack(plan, leases),
    });
  }

  async acknowledge(work: Work, tokens: readonly string[]): Promise<Settled> {
    checkCount('tokens', tokens.length, LIMITS.pullEventsMax);
    const settled = await this.#queuesOf(work).acknowledging.ask({
      actor: work.actor,
      tokens,
    });
    count(this.#acknowledged, settled);
    return settled;
  }

  async acknowledgeWith<T>(
    work: Work,
    leases: readonly Pick<Lease, 'token'>[],
    also: (connection: Connection, positions: ReadonlySet<number>) => Promise<T>,
  ): Promise<T> {
    const { plan, count: settled, result } = await this.#settler.settleWith(work, leases, also);
    count(this.#acknowledged, { kind: plan.kind, count: settled });
    return result;
  }

  async release(work: Work, tokens: readonly string[], release: Release): Promise<Settled> {
    const { delayMs, reason, isPark } = release;
    checkConsumerTexts({ reason });
    if (delayMs !== null) checkDelayMs('delay', delayMs, LIMITS.retryDelaySecondsMax);
    return this.#settler.settle(work, tokens, (settling, { maxAttempts }) =>
      releaseSql(settling, {
        reason,
        isPark,
        maxAttempts,
        parkReason: REFUSED,
        delaysMs: ATTEMPTS.map(attempt => delayMs ?? retryDelayMs(attempt)),
      }),
    );
  }

  async extend(work: Work, tokens: readonly string[], leaseMs: number | null): Promise<Settled> {
    if (leaseMs !== null) checkLeaseMs(leaseMs);
    return this.#settler.settle(work, tokens, (settling, plan) =>
      extendSql(settling, leaseMs ?? plan.leaseMs),
    );
  }

  async giveBack({ workspaceId, name }: Work, leases: readonly Pick<Lease, 'token'>[]) {
    await this.#settler.giveBack(await this.#plans.find(workspaceId, name), leases);
  }

  stats() {
    return CONSUMER_KINDS.map(kind => ({
      kind,
      delivered: this.#delivered.get(kind) ?? 0,
      acknowledged: this.#acknowledged.get(kind) ?? 0,
    }));
  }

  changed(workspaceId: number, consumerId: number): void {
    this.#wakeUps.changed(workspaceId, consumerId, 'CHANGED');
  }

  stop(): void {
    this.#wakeUps.stop();
  }

  #ask(work: Work, asking: Asking): Promise<Round> {
    return this.#queuesOf(work).pulls.ask(asking);
  }

  #wait(
    round: Round,
    { work, ms, signal }: { work: Work; ms: number; signal: AbortSignal },
  ): Promise<void> {
    const { live, clock } = this.#options;
    const options = { live, wakeUps: this.#wakeUps, elapsedMs: () => clock.elapsedMs() };
    return waitForNews(options, { round, ms, signal, tag: work.actor?.keyId ?? null });
  }

  #queuesOf({ workspaceId, name }: Work): Queues {
    const key = `${workspaceId} ${name}`;
    const known = this.#queues.get(key);
    if (known !== undefined) return known;
    if (this.#queues.size >= QUEUES_MAX) forgetIdle(this.#queues);
    const { clock, epoch } = this.#options;
    const pulls = new PullQueue({
      eventRows: this.#eventRows,
      planOf: isFresh => this.#plans.find(workspaceId, name, isFresh),
      cursorsOf: id => eventCursors(epoch, id),
      giveBack: (plan, leases) => this.#settler.giveBack(plan, leases),
      onLeased: (leased, kind) => count(this.#delivered, { kind, count: leased }),
      onParked: plan => this.#settler.pauseIfFull(plan),
      elapsedMs: () => clock.elapsedMs(),
      sleep: ms => clock.sleep(ms, NEVER),
    });
    const acknowledging = createAcknowledging((actor, tokens) =>
      this.#settler.settle({ workspaceId, name, actor }, tokens, acknowledgeSql, 'SETTLED'),
    );
    const made = { pulls, acknowledging };
    this.#queues.set(key, made);
    return made;
  }
}

function count(
  counts: Map<ConsumerKind, number>,
  { kind, count: more }: Pick<Settled, 'kind' | 'count'>,
): void {
  counts.set(kind, (counts.get(kind) ?? 0) + more);
}

/** Of one consumer, in this process. */
interface Queues {
  readonly pulls: PullQueue;
  readonly acknowledging: Acknowledging;
}

function forgetIdle(queues: Map<string, Queues>): void {
  for (const [key, { pulls, acknowledging }] of queues) {
    if (pulls.isIdle && acknowledging.isIdle) queues.delete(key);
  }
}
