/**
 * Works for one rule while it has something to do: takes what its consumer has due, keeps what that
 * leads to, and sends what is to be told. It ends by itself when nothing came for a while: whoever
 * looks at all rules starts it again.
 */
import { randomUUID } from 'node:crypto';
import type { Consume } from '../consume/consume.ts';
import type { Work } from '../consume/settler.ts';
import type { Lease } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import { backoffMs, sleep } from '../core/isomorphic.ts';
import { LIMITS } from '../core/limits.ts';
import type { Connection, Pool } from '../db/client.ts';
import { transaction } from '../db/transaction.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import type { Dispatch } from './dispatch.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { ActiveRule } from './rule-plan.ts';
import { keepEvents, type Kept } from './rule-state.ts';

export interface RuleWorkerOptions {
  readonly consume: Pick<Consume, 'pull' | 'acknowledgeWith' | 'giveBack'>;
  readonly write: Pool;
  readonly box: SecretCipher;
  readonly dispatch: Dispatch;
  /** Whether it may wait for events: each that waits holds a stream. */
  readonly mayWait: () => boolean;
  readonly onError: (error: unknown, rule: ActiveRule) => void;
}

/** Of one pull: what is told of each is kept in one transaction. */
const EVENTS_MAX = 50;
const SENT_AT_ONCE = 8;
/** Longer than a notification takes, with the wait for its place. */
const LEASE_MS = 2 * LIMITS.notificationTimeoutSeconds * 1_000 + 15_000;
const FAILURES_MAX = 5;

export class RuleWorker {
  readonly #rule: ActiveRule;
  readonly #options: RuleWorkerOptions;
  readonly #outbox: Outbox;
  /** Takes no more. */
  readonly #closing = new AbortController();
  /** Gives up what is under way. */
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** There may be something to send. */
  #isTold = true;
  #wakeSender: () => void = () => {};
  /** When there is something to do without an event: at the start what was left. */
  #nextMs = 0;
  #isStopping = false;

  constructor(rule: ActiveRule, options: RuleWorkerOptions) {
    this.#rule = rule;
    this.#options = options;
    this.#outbox = createOutbox(options.write, rule, randomUUID());
  }

  start(onOver: () => void): void {
    this.#running = Promise.all([this.#take(), this.#send()]).then(onOver);
  }

  /** What is under way has so long to end. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#closing.abort();
    this.#wakeSender();
    const timer = setTimeout(() => this.#ending.abort(), graceMs);
    await this.#running;
    clearTimeout(timer);
  }

  get #work(): Work {
    return { workspaceId: this.#rule.workspaceId, name: this.#rule.name, actor: null };
  }

  /** Events, and times that have come. */
  async #take(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted && failures < FAILURES_MAX;) {
      try {
        const isIdle = await this.#takeOnce();
        failures = 0;
        if (isIdle) break;
      } catch (error) {
        if (isOver(error)) break;
        if (!isExpected(error)) this.#options.onError(error, this.#rule);
        await sleep(backoffMs(failures++, { minMs: 200, maxMs: 5_000 }), signal);
      }
    }
    // What was told last is sent before it ends.
    this.#closing.abort();
    this.#wakeSender();
  }

  /** Whether nothing came in a while, and nothing is to be done at a time. */
  async #takeOnce(): Promise<boolean> {
    const { consume, mayWait } = this.#options;
    const leftMs = this.#nextMs - performance.now();
    const longestMs = LIMITS.pullWaitSecondsMax * 1_000;
    const waitMs = leftMs <= 0 || !mayWait() ? 0 : Math.min(longestMs, leftMs);
    const { signal } = this.#closing;
    const { leases } = await consume.pull(this.#work, { first: EVENTS_MAX, waitMs, signal });
    if (signal.aborted) return true;
    if (leases.length > 0) this.#keep(await this.#acknowledge(leases));
    else if (this.#nextMs <= performance.now()) this.#keep(await this.#look());
    else return true;
    return false;
  }

  async #acknowledge(leases: readonly Lease[]): Promise<Kept | null> {
    const { consume, box } = this.#options;
    const events = leases.map(({ event }) => event);
    try {
      return await consume.acknowledgeWith(this.#work, leases, (connection, positions) =>
        keepEvents(
          connection,
          box,
          this.#rule,
          events.filter(({ position }) => positions.has(position)),
        ),
      );
    } catch (error) {
      // Not its fault, so that nobody need wait for its lease to run out.
      if (isExpected(error)) await consume.giveBack(this.#work, leases).catch(() => {});
      throw error;
    }
  }

  #look(): Promise<Kept | null> {
    const { write, box } = this.#options;
    const work = (connection: Connection) => keepEvents(connection, box, this.#rule, []);
    return transaction(write, work, { tenant: this.#rule.workspaceId });
  }

  #keep(kept: Kept | null): void {
    this.#nextMs = Infinity;
    if (kept === null) return this.#closing.abort();
    if (kept.nextAt !== null) {
      this.#nextMs = performance.now() + Math.max(0, kept.nextAt.getTime() - kept.now.getTime());
    }
    if (kept.toldCount === 0) return;
    this.#isTold = true;
    this.#wakeSender();
  }

  /** What waits to be sent. */
  async #send(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (let failures = 0; failures < FAILURES_MAX && !this.#isStopping;) {
      try {
        const room = SENT_AT_ONCE - underWay.size;
        this.#isTold = false;
        const { leased, nextInMs } = await this.#outbox.lease(LEASE_MS, room);
        failures = 0;
        for (const each of leased) {
          const sending = this.#sendOne(each).finally(() => underWay.delete(sending));
          underWay.add(sending);
        }
        if (underWay.size >= SENT_AT_ONCE) await Promise.race(underWay);
        if (leased.length > 0 || this.#isTold) continue;
        if (underWay.size === 0 && this.#closing.signal.aborted) break;
        await Promise.race([...underWay, this.#untilTold(nextInMs ?? Infinity)]);
      } catch (error) {
        if (!isExpected(error)) this.#options.onError(error, this.#rule);
        await sleep(backoffMs(failures++, { minMs: 200, maxMs: 5_000 }), this.#closing.signal);
      }
    }
    await Promise.all(underWay);
  }

  async #sendOne(leased: Parameters<Dispatch>[2]): Promise<void> {
    try {
      await this.#options.dispatch(this.#rule, this.#outbox, leased, this.#ending.signal);
    } catch (error) {
      // Its lease runs out, and then it is sent again.
      if (!isExpected(error)) this.#options.onError(error, this.#rule);
    }
  }

  #untilTold(ms: number): Promise<void> {
    if (this.#isTold) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1));
      timer.unref();
      this.#wakeSender = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Deleted or named otherwise, or retention has passed it: whoever looks at all rules finds out. */
function isOver(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return error instanceof GatewayError && (code === 'NOT_FOUND' || code === 'CURSOR_EXPIRED');
}

/** The gateway stops, or has no room for now. */
function isExpected(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  const expected = ['GOING_AWAY', 'TOO_MANY_STREAMS', 'SERVICE_UNAVAILABLE', 'OVERLOADED'];
  return code !== undefined && expected.includes(code);
}
