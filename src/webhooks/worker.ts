/**
 * Works for one webhook: takes what its consumer has due, sends it, and settles it by the answer.
 * The consumer keeps the place and the retries. What is decided here is how much goes out at once:
 * less to a receiver that fails, so that it neither gets more than it can take, nor costs much.
 */
import { setMaxListeners } from 'node:events';
import type { Consume } from '../consume/consume.ts';
import type { LeaseRoom } from '../consume/lease-stream.ts';
import type { Work } from '../consume/settler.ts';
import type { Lease } from '../core/consumer.ts';
import { eventCursors } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { backoffMs, sleep } from '../core/isomorphic.ts';
import { LIMITS } from '../core/limits.ts';
import { outcomeOf, type Sent } from '../core/webhook.ts';
import type { AttemptLog } from './attempt-log.ts';
import { messageIdOf, messageOf, type CloudEventText } from './message.ts';
import type { RequestSlots } from './request-slots.ts';
import type { Sender } from './sender.ts';
import type { ActiveWebhook, WebhookPlan } from './webhook-reader.ts';

export interface WorkerOptions {
  readonly consume: Pick<Consume, 'leases' | 'acknowledge' | 'release' | 'giveBack'>;
  readonly sender: Pick<Sender, 'send'>;
  readonly places: RequestSlots;
  readonly epoch: string;
  readonly cloudEvent: CloudEventText;
  readonly retryDelaysMs: readonly number[];
  readonly nowMs: () => number;
  readonly elapsedMs: () => number;
  /** Null where it was deleted. */
  readonly readPlan: (webhook: ActiveWebhook) => Promise<WebhookPlan | null>;
  readonly attemptsOf: (webhook: ActiveWebhook) => AttemptLog;
  readonly pause: (webhook: ActiveWebhook, reason: string) => Promise<void>;
  readonly onSent: (sent: Sent) => void;
  readonly onError: (error: unknown, webhook: ActiveWebhook) => void;
}

const PARALLEL_MAX = LIMITS.webhookParallelMax;
/** Requests, and deliveries that are being settled. */
const UNSETTLED_MAX = 3 * PARALLEL_MAX;
/** After so many failures in a row the next request waits, for longer with each. */
const FAILURES_FREE = 3;
const CLOSED_MS_MIN = 50;
const CLOSED_MS_MAX = 10_000;
/** Between two looks at what is due: events that come in this time cost one statement together. */
const PACE_MS = 10;
/** Before the consumer is asked again that could not be. */
const AGAIN_MS_MIN = 200;
const AGAIN_MS_MAX = 15_000;

export class WebhookWorker {
  readonly #options: WorkerOptions;
  readonly #attempts: AttemptLog;
  #webhook: ActiveWebhook;
  #plan: Promise<WebhookPlan | null> | null = null;
  /** Of the host that places are taken for. */
  #host = '';
  /** No more deliveries are taken. */
  readonly #closing = new AbortController();
  /** Requests are given up. */
  readonly #ending = new AbortController();
  #stream = new AbortController();
  /** Requests; and what is done with their answers. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #ended = new Set<Promise<void>>();
  #parallel: number = PARALLEL_MAX;
  /** Failures in a row, and when the last of them was. */
  #failures = 0;
  #failedMs = -Infinity;
  #closedUntilMs = 0;
  #nextLookMs = 0;
  #freed: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(webhook: ActiveWebhook, options: WorkerOptions) {
    this.#webhook = webhook;
    this.#options = options;
    this.#attempts = options.attemptsOf(webhook);
    // Each request listens, and each that settles: they are bounded by `UNSETTLED_MAX`.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Whether it has ended by itself. */
  get isOver(): boolean {
    return this.#closing.signal.aborted;
  }

  start(): void {
    this.#running = this.#run().finally(() => this.#closing.abort());
  }

  /** The webhook as it is now: what is sent from here on is made of that. */
  update(webhook: ActiveWebhook): void {
    const { name, revision } = this.#webhook;
    this.#webhook = webhook;
    if (webhook.revision === revision && webhook.name === name) return;
    this.#plan = null;
    this.#stream.abort();
  }

