/** The tables of meters, described as in `schema.ts`. */
import {
  boolean,
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
import { bytes, count, instant, jsonText } from './column-types.ts';

/** Declared questions whose answers are kept. `0015_meters.sql` says more of each column. */
export const meters = pgTable(
  'meters',
  {
    workspaceId: integer('workspace_id').notNull(),
    id: integer('id').notNull().generatedAlwaysAsIdentity(),
    name: text('name').notNull(),
    filter: jsonText('filter'),
    groupBy: jsonText('group_by').notNull(),
    measures: jsonText('measures').notNull(),
    seriesMax: integer('series_max').notNull(),
    seriesCount: integer('series_count').notNull().default(0),
    overflowed: boolean('overflowed').notNull().default(false),
    valuesCut: boolean('values_cut').notNull().default(false),
    setAside: smallint('set_aside').array().notNull().default([]),
    folded: count('folded').notNull().default(0),
    foldedRecordedAt: instant('folded_recorded_at').notNull(),
    activeAt: instant('active_at'),
    daysZone: text('days_zone').notNull().default(''),
    daysBuilt: instant('days_built').notNull(),
    fault: text('fault'),
    failedAt: instant('failed_at'),
    tries: integer('tries').notNull().default(0),
    retryAt: instant('retry_at'),
    workedAt: instant('worked_at'),
    createdAt: instant('created_at').notNull().defaultNow(),
    deletedAt: instant('deleted_at'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.id] }),
    index('meters_name_idx').on(t.workspaceId, t.name),
  ],
);

/** The groups of meters. */
export const meterSeries = pgTable(
  'meter_series',
  {
    workspaceId: integer('workspace_id').notNull(),
    meterId: integer('meter_id').notNull(),
    id: integer('id').notNull(),
    key: uuid('key').notNull(),
    definitionId: integer('definition_id'),
    door: smallint('door'),
    success: boolean('success'),
    source: text('source'),
    subject: text('subject'),
    actor: text('actor'),
    value1: text('value_1'),
    value2: text('value_2'),
    value3: text('value_3'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.meterId, t.id] }),
    unique('meter_series_key_key').on(t.workspaceId, t.meterId, t.key),
  ],
);

const meterKey = {
  workspaceId: integer('workspace_id').notNull(),
  meterId: integer('meter_id').notNull(),
  grain: smallint('grain').notNull(),
  bucket: instant('bucket').notNull(),
  seriesId: integer('series_id').notNull(),
};

export const meterCounts = pgTable(
  'meter_counts',
  { ...meterKey, count: count('count').notNull() },
  t => [primaryKey({ columns: [t.workspaceId, t.meterId, t.grain, t.bucket, t.seriesId] })],
);

export const meterValues = pgTable(
  'meter_values',
  {
    ...meterKey,
    operand: smallint('operand').notNull(),
    count: count('count').notNull(),
    sum: numeric('sum').notNull(),
    min: numeric('min').notNull(),
    max: numeric('max').notNull(),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.meterId, t.grain, t.bucket, t.seriesId, t.operand] }),
  ],
);

export const meterSketches = pgTable(
  'meter_sketches',
  { ...meterKey, operand: smallint('operand').notNull(), sketch: bytes('sketch').notNull() },
  t => [
    primaryKey({ columns: [t.workspaceId, t.meterId, t.grain, t.bucket, t.seriesId, t.operand] }),
  ],
);
