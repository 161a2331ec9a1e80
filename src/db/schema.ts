/**
 * The tables, described once. The numbered SQL in `migrations/` makes them, with what drizzle
 * has no words for (partitions, collations, functions); a test compares the two.
 */
import {
  boolean,
  date,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Scope } from '../core/principal.ts';
import type { UnknownTypePolicy } from '../core/workspace.ts';
import { bytes, count, instant, jsonText } from './column-types.ts';

export const installation = pgTable('installation', {
  id: smallint('id').primaryKey().default(1),
  /** Random per database, renewed after a restore: cursors carry it. */
  epoch: text('epoch').notNull(),
  /** Where the database stood when the epoch was made: see `installation.ts`. */
  home: text('home'),
  /** Of the access tokens that doors give out. */
  sealingSecret: text('sealing_secret').notNull(),
  /** When keys without events were last looked for. */
  keysSweptAt: instant('keys_swept_at'),
});

export const workspaces = pgTable(
  'workspaces',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    slug: text('slug').notNull(),
    name: text('name').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    retentionDays: integer('retention_days'),
    dedupeDays: integer('dedupe_days').notNull().default(30),
    timeZone: text('time_zone').notNull().default('UTC'),
    unknownTypes: text('unknown_types').$type<UnknownTypePolicy>().notNull().default('DISCOVER'),
    /** Batches of events that were redacted: what was read at a lower count is no longer true. */
    redactions: count('redactions').notNull().default(0),
    /** Whether a Merkle tree is kept over its log. */
    evidence: boolean('evidence').notNull().default(false),
    /** Whether an index of searches is kept. */
    searchIndex: boolean('search_index').notNull().default(false),
  },
  t => [unique('workspaces_slug_key').on(t.slug)],
);

/** The newest position, appended once a flush; readers take the newest row. */
export const workspaceHeads = pgTable(
  'workspace_heads',
  {
    workspaceId: integer('workspace_id').notNull(),
    head: count('head').notNull(),
    recordedAt: instant('recorded_at').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.head] })],
);

/** How far upkeep has come in a workspace. */
export const workspaceMarks = pgTable('workspace_marks', {
  workspaceId: integer('workspace_id').primaryKey(),
  /** The oldest position kept. */
  tail: count('tail').notNull().default(1),
  /** The newest position that the rollups count. */
  folded: count('folded').notNull().default(0),
  foldedRecordedAt: instant('folded_recorded_at').notNull(),
  /** Zone of the day rows and version of the time-zone database: `Europe/Vienna 2025c`. */
  daysZone: text('days_zone').notNull().default(''),
  /** The earliest expiry of any folded event. */
  expiresFirst: instant('expires_first'),
  /** When the event at `tail` was recorded; null until it is looked up. */
  tailRecordedAt: instant('tail_recorded_at'),
  /** The earliest expiry of any folded event that still has its content. */
  expiresNext: instant('expires_next'),
  /** Whether it has had the rule that every workspace begins with. */
  rulesBegun: boolean('rules_begun').notNull().default(false),
});

export const apiKeys = pgTable(
  'api_keys',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    name: text('name').notNull(),
    prefix: text('prefix').notNull(),
    /** SHA-256 of the secret, in hex. */
    hash: text('hash').notNull(),
    scopes: text('scopes').array().$type<Scope[]>().notNull(),
    /** Null: every workspace. */
    workspaceId: integer('workspace_id').references(() => workspaces.id, { onDelete: 'cascade' }),
    createdAt: instant('created_at').notNull().defaultNow(),
    lastUsedAt: instant('last_used_at'),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    /** The key that made it. No reference: the record outlives the maker. */
    createdBy: integer('created_by'),
    /** Where it may be used from, in CIDR notation. Null: anywhere. */
    addresses: text('addresses').array(),
    /** Kept from SLUICE_ADMIN_KEY. */
    fromSetting: boolean('from_setting').notNull().default(false),
    /** How much it may record. Null: any number of events. */
    eventsPerDay: count('events_per_day'),
    eventsPerMonth: count('events_per_month'),
  },
  t => [
    unique('api_keys_hash_key').on(t.hash),
    index('api_keys_workspace_idx').on(t.workspaceId, t.id),
  ],
);

