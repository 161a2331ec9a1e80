/**
 * The pulls of one consumer in this process. They run one after the other, because each locks the
 * consumer. All that wait meanwhile share the next one, which costs as much as a single pull.
 */
import { randomUUID } from 'node:crypto';
import {
  encodeToken,
  shareOut,
  type ConsumerKind,
  type ConsumerPlan,
  type Lease,
} from '../core/consumer.ts';
import { LOG_BEGINNING, type EventCursors, type LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import { bytesOf, type EventRows } from '../db/event-rows.ts';
import { toGatewayError } from '../db/sqlstate.ts';
import { toStoredEvent } from '../db/stored-event.ts';
import { consumerNotFound } from './plans.ts';
import { pullSql, type PulledRow, type PullFacts } from './pull-sql.ts';
import { RequestBatcher } from './request-batcher.ts';

export interface Asking {
  readonly first: number;
  readonly actor: Actor | null;
  /** Who holds what is leased, and how much of it at most; null: whoever has the tokens. */
  readonly window: { readonly lease: string; readonly max: number } | null;
  readonly signal: AbortSignal;
}

/** The result of one statement. */
export interface Round {
  readonly leases: readonly Lease[];
  readonly consumerId: number;
  readonly plan: ConsumerPlan;
  /** The consumer has looked at everything up to here. */
  readonly scanned: LogPlace;
  readonly turn: number;
  /** Milliseconds until something becomes due. Null: nothing is known to become due. */
  readonly dueInMs: number | null;
  /** What comes next: nothing, more to look at, or nothing until something is settled. */
  readonly state: 'CAUGHT_UP' | 'MORE' | 'FULL' | 'PAUSED';
}

export interface PullQueueOptions {
  readonly eventRows: EventRows;
  /** As it is now, or as it was last seen. */
  readonly planOf: (isFresh: boolean) => Promise<ConsumerPlan>;
  readonly cursorsOf: (workspaceId: number) => EventCursors;
  readonly giveBack: (plan: ConsumerPlan, leases: readonly Pick<Lease, 'token'>[]) => Promise<void>;
  readonly onLeased: (count: number, kind: ConsumerKind) => void;
  readonly onParked: (plan: ConsumerPlan) => Promise<void>;
  readonly elapsedMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Positions that the first statement looks at. Later statements look at as many as take about as long. */
const RANGE_FIRST = 2_000;
const RANGE_MAX = 200_000;
const RANGE_AIM_MS = 40;
/** The JSON text of an event may have so many times its stored bytes. */
const TEXT_PER_BYTE = 8;
/** A pull that finds nothing within this time answers without events, and the caller repeats it. */
const SCAN_MS = 1_000;
/** How long it tries while others pull. */
const BUSY_MS = 2_000;

export class PullQueue {
  readonly #options: PullQueueOptions;
  readonly #turns: RequestBatcher<Asking, Round>;
  #range = RANGE_FIRST;

  constructor(options: PullQueueOptions) {
    this.#options = options;
    this.#turns = new RequestBatcher({
      sizeOf: ({ first }) => first,
      sizeMax: LIMITS.pullEventsMax,
      mayShare: (one, other) =>
        one.window === null && other.window === null && isSame(one.actor, other.actor),
      run: async group => this.#share(group, await this.#pull(togetherOf(group))),
    });
  }

  get isIdle(): boolean {
    return this.#turns.isIdle;
  }

  ask(asking: Asking): Promise<Round> {
    return this.#turns.ask(asking);
  }

  async #share(group: readonly Asking[], round: Round): Promise<Round[]> {
    const shares = shareOut(
      round.leases,
      group.map(({ first }) => first),
    );
    const rounds: Round[] = [];
    for (const [at, { signal }] of group.entries()) {
      const leases = shares[at] ?? [];
      if (signal.aborted) await this.#giveBack(round.plan, leases);
      const isThere = !signal.aborted;
      if (isThere) this.#options.onLeased(leases.length, round.plan.kind);
      rounds.push({ ...round, leases: isThere ? leases : [] });
    }
    return rounds;
  }

  /** The caller has left: its events are given back, so nobody waits for the lease to run out. */
  async #giveBack(plan: ConsumerPlan, leases: readonly Lease[]): Promise<void> {
    await this.#options.giveBack(plan, leases).catch(() => {});
  }

  async #pull(asking: Asking): Promise<Round> {
    const { elapsedMs, sleep, planOf, cursorsOf, onParked } = this.#options;
    const startedMs = elapsedMs();
    let plan = await planOf(false);
    for (let tries = 0, scanned = -1; ; tries++) {
      if (asking.actor !== null && plan.kind !== 'PULL') throw isWorkedFor(plan);
      const { facts, leases } = await this.#statement(plan, asking);
      if (facts === undefined || facts.is_changed) {
        const before = plan;
        plan = await planOf(true);
        if (facts === undefined && plan.id === before.id) throw consumerNotFound(plan.name);
        continue;
      }
      const passedMs = elapsedMs() - startedMs;
      if (facts.is_busy) {
        if (passedMs > BUSY_MS) throw busy();
        await sleep(1 + Math.random() * Math.min(10, 2 + tries));
        continue;
      }
      if (facts.parked > 0) await onParked(plan);
      const isGone = facts.gone !== null && leases.length === 0 && !facts.is_paused;
      if (isGone) throw goneError(facts, cursorsOf(plan.workspaceId));
      const hasMoved = facts.scanned > scanned;
      scanned = facts.scanned;
      const state = stateOf(facts, hasMoved);
      const isOver = passedMs > SCAN_MS || asking.signal.aborted;
      if (leases.length === 0 && state === 'MORE' && !isOver) continue;
      return {
        leases,
        plan,
        consumerId: plan.id,
        turn: facts.turn,
        dueInMs: facts.due_in_ms,
        state,
        scanned: { position: facts.scanned, recordedAt: new Date(facts.scanned_recorded_at) },
      };
    }
  }

  async #statement(plan: ConsumerPlan, asking: Asking) {
    const { eventRows, elapsedMs } = this.#options;
    const { first, window, actor } = asking;
    const lease = window?.lease ?? randomUUID();
    const pull = {
      plan,
      lease,
      first,
      actor,
      windowMax: window?.max ?? null,
      range: this.#range,
      bytesMax: Math.min(LIMITS.pullBytesMax, eventRows.bytesMax / TEXT_PER_BYTE),
    };
    const { workspaceId } = plan;
    const statementOf = (isWhole: boolean) => ({
      workspaceId,
      rowsMax: first,
      select: (columns: Parameters<typeof pullSql>[1]) => pullSql(pull, columns, isWhole),
    });
    const startedMs = elapsedMs();
    try {
      const whole = await eventRows.whole<PulledRow>(statementOf(true));
      const found = whole ?? (await eventRows.heads<PulledRow>(statementOf(false)));
      const facts = factsOf(found);
      this.#adapt(elapsedMs() - startedMs);
      const leased = found.filter(isLeased).sort((a, b) => a.position - b.position);
      const fitting = whole === null ? await this.#filled(plan, lease, leased) : leased;
      if (facts === undefined) return { facts, leases: [] };
      const { leaseMs } = plan;
      const leasedUntil = new Date(facts.leased_until);
      return { facts, leases: fitting.map(row => toLease(row, { lease, leaseMs, leasedUntil })) };
    } catch (error) {
      this.#range = Math.max(1, Math.floor(this.#range / 4));
      throw toGatewayError(error, 'write');
    }
  }

  /** Statements take about as long, whatever the filter and the machine are like. */
  #adapt(tookMs: number): void {
    if (tookMs < RANGE_AIM_MS / 2) this.#range = Math.min(RANGE_MAX, this.#range * 2);
    else if (tookMs > RANGE_AIM_MS * 2) this.#range = Math.max(RANGE_FIRST, this.#range / 2);
  }

  /** With their content: as many as fit, and at least one. The others are given back. */
  async #filled(plan: ConsumerPlan, lease: string, leased: readonly Leased[]): Promise<Leased[]> {
    const { eventRows, giveBack } = this.#options;
    const kept: Leased[] = [];
    let bytes = 0;
    for await (const part of eventRows.fill(plan.workspaceId, leased)) {
      for (const row of part) {
        bytes += bytesOf(row);
        if (kept.length === 0 || bytes <= eventRows.pageBytes) kept.push(row);
      }
      if (bytes > eventRows.pageBytes) break;
    }
    const held = new Set(kept);
    const rest = leased.filter(row => !held.has(row));
    await giveBack(
      plan,
      rest.map(row => ({ token: tokenOf(row, lease) })),
    );
    return kept;
  }
}

