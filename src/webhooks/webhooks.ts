/**
 * The webhooks of this process: a worker for each that is active. Every gateway has one; they share
 * a webhook as workers share a consumer. One that is idle costs a live stream, and no statement of its own.
 */
import { randomUUID } from 'node:crypto';
import type { Change } from '../consume/consumer-admin.ts';
import type { Consumer } from '../core/consumer.ts';
import { GatewayError } from '../core/errors.ts';
import type { EventInput, StoredEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import type { Sent, WebhookAttempt } from '../core/webhook.ts';
import { onBehalfOf, type Connection } from '../db/connection.ts';
import type { Outbound } from '../security/outbound.ts';
import type { SecretCipher } from '../security/secret-cipher.ts';
import { createAttemptLog } from './attempt-log.ts';
import { messageOf, type CloudEventText } from './message.ts';
import { RequestSlots } from './request-slots.ts';
import { createSender, type Sender } from './sender.ts';
import type { WebhookAdmin } from './webhook-admin.ts';
import { readActive, readPlan, type ActiveWebhook, type WebhookPlan } from './webhook-reader.ts';
import { WebhookWorker, type WorkerOptions } from './worker.ts';

export interface WebhooksOptions {
  readonly consume: WorkerOptions['consume'];
  readonly admin: Pick<WebhookAdmin, 'pauseAsOf'>;
  readonly consumerOf: (workspaceId: number, consumerId: number) => Promise<Consumer | null>;
  /** For looks at all of them. */
  readonly read: Connection;
  readonly write: Connection;
  readonly box: SecretCipher;
  readonly outbound: Outbound;
  readonly epoch: string;
  readonly cloudEvent: CloudEventText;
  readonly retryDelaysMs: readonly number[];
  readonly nowMs: () => number;
  readonly elapsedMs: () => number;
  /** Records what the gateway has to say in the workspace. */
  readonly record: (workspaceId: number, event: EventInput) => Promise<void>;
  readonly onSent: (sent: Sent) => void;
  readonly onError: (error: unknown, facts: object, message: string) => void;
}

/** How soon it is seen here what other gateways did to webhooks. */
const LOOK_EVERY_MS = 3_000;
/** While there is none: whoever makes one works for it. */
const IDLE_LOOK_EVERY_MS = 60_000;
const GRACE_MS = 3_000;

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #sender: Sender;
  readonly #places = new RequestSlots({
    max: LIMITS.webhookRequestsMax,
    hostMax: LIMITS.webhookHostRequestsMax,
  });
  readonly #workers = new Map<string, WebhookWorker>();
  readonly #leaving = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #isLookDue = false;
  readonly #stopping = new AbortController();

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#sender = createSender(options);
  }

  start(): void {
    this.changed();
  }

  /** Takes no more, and gives requests a moment to be answered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#looking;
    for (const [key, worker] of this.#workers) this.#close(key, worker);
    await Promise.all(this.#leaving);
    this.#sender.stop();
  }

  /** One was made or changed here: others are seen within seconds. */
  changed(): void {
    this.#isLookDue = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
      if (this.#stopping.signal.aborted) return;
      if (this.#isLookDue) this.changed();
      else this.#lookLater();
    });
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    const everyMs = this.#workers.size === 0 ? IDLE_LOOK_EVERY_MS : LOOK_EVERY_MS;
    this.#timer = setTimeout(() => this.changed(), everyMs).unref();
  }

  /**
   * Sends an event that was not recorded.
   * @throws GatewayError NOT_FOUND for a consumer that is no webhook, OVERLOADED; UNAUTHENTICATED
   * where the acting key was revoked or has expired before the attempt is kept
   */
  async test({ workspaceId, name, actor }: Change, signal: AbortSignal): Promise<WebhookAttempt> {
    const { read, box, write, cloudEvent, nowMs } = this.#options;
    const plan = await readPlan(onBehalfOf(workspaceId, read), box, { workspaceId, name });
    if (plan === null) throw noWebhook(name);
    const { url, timeoutMs, consumerId } = plan;
    const { host } = new URL(url);
    if (this.#places.take(workspaceId, host, 1) === 0) throw busy();
    try {
      const event = testEvent(plan, name, nowMs());
      const message = messageOf(
        plan,
        { event, cursor: null, workspace: plan.workspace },
        { secrets: secretsOf(plan), messageId: `msg_test_${randomUUID()}`, nowMs: nowMs() },
        cloudEvent,
      );
      const either = AbortSignal.any([signal, this.#stopping.signal]);
      const sent = await this.#sender.send({ url, timeoutMs, signal: either, ...message });
      if (sent === null) throw new GatewayError('GOING_AWAY', 'The test was given up.');
      const { retryAfterMs: _asked, ...made } = sent;
      const attempt = { ...made, eventId: event.eventId, position: 0, attempt: 1 };
      const noted = await createAttemptLog(write, plan, actor).note({ ...attempt, isTest: true });
      if (noted === null) throw noWebhook(name);
      return { ...attempt, consumerId, number: noted.number };
    } finally {
      this.#places.leave(workspaceId, host, 1);
    }
  }

  async #look(): Promise<void> {
    while (this.#isLookDue && !this.#stopping.signal.aborted) {
      this.#isLookDue = false;
      try {
        this.#follow(await readActive(this.#options.read));
      } catch (error) {
        this.#options.onError(error, {}, 'webhooks were not looked at');
      }
    }
  }

  #follow(active: readonly ActiveWebhook[]): void {
    if (this.#stopping.signal.aborted) return;
    const found = new Map(active.map(webhook => [keyOf(webhook), webhook]));
    for (const [key, worker] of this.#workers) {
      const webhook = found.get(key);
      if (webhook === undefined || worker.isOver) this.#close(key, worker);
      else worker.update(webhook);
    }
    for (const [key, webhook] of found) {
      if (!this.#workers.has(key)) this.#open(key, webhook);
    }
  }

  #open(key: string, webhook: ActiveWebhook): void {
    const { read, write, box, onError } = this.#options;
    const worker = new WebhookWorker(webhook, {
      ...this.#options,
      sender: this.#sender,
      places: this.#places,
      readPlan: of => readPlan(onBehalfOf(of.workspaceId, read), box, of),
      attemptsOf: of => createAttemptLog(write, of),
      pause: (of, reason) => this.#pause(of, reason),
      onError: (error, { workspaceId, consumerId }) =>
        onError(error, { workspaceId, consumerId }, 'a webhook was not delivered as it should be'),
    });
    this.#workers.set(key, worker);
    worker.start();
  }

  #close(key: string, worker: WebhookWorker): void {
    this.#workers.delete(key);
    const leaving = worker.stop(GRACE_MS).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  /**
   * The event first: it has the same id wherever the webhook is found to fail at the same time, so
   * that it is recorded once, and a crash between the two costs nothing.
   */
  async #pause({ workspaceId, consumerId }: ActiveWebhook, reason: string): Promise<void> {
    const { consumerOf, admin, record } = this.#options;
    const consumer = await consumerOf(workspaceId, consumerId);
    if (consumer === null || consumer.isPaused) return;
    const { name, updatedAt } = consumer;
    await record(workspaceId, {
      id: `sluice.webhook.paused-${consumerId}-${updatedAt.getTime()}`,
      type: 'sluice.webhook.paused',
      source: 'sluice',
      subject: name,
      description: `The webhook ${JSON.stringify(name)} was paused. ${reason}`,
      notify: true,
      success: false,
      payload: { consumer: name, reason },
    });
    await admin.pauseAsOf({ workspaceId, name, actor: null }, updatedAt, reason);
    this.changed();
  }
}

