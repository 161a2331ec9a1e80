/** The tables of consumers and of what the gateway sends for them, described as in `schema.ts`. */
import {
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { NotificationKind, ThresholdComparison } from '../core/notification.ts';
import type { WebhookFormat } from '../core/webhook.ts';
import { count, instant } from './column-types.ts';

/** Named places in a workspace's log. `0012_consumers.sql` says more of each column. */
export const consumers = pgTable(
  'consumers',
  {
    workspaceId: integer('workspace_id').notNull(),
    id: integer('id').notNull().generatedAlwaysAsIdentity(),
    name: text('name').notNull(),
    description: text('description'),
    kind: text('kind').notNull().default('PULL'),
    filter: jsonb('filter'),
    orderedBy: text('ordered_by'),
    leaseMs: integer('lease_ms').notNull(),
    maxAttempts: integer('max_attempts').notNull(),
    pausedAt: instant('paused_at'),
    pausedReason: text('paused_reason'),
    /** No delivery up to here is open. It may lag behind. */
    settled: count('settled').notNull(),
    /** Every event up to here was looked at. */
    scanned: count('scanned').notNull(),
    scannedRecordedAt: instant('scanned_recorded_at').notNull(),
    /** The first position that retention took while its delivery waited for a retry. */
    gone: count('gone'),
    /** Grows with each change of what a pull has to know before it starts. */
    revision: integer('revision').notNull().default(1),
    /** Grows with each change of the row. */
    turn: count('turn').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.id] }),
    unique('consumers_name_key').on(t.workspaceId, t.name),
  ],
);

/** Deliveries of consumers that are leased, wait, or are parked. */
export const deliveries = pgTable(
  'deliveries',
  {
    workspaceId: integer('workspace_id').notNull(),
    consumerId: integer('consumer_id').notNull(),
    position: count('position').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    attempts: integer('attempts').notNull(),
    /** Who holds it; null while it waits. */
    lease: uuid('lease'),
    /** When the lease runs out, or the retry is due. */
    dueAt: instant('due_at').notNull(),
    /** Of a consumer with an order. */
    orderKey: text('order_key'),
    parkedAt: instant('parked_at'),
    reason: text('reason'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.consumerId, t.position] }),
    index('deliveries_parked_idx').on(t.workspaceId, t.consumerId, t.position),
  ],
);

/** What the gateway sends events of a consumer to. `0013_webhooks.sql` says more of each column. */
export const webhooks = pgTable(
  'webhooks',
  {
    workspaceId: integer('workspace_id').notNull(),
    consumerId: integer('consumer_id').notNull(),
    url: text('url').notNull(),
    format: text('format').$type<WebhookFormat>().notNull(),
    timeoutMs: integer('timeout_ms').notNull(),
    /** Sealed, as the secrets. */
    headers: text('headers').notNull(),
    secret: text('secret').notNull(),
    previousSecret: text('previous_secret'),
    previousValidUntil: instant('previous_valid_until'),
    /** When the first attempt since the last success failed. */
    failingSince: instant('failing_since'),
    attemptCount: count('attempt_count').notNull().default(0),
    /** Grows with each change of what a request is made of. */
    revision: integer('revision').notNull().default(1),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.consumerId] })],
);

/** The newest attempts of webhooks. */
export const webhookAttempts = pgTable(
  'webhook_attempts',
  {
    workspaceId: integer('workspace_id').notNull(),
    consumerId: integer('consumer_id').notNull(),
    /** `number`, in as many slots as attempts are kept. */
    slot: integer('slot').notNull(),
    number: count('number').notNull(),
    attemptedAt: instant('attempted_at').notNull(),
    eventId: text('event_id').notNull(),
    position: count('position').notNull(),
    attempt: integer('attempt').notNull(),
    status: integer('status'),
    error: text('error'),
    durationMs: integer('duration_ms').notNull(),
    response: text('response'),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.consumerId, t.slot] })],
);

/** Rules of notifications. `0016_notifications.sql` says more of each column. */
export const notificationRules = pgTable(
  'notification_rules',
  {
    workspaceId: integer('workspace_id').notNull(),
    consumerId: integer('consumer_id').notNull(),
    /** Sealed. */
    channels: text('channels').notNull(),
    quietMs: integer('quiet_ms').notNull(),
    thresholdComparison: text('threshold_comparison').$type<ThresholdComparison>(),
    thresholdCount: count('threshold_count'),
    thresholdMs: count('threshold_ms'),
    counts: text('counts').notNull().default('[]'),
    countsRevision: integer('counts_revision').notNull().default(0),
    countsSince: instant('counts_since'),
    isCrossed: boolean('is_crossed').notNull().default(false),
    judgeAt: instant('judge_at'),
    pendingCount: count('pending_count').notNull().default(0),
    pendingKind: text('pending_kind').$type<NotificationKind>(),
    pendingPosition: count('pending_position'),
    pendingRecordedAt: instant('pending_recorded_at'),
    flushAt: instant('flush_at'),
    notifiedCount: count('notified_count').notNull().default(0),
    lastNotifiedAt: instant('last_notified_at'),
    lastError: text('last_error'),
    /** Grows with each change by an administrator. */
    revision: integer('revision').notNull().default(1),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.consumerId] })],
);

/** What is to be sent: a row for each notification and each address. */
export const notifications = pgTable(
  'notifications',
  {
    workspaceId: integer('workspace_id').notNull(),
    consumerId: integer('consumer_id').notNull(),
    number: count('number').notNull(),
    channel: text('channel').notNull(),
    /** 0 but for Web Push. */
    subscriptionId: integer('subscription_id').notNull().default(0),
    kind: text('kind').$type<NotificationKind>().notNull(),
    position: count('position').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    eventCount: count('event_count').notNull(),
    attempts: integer('attempts').notNull().default(0),
    /** Who sends it; null while it waits. */
    lease: uuid('lease'),
    dueAt: instant('due_at').notNull().defaultNow(),
  },
  t => [
    primaryKey({
      columns: [t.workspaceId, t.consumerId, t.number, t.channel, t.subscriptionId],
    }),
    index('notifications_due_idx').on(t.workspaceId, t.consumerId, t.dueAt),
  ],
);
