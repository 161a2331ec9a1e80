/** The tables of event definitions: part of `schema.ts`. */
import { index, integer, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type {
  EventDefinitionStatus,
  SchemaCompatibility,
  ValidationMode,
} from '../core/definition.ts';
import { count, instant, jsonText } from './column-types.ts';

export const eventDefinitions = pgTable(
  'event_definitions',
  {
    workspaceId: integer('workspace_id').notNull(),
    id: integer('id').notNull().generatedAlwaysAsIdentity(),
    name: text('name').notNull(),
    title: text('title'),
    description: text('description'),
    category: text('category'),
    status: text('status').$type<EventDefinitionStatus>().notNull().default('DISCOVERED'),
    payloadSchema: jsonText('payload_schema'),
    validation: text('validation').$type<ValidationMode>().notNull().default('OFF'),
    /** Grows with each change of the schema. */
    version: integer('version').notNull().default(1),
    /** Grows with each change of anything an event is validated by: the flush checks it. */
    revision: integer('revision').notNull().default(1),
    measures: text('measures').array().notNull(),
    compatibility: text('compatibility').$type<SchemaCompatibility>().notNull().default('NONE'),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    /** These three up to the folded position. */
    eventCount: count('event_count').notNull().default(0),
    firstRecordedAt: instant('first_recorded_at'),
    lastRecordedAt: instant('last_recorded_at'),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.id] }),
    unique('event_definitions_name_key').on(t.workspaceId, t.name),
    index('event_definitions_measures_idx').on(t.workspaceId, t.id),
  ],
);

/** Versions of schemas that have changed: a trigger writes them. A definition without rows has one. */
export const definitionSchemas = pgTable(
  'definition_schemas',
  {
    workspaceId: integer('workspace_id').notNull(),
    definitionId: integer('definition_id').notNull(),
    version: integer('version').notNull(),
    /** Events after this position, up to the next version, were recorded under it. */
    afterPosition: count('after_position').notNull(),
    payloadSchema: jsonText('payload_schema'),
    createdAt: instant('created_at').notNull(),
    /** The key that made it. */
    createdBy: integer('created_by'),
  },
  t => [primaryKey({ columns: [t.workspaceId, t.definitionId, t.version] })],
);