type Leased = Exclude<PulledRow, { readonly position: null }>;

function isLeased(row: PulledRow): row is Leased {
  return row.position !== null;
}

/** Undefined where there is no such consumer. */
function factsOf(found: readonly PulledRow[]): PullFacts | undefined {
  const text = found.find(({ facts }) => facts !== null)?.facts;
  return text == null ? undefined : (JSON.parse(text) as PullFacts);
}

function toLease(row: Leased, kept: { lease: string; leaseMs: number; leasedUntil: Date }): Lease {
  const { lease, leaseMs, leasedUntil } = kept;
  const { attempt } = row;
  return { token: tokenOf(row, lease), attempt, leasedUntil, leaseMs, event: toStoredEvent(row) };
}

function tokenOf({ position, attempt }: Leased, lease: string): string {
  return encodeToken({ position, attempt, lease });
}

function stateOf(facts: PullFacts, hasMoved: boolean): Round['state'] {
  if (facts.is_paused) return 'PAUSED';
  // Later ones of their order may be next.
  if (facts.parked + facts.vanished > 0) return 'MORE';
  if (facts.scanned >= facts.head) return 'CAUGHT_UP';
  return hasMoved ? 'MORE' : 'FULL';
}

function isSame(one: Actor | null, other: Actor | null): boolean {
  return one?.keyId === other?.keyId && one?.scope === other?.scope;
}

function togetherOf(group: readonly [Asking, ...Asking[]]): Asking {
  const [asking, ...others] = group;
  if (others.length === 0) return asking;
  const first = group.reduce((sum, each) => sum + each.first, 0);
  return { ...asking, first, signal: NEVER };
}

const NEVER = new AbortController().signal;

function isWorkedFor({ name }: ConsumerPlan): GatewayError {
  const message =
    `The gateway itself is the worker of the consumer ${JSON.stringify(name)}: nobody ` +
    'else can pull from it.';
  return new GatewayError('BAD_USER_INPUT', message);
}

function busy(): GatewayError {
  return new GatewayError(
    'SERVICE_UNAVAILABLE',
    'Other workers pull from this consumer. Try again shortly.',
  );
}

/** Nothing is skipped silently: the owner of the consumer decides where to continue. */
function goneError({ gone, oldest }: PullFacts, cursors: EventCursors): GatewayError {
  const oldestCursor = cursors.encodePosition({ ...LOG_BEGINNING, position: oldest - 1 });
  const message =
    `Events from position ${gone} to ${oldest - 1} are no longer kept, and this consumer ` +
    'did not settle them. Seek to oldestCursor to continue.';
  return new GatewayError('CURSOR_EXPIRED', message, { extensions: { oldestCursor } });
}
