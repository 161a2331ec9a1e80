/**
 * What workers do with a consumer: pull, wait, settle. `line.ts` pulls, `waiting.ts` waits,
 * `settle-sql.ts` settles.
 */
import type { SQL } from 'drizzle-orm';
import {
  checkConsumerTexts,
  checkCount,
  checkDelayMs,
  checkLeaseMs,
  decodeToken,
  REFUSED,
  retryDelayMs,
  type ConsumerPlan,
  type Lease,
  type LeaseToken,
} from '../core/consumer.ts';
import { eventCursors } from '../core/cursor.ts';
import { LIMITS } from '../core/limits.ts';
import type { Actor } from '../core/principal.ts';
import type { Lane } from '../db/client.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import { rows } from '../db/query.ts';
import { isSerializationFailure, toGatewayError } from '../db/sqlstate.ts';
import type { LiveClock } from '../live/clock.ts';
import type { Live } from '../live/live.ts';
import type { ConsumerReader } from './consumer-reader.ts';
import { LeaseStream } from './lease-stream.ts';
import { Line, type Asking, type Round } from './line.ts';
import { consumerNotFound, Plans } from './plans.ts';
import {
  acknowledgeSql,
  extendSql,
  giveBackSql,
  pauseFullSql,
  releaseSql,
  type SettledRow,
  type Settling,
} from './settle-sql.ts';
import { waitForNews } from './waiting.ts';
import { WakeUps, type Change } from './wake-ups.ts';