  /** Takes no more, and waits for what is under way. What is not answered in time is given back. */
  async stop(graceMs: number): Promise<void> {
    this.#close();
    const timer = setTimeout(() => this.#ending.abort(), graceMs);
    await this.#running;
    await Promise.all(this.#underWay);
    await Promise.all(this.#ended);
    clearTimeout(timer);
  }

  #close(): void {
    this.#closing.abort();
    this.#stream.abort();
  }

  async #run(): Promise<void> {
    const { consume, onError } = this.#options;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted;) {
      this.#stream = new AbortController();
      try {
        const plan = await this.#planNow();
        if (plan === null) return;
        this.#host = new URL(plan.url).host;
        const leases = consume.leases(this.#work, UNSETTLED_MAX, this.#stream.signal, this.#room);
        for await (const lease of leases) {
          failures = 0;
          this.#take(lease);
        }
      } catch (error) {
        // Deleted, or named otherwise: whoever lists the webhooks finds out.
        if (isNotFound(error)) return;
        if (!isExpected(error)) onError(error, this.#webhook);
        await sleep(backoffMs(failures++, { minMs: AGAIN_MS_MIN, maxMs: AGAIN_MS_MAX }), signal);
      }
    }
  }

  get #work(): Work {
    return { workspaceId: this.#webhook.workspaceId, name: this.#webhook.name, actor: null };
  }

  #planNow(): Promise<WebhookPlan | null> {
    if (this.#plan !== null) return this.#plan;
    const plan = this.#options.readPlan(this.#webhook);
    this.#plan = plan;
    plan.catch(() => {
      if (this.#plan === plan) this.#plan = null;
    });
    return plan;
  }

  /** Room for as many requests as the receiver, its host and the process have. */
  readonly #room: LeaseRoom = {
    take: async (max, signal) => {
      const { places, elapsedMs } = this.#options;
      const { workspaceId } = this.#webhook;
      for (;;) {
        if (signal.aborted) return 0;
        const closedMs = Math.max(this.#closedUntilMs, this.#nextLookMs) - elapsedMs();
        const free = this.#parallel - this.#underWay.size;
        if (closedMs > 0) await sleep(closedMs, signal);
        else if (free <= 0) await this.#untilFreed(signal);
        else {
          const taken = places.take(workspaceId, this.#host, Math.min(max, free));
          this.#nextLookMs = elapsedMs() + PACE_MS;
          if (taken > 0) return taken;
          await places.wait(workspaceId, this.#host, signal);
          if (signal.aborted) places.pass();
        }
      }
    },
    leave: count => this.#options.places.leave(this.#webhook.workspaceId, this.#host, count),
  };

  #untilFreed(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#freed = done;
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #take(lease: Lease): void {
    const host = this.#host;
    this.#track(this.#request(lease), this.#underWay, () => {
      this.#options.places.leave(this.#webhook.workspaceId, host, 1);
      this.#freed();
    });
  }

  #track(work: Promise<void>, all: Set<Promise<void>>, then: () => void = () => {}): void {
    const tracked = work
      .catch((error: unknown) => this.#options.onError(error, this.#webhook))
      .finally(() => {
        all.delete(tracked);
        then();
      });
    all.add(tracked);
  }

  async #request(lease: Lease): Promise<void> {
    const { sender, elapsedMs } = this.#options;
    const plan = await this.#planNow();
    if (plan === null) return;
    const { signal } = this.#ending;
    const { url, timeoutMs } = plan;
    const begunMs = elapsedMs();
    const sent = await sender.send({ url, timeoutMs, signal, ...this.#messageOf(plan, lease) });
    if (sent !== null) this.#adapt(sent, begunMs);
    // The next request does not wait for what is kept of this one.
    this.#track(this.#finish(lease, sent), this.#ended);
    if (sent !== null) this.#track(this.#note(lease, sent), this.#ended);
  }

  #messageOf(plan: WebhookPlan, { event }: Lease) {
    const { epoch, cloudEvent, nowMs } = this.#options;
    const now = nowMs();
    const cursor = eventCursors(epoch, plan.workspaceId).encodePosition(event);
    const secrets = plan.secrets
      .filter(({ until }) => until === null || until.getTime() > now)
      .map(({ secret }) => secret);
    const messageId = messageIdOf(epoch, event, plan.consumerId);
    const shown = { event, cursor, workspace: plan.workspace };
    return messageOf(plan, shown, { secrets, messageId, nowMs: now }, cloudEvent);
  }

  /** @param sent null: it was given up */
  async #finish(lease: Lease, sent: Sent | null): Promise<void> {
    const { consume, onSent, retryDelaysMs: delaysMs } = this.#options;
    if (sent === null) return this.#settle(lease, () => consume.giveBack(this.#work, [lease]));
    onSent(sent);
    const outcome = outcomeOf(sent, lease.attempt, { delaysMs, random: Math.random });
    const tokens = [lease.token];
    switch (outcome.kind) {
      case 'ACKNOWLEDGE':
        return this.#settle(lease, () => consume.acknowledge(this.#work, tokens));
      case 'RETRY': {
        const { delayMs, reason } = outcome;
        const release = { delayMs, reason, isPark: false };
        return this.#settle(lease, () => consume.release(this.#work, tokens, release));
      }
      case 'PAUSE':
        // In this order: what is given back is not to be sent again at once.
        await this.#pause(outcome.reason);
        return this.#settle(lease, () => consume.giveBack(this.#work, [lease]));
    }
  }

  /** Again while the database is away. Once the lease is over, somebody else has the delivery. */
  async #settle(lease: Lease, settle: () => Promise<unknown>): Promise<void> {
    const { elapsedMs } = this.#options;
    const untilMs = elapsedMs() + lease.leaseMs;
    for (let failures = 0; ; failures++) {
      try {
        await settle();
        return;
      } catch (error) {
        // Deleted; else it may have another name by now, of which the worker hears in a moment.
        if (this.isOver && isNotFound(error)) return;
        const isLasting = this.#ending.signal.aborted || elapsedMs() > untilMs;
        if (isLasting) throw error;
      }
      await sleep(backoffMs(failures, { minMs: 50, maxMs: 2_000 }), this.#ending.signal);
    }
  }

  async #note({ event, attempt }: Lease, { retryAfterMs: _, ...sent }: Sent): Promise<void> {
    const { eventId, position } = event;
    const noted = await this.#attempts.note({ ...sent, eventId, position, attempt, isTest: false });
    const since = noted?.failingTooLongSince;
    if (since == null) return;
    const { webhookFailingDaysMax: days } = LIMITS;
    await this.#pause(
      `No delivery has succeeded for ${days} days, since ${since.toISOString()}. The last answer: ${sent.error ?? ''}`,
    );
  }

  async #pause(reason: string): Promise<void> {
    if (this.isOver) return;
    this.#close();
    await this.#options.pause(this.#webhook, reason);
  }

  #adapt({ error, status }: Sent, begunMs: number): void {
    const nowMs = this.#options.elapsedMs();
    if (error === null) {
      this.#failures = 0;
      this.#closedUntilMs = 0;
      this.#parallel = Math.min(PARALLEL_MAX, this.#parallel * 2);
      return;
    }
    // Those that were under way together failed once.
    if (begunMs < this.#failedMs) return;
    this.#failedMs = nowMs;
    this.#failures += 1;
    this.#parallel = status === null ? 1 : Math.max(1, Math.floor(this.#parallel / 2));
    const beyond = this.#failures - FAILURES_FREE;
    if (beyond <= 0) return;
    const closedMs = Math.min(CLOSED_MS_MAX, CLOSED_MS_MIN * 2 ** Math.min(beyond, 20));
    this.#closedUntilMs = nowMs + closedMs;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'NOT_FOUND';
}

/** The gateway stops, has no room for now, or retention has passed the consumer, whose state says so. */
function isExpected(error: unknown): boolean {
  const expected = ['GOING_AWAY', 'TOO_MANY_STREAMS', 'CURSOR_EXPIRED', 'SERVICE_UNAVAILABLE'];
  const { code } = error as { readonly code?: string };
  return code !== undefined && expected.includes(code);
}
