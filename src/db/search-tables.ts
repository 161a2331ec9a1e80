/** The tables of the index of searches, as the migrations made them. */
import { index, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import { count, instant } from './column-types.ts';

/** How far the index of searches of a workspace has come. `0018_search.sql` says more of these tables. */
export const searchLogs = pgTable('search_logs', {
  workspaceId: integer('workspace_id').primaryKey(),
  /** The newest position in it. */
  indexed: count('indexed').notNull(),
  /** '-infinity' before the first block. */
  indexedRecordedAt: instant('indexed_recorded_at').notNull(),
  /** Positions below this one were cut off. */
  cut: count('cut').notNull(),
  workedAt: instant('worked_at').notNull().defaultNow(),
});

/** Blocks of events with their terms. */
export const searchBlocks = pgTable(
  'search_blocks',
  {
    workspaceId: integer('workspace_id').notNull(),
    block: count('block').notNull(),
    recordedFrom: instant('recorded_from').notNull(),
    recordedTo: instant('recorded_to').notNull(),
    /** Null: they are to be made anew. */
    terms: integer('terms').array(),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.block] }),
    index('search_blocks_terms_idx').using('gin', t.terms),
    /** Of those without terms. */
    index('search_blocks_without_terms_idx').on(t.workspaceId, t.block),
  ],
);