export interface ConsumeOptions {
  readonly write: Lane;
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

/** Which consumer, and who works for it; an actor of null is the gateway itself. */
export interface Work {
  readonly workspaceId: number;
  readonly name: string;
  readonly actor: Actor | null;
}

export interface Pull {
  readonly first: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Hears that it begins to wait: from then on it takes no work. */
  readonly onWait?: () => void;
}

export interface Release {
  /** Null: by the number of attempts, see `retryDelayMs`. */
  readonly delayMs: number | null;
  readonly reason: string | null;
  readonly isPark: boolean;
}

export interface Settled {
  readonly consumerId: number;
  readonly count: number;
  /** Tokens that hold nothing any more. */
  readonly expired: readonly string[];
}

/**
 * All throw GatewayError: NOT_FOUND without such a consumer, BAD_USER_INPUT, UNAUTHENTICATED where
 * the acting key was revoked or has expired before the commit, SERVICE_UNAVAILABLE.
 */
export interface Consume {
  /** Leases of what is due. Empty where nothing came in time. @throws CURSOR_EXPIRED, and as `wait` */
  pull(work: Work, pull: Pull): Promise<{ consumerId: number; leases: readonly Lease[] }>;
  /** Leases as they become due, at most `windowMax` unsettled at a time. */
  leases(work: Work, windowMax: number, signal: AbortSignal): LeaseStream;
  acknowledge(work: Work, tokens: readonly string[]): Promise<Settled>;
  release(work: Work, tokens: readonly string[], release: Release): Promise<Settled>;
  /** @param leaseMs null: as the consumer has it */
  extend(work: Work, tokens: readonly string[], leaseMs: number | null): Promise<Settled>;
  /** Since the start, in this process. */
  stats(): { readonly delivered: number; readonly acknowledged: number };
  /** Somebody changed the consumer: who waits looks again. */
  changed(workspaceId: number, consumerId: number): void;
  stop(): void;
}

type Statement = (settling: Settling, plan: ConsumerPlan) => SQL;

const PARKED_FULL = `It has ${LIMITS.parkedDeliveriesMax} parked deliveries. Deliver them again or discard them, then resume it.`;

export function createConsume(options: ConsumeOptions): Consume {
  const { write, read, reader, live, epoch, clock, bytesMax, onError } = options;
  const plans = new Plans((workspaceId, name) => reader.planByName(workspaceId, name));
  const elapsedMs = () => clock.elapsedMs();
  const wakeUps = new WakeUps({
    ...{ read, elapsedMs },
    onError: error => onError(error, 'consumers that are waited for were not looked at'),
  });
  const eventRows = new EventRows(write, bytesMax);
  const lines = new Map<string, Line>();
  const counts = { delivered: 0, acknowledged: 0 };

  function lineOf({ workspaceId, name }: Work): Line {
    const key = `${workspaceId} ${name}`;
    const known = lines.get(key);
    if (known !== undefined) return known;
    if (lines.size >= LINES_MAX) forgetIdle(lines);
    const line = new Line({
      ...{ eventRows, elapsedMs, onParked },
      onLeased: count => (counts.delivered += count),
      planOf: isFresh => plans.find(workspaceId, name, isFresh),
      cursorsOf: id => eventCursors(epoch, id),
      giveBack,
      sleep: ms => clock.sleep(ms, NEVER),
    });
    lines.set(key, line);
    return line;
  }

  function settlingOf(plan: ConsumerPlan, tokens: readonly LeaseToken[], actor: Actor | null) {
    return { workspaceId: plan.workspaceId, consumerId: plan.id, tokens, actor };
  }

  async function giveBack(plan: ConsumerPlan, texts: readonly string[]): Promise<void> {
    const tokens = texts.flatMap(text => decodeToken(text) ?? []);
    await rows(write, giveBackSql(settlingOf(plan, tokens, null)));
    wakeUps.changed(plan.workspaceId, plan.id, 'CHANGED');
  }

  async function onParked({ workspaceId, id }: ConsumerPlan): Promise<void> {
    await rows(write, pauseFullSql(workspaceId, id, PARKED_FULL));
  }

  const wait = (round: Round, work: Work, ms: number, signal: AbortSignal) =>
    waitForNews(
      { live, wakeUps, elapsedMs },
      { round, ms, signal, tag: work.actor?.keyId ?? null },
    );

  async function settle(
    work: Work,
    texts: readonly string[],
    statement: Statement,
    change: Change = 'CHANGED',
  ): Promise<Settled> {
    checkCount('tokens', texts.length, LIMITS.pullEventsMax);
    const tokens = new Map<number, { text: string; token: LeaseToken }>();
    for (const text of texts) {
      const token = decodeToken(text);
      if (token !== null) tokens.set(token.position, { text, token });
    }
    const given = [...tokens.values()].map(({ token }) => token);
    for (let isFresh = false; ; isFresh = true) {
      const plan = await plans.find(work.workspaceId, work.name, isFresh);
      const settling = settlingOf(plan, given, work.actor);
      const lane = onBehalfOf(plan.workspaceId, write);
      const taken = await again(() => rows<SettledRow>(lane, statement(settling, plan)));
      if (taken.length === 0) {
        if (isFresh) throw consumerNotFound(work.name);
        continue;
      }
      if (taken.some(({ is_parked }) => is_parked)) await onParked(plan);
      wakeUps.changed(plan.workspaceId, plan.id, change);
      const done = new Set(
        taken.flatMap(({ position }) => (position === null ? [] : tokens.get(position)?.text)),
      );
      const expired = [...new Set(texts)].filter(text => !done.has(text));
      return { consumerId: plan.id, count: done.size, expired };
    }
  }

  return {
    async pull(work, { first, waitMs, signal, onWait }) {
      checkCount('first', first, LIMITS.pullEventsMax);
      checkDelayMs('wait', waitMs, LIMITS.pullWaitSecondsMax);
      const untilMs = elapsedMs() + waitMs;
      for (;;) {
        const asking: Asking = { first, actor: work.actor, window: null, signal };
        const round = await lineOf(work).ask(asking);
        const leftMs = untilMs - elapsedMs();
        if (round.leases.length > 0 || leftMs <= 0 || signal.aborted) {
          return { consumerId: round.consumerId, leases: round.leases };
        }
        if (round.state === 'MORE') continue;
        onWait?.();
        await wait(round, work, leftMs, signal);
      }
    },
    leases(work, windowMax, signal) {
      checkCount('window', windowMax, LIMITS.pullEventsMax);
      return new LeaseStream({
        ...{ windowMax, signal, actor: work.actor },
        ask: asking => lineOf(work).ask(asking),
        wait: (round, over) => wait(round, work, Infinity, over),
        giveBack: (round, leases) =>
          giveBack(
            round.plan,
            leases.map(({ token }) => token),
          ),
      });
    },
    async acknowledge(work, tokens) {
      const settled = await settle(work, tokens, acknowledgeSql, 'SETTLED');
      counts.acknowledged += settled.count;
      return settled;
    },
    async release(work, tokens, { delayMs, reason, isPark }) {
      checkConsumerTexts({ reason });
      if (delayMs !== null) checkDelayMs('delay', delayMs, LIMITS.retryDelaySecondsMax);
      return settle(work, tokens, (settling, { maxAttempts }) =>
        releaseSql(settling, {
          ...{ reason, isPark, maxAttempts, parkReason: REFUSED },
          delaysMs: settling.tokens.map(({ attempt }) => delayMs ?? retryDelayMs(attempt)),
        }),
      );
    },
    async extend(work, tokens, leaseMs) {
      if (leaseMs !== null) checkLeaseMs(leaseMs);
      return settle(work, tokens, (settling, plan) => extendSql(settling, leaseMs ?? plan.leaseMs));
    },
    stats: () => ({ ...counts }),
    changed: (workspaceId, consumerId) => wakeUps.changed(workspaceId, consumerId, 'CHANGED'),
    stop: () => wakeUps.stop(),
  };
}

const NEVER = new AbortController().signal;
const LINES_MAX = 10_000;
const TRIES = 3;

function forgetIdle(lines: Map<string, Line>): void {
  for (const [key, line] of lines) if (line.isIdle) lines.delete(key);
}

/** Settling is idempotent: two that lock the same rows in turn may be told to begin again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const translated = toGatewayError(error, 'write');
      const isWorthIt = tries < TRIES && isSerializationFailure(error);
      if (!isWorthIt) throw translated;
    }
  }
}