/** What keys have recorded, by the day of UTC: see `0019_quotas.sql`. */
export const keyUsage = pgTable(
  'key_usage',
  {
    keyId: integer('key_id').notNull(),
    day: date('day').notNull(),
    recorded: count('recorded').notNull(),
  },
  t => [primaryKey({ columns: [t.keyId, t.day] })],
);

/** Of an EventSource, which can send no header. */
export const streamTickets = pgTable(
  'stream_tickets',
  {
    /** SHA-256 of the ticket, in hex. */
    hash: text('hash').primaryKey(),
    keyId: integer('key_id')
      .notNull()
      .references(() => apiKeys.id, { onDelete: 'cascade' }),
    expiresAt: instant('expires_at').notNull(),
    used: boolean('used').notNull().default(false),
    /** Null: made by an earlier version, and refused. */
    workspaceId: integer('workspace_id').references(() => workspaces.id, { onDelete: 'cascade' }),
    /** SHA-256 of the operation. Null: bound by the first use. */
    operation: text('operation'),
    /** When its stream gave out its first cursor, and which position that was. */
    openedAt: instant('opened_at'),
    firstPosition: count('first_position'),
    /** How long who was cut off may come back. */
    resumableUntil: instant('resumable_until'),
  },
  t => [index('stream_tickets_key_idx').on(t.keyId, t.expiresAt)],
);

/** Dedupe, and look-up by event id. Partitioned by hash. */
export const eventKeys = pgTable(
  'event_keys',
  {
    workspaceId: integer('workspace_id').notNull(),
    key: uuid('key').notNull(),
    position: count('position').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    hash: uuid('hash').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.key] })],
);

/** The log. Partitioned by recorded_at, which never goes back within a workspace. */
export const events = pgTable(
  'events',
  {
    workspaceId: integer('workspace_id').notNull(),
    position: count('position').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    occurredAt: instant('occurred_at').notNull(),
    expiresAt: instant('expires_at'),
    redactedAt: instant('redacted_at'),
    definitionId: integer('definition_id').notNull(),
    door: smallint('door').notNull(),
    notify: boolean('notify').notNull(),
    success: boolean('success'),
    eventId: text('event_id').notNull(),
    source: text('source'),
    subject: text('subject'),
    actor: text('actor'),
    description: text('description'),
    icon: text('icon'),
    clientIp: text('client_ip'),
    parentId: text('parent_id'),
    groupId: text('group_id'),
    payload: jsonText('payload').notNull(),
    propertyTypes: jsonText('property_types'),
    wire: jsonText('wire'),
    /** When its content was taken away because it had expired. */
    expiredAt: instant('expired_at'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.position, t.recordedAt] }),
    index('events_occurred_idx').on(t.workspaceId, t.occurredAt, t.position),
    index('events_definition_idx').on(t.workspaceId, t.definitionId, t.position),
    index('events_subject_idx').on(t.workspaceId, t.subject, t.position),
    index('events_actor_idx').on(t.workspaceId, t.actor, t.position),
    index('events_group_idx').on(t.workspaceId, t.groupId, t.position),
    index('events_parent_idx').on(t.workspaceId, t.parentId, t.position),
    index('events_expires_idx').on(t.workspaceId, t.expiresAt),
    index('events_redacted_idx').on(t.workspaceId, t.occurredAt),
  ],
);

const rollupKey = {
  workspaceId: integer('workspace_id').notNull(),
  grain: smallint('grain').notNull(),
  bucket: instant('bucket').notNull(),
  definitionId: integer('definition_id').notNull(),
  door: smallint('door').notNull(),
};

export const eventCounts = pgTable(
  'event_counts',
  { ...rollupKey, count: count('count').notNull() },
  t => [primaryKey({ columns: [t.workspaceId, t.grain, t.bucket, t.definitionId, t.door] })],
);

export const eventMeasures = pgTable(
  'event_measures',
  {
    ...rollupKey,
    property: text('property').notNull(),
    count: count('count').notNull(),
    sum: numeric('sum').notNull(),
    min: numeric('min').notNull(),
    max: numeric('max').notNull(),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.grain, t.bucket, t.definitionId, t.door, t.property] }),
  ],
);

/** A declared measure: its rollup counts positions 1 to `filled`, and those after `upto`. */
export const measureFills = pgTable(
  'measure_fills',
  {
    workspaceId: integer('workspace_id').notNull(),
    definitionId: integer('definition_id').notNull(),
    property: text('property').notNull(),
    filled: count('filled').notNull(),
    upto: count('upto').notNull(),
    /** No longer declared: its rollup is being removed. */
    dropped: boolean('dropped').notNull().default(false),
    /** Since when it is counted from its events alone: a number of theirs is too long. */
    setAsideAt: instant('set_aside_at'),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.definitionId, t.property] })],
);