function keyOf({ workspaceId, consumerId }: ActiveWebhook): string {
  return `${workspaceId} ${consumerId}`;
}

function secretsOf({ secrets }: WebhookPlan): string[] {
  return secrets.map(({ secret }) => secret);
}

function noWebhook(name: string): GatewayError {
  const shown = JSON.stringify(name.slice(0, 100).toWellFormed());
  return new GatewayError('NOT_FOUND', `There is no webhook ${shown} in this workspace.`);
}

function busy(): GatewayError {
  const message =
    'There are already as many requests to this host as are allowed. Try again shortly.';
  return new GatewayError('OVERLOADED', message);
}

/** What it would be like if it had been recorded now. */
function testEvent({ workspaceId }: WebhookPlan, name: string, nowMs: number): StoredEvent {
  const now = new Date(nowMs);
  const none = null;
  return {
    workspaceId,
    position: 0,
    eventId: `sluice.webhook.test-${randomUUID()}`,
    definitionId: 0,
    type: 'sluice.webhook.test',
    category: none,
    door: 'GRAPHQL',
    occurredAt: now,
    recordedAt: now,
    expiresAt: none,
    redactedAt: none,
    source: 'sluice',
    subject: name,
    actor: none,
    description: `A test of the webhook ${JSON.stringify(name)}.`,
    icon: none,
    notify: false,
    success: none,
    clientIp: none,
    parentId: none,
    groupId: none,
    payload: JSON.stringify({ consumer: name }),
    propertyTypes: none,
    wire: none,
  };
}