/** What upkeep could not do for a workspace, and when it tries again. */
export const upkeepFaults = pgTable(
  'upkeep_faults',
  {
    workspaceId: integer('workspace_id').notNull(),
    step: text('step').notNull(),
    since: instant('since').notNull().defaultNow(),
    tries: integer('tries').notNull().default(1),
    retryAt: instant('retry_at').notNull(),
    message: text('message').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.step] })],
);

export const quarantinedEvents = pgTable(
  'quarantined_events',
  {
    workspaceId: integer('workspace_id').notNull(),
    id: uuid('id').notNull().defaultRandom(),
    receivedAt: instant('received_at').notNull().defaultNow(),
    door: smallint('door').notNull(),
    problems: jsonText('problems').notNull(),
    event: jsonText('event').notNull(),
    /** That of the event. */
    expiresAt: instant('expires_at'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.id] }),
    index('quarantined_events_received_idx').on(t.workspaceId, t.receivedAt, t.id),
    index('quarantined_events_expires_idx').on(t.expiresAt),
  ],
);

/** What vendors' clients say of themselves, by a name of theirs. */
export const doorNotes = pgTable(
  'door_notes',
  {
    workspaceId: integer('workspace_id').notNull(),
    door: smallint('door').notNull(),
    name: text('name').notNull(),
    value: jsonText('value').notNull(),
    /** In whole seconds, and later with each change: HTTP dates have no more. */
    changedAt: instant('changed_at').notNull(),
    notedAt: instant('noted_at').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.door, t.name] })],
);

/** Keys that sign checkpoints. `0014_evidence.sql` says more of these tables. */
export const evidenceKeys = pgTable(
  'evidence_keys',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    publicKey: bytes('public_key').notNull(),
    /** Null: it is a setting's. */
    seed: bytes('seed'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  t => [unique('evidence_keys_public_key_key').on(t.publicKey)],
);

/** How far the Merkle tree of a workspace has come. */
export const evidenceLogs = pgTable('evidence_logs', {
  workspaceId: integer('workspace_id').primaryKey(),
  origin: text('origin').notNull(),
  epoch: text('epoch').notNull(),
  /** The position of leaf 0. */
  firstPosition: count('first_position').notNull(),
  /** Leaves in the tree. */
  size: count('size').notNull().default(0),
  builtRecordedAt: instant('built_recorded_at'),
  builtAt: instant('built_at').notNull().defaultNow(),
  /** Leaves below this one were cut. */
  cut: count('cut').notNull().default(0),
  endedAt: instant('ended_at'),
});

/** Hashes of the trees. */
export const evidenceTiles = pgTable(
  'evidence_tiles',
  {
    workspaceId: integer('workspace_id').notNull(),
    level: smallint('level').notNull(),
    number: count('number').notNull(),
    hashes: bytes('hashes').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.level, t.number] })],
);

/** Salts and commitments of 256 leaves. */
export const evidenceBundles = pgTable(
  'evidence_bundles',
  {
    workspaceId: integer('workspace_id').notNull(),
    number: count('number').notNull(),
    recordedFrom: instant('recorded_from').notNull(),
    recordedTo: instant('recorded_to').notNull(),
    salts: bytes('salts').notNull(),
    commitments: bytes('commitments').notNull(),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.number] })],
);

/** Browsers that take Web Push, each of a key. */
export const pushSubscriptions = pgTable(
  'push_subscriptions',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    keyId: integer('key_id')
      .notNull()
      .references(() => apiKeys.id, { onDelete: 'cascade' }),
    endpointHash: text('endpoint_hash').notNull(),
    sealed: text('sealed').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  t => [unique('push_subscriptions_endpoint_key').on(t.keyId, t.endpointHash)],
);

/** By which push services know this gateway. */
export const pushKeys = pgTable('push_keys', {
  id: smallint('id').primaryKey().default(1),
  publicKey: text('public_key').notNull(),
  /** Sealed. */
  privateKey: text('private_key').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export * from './consumer-tables.ts';
export * from './definition-tables.ts';
export * from './meter-tables.ts';
export * from './search-tables.ts';
