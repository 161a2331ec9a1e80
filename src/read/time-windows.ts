/**
 * How a page of few matches stays cheap in a long log. The partitions of `events` are read side
 * by side, merged by position, and a merge needs the first match of every partition before it
 * yields any. Where no index serves the filter, that is a scan of each partition without one,
 * even if the newest alone holds a page full (1,000,000 events in 20 partitions, 1,000 matches
 * all at the end: 240 ms; by windows 5 ms). So time is cut into windows that grow with the
 * distance from where reading begins, and a window is read only if those before it left the page
 * unfilled. All are in one statement, hence of one snapshot; the order in which it yields their
 * rows does not matter.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { EventCondition } from '../core/event-condition.ts';
import { columnsOf } from '../db/columns.ts';
import { events } from '../db/schema.ts';

const e = columnsOf(events, 'e');

const DAY_MS = 86_400_000;
/** A quarter is a partition. */
const WINDOW_ENDS_MS = [92, 365, 4 * 365].map(days => days * DAY_MS);

/** Fields with an index of their own that is in the order of position. */
const INDEXED = ['eventIds', 'types', 'subjects', 'actors', 'groupIds', 'parentIds'] as const;

/** Whether finding the first match may take more than a look at an index. */
export function isSlow(condition: EventCondition | null | undefined): boolean {
  const given = givenOf(condition);
  if (given.length === 0) return false;
  const [field, value] = given[0] as [string, unknown];
  const isIndexed = INDEXED.some(name => name === field);
  return given.length > 1 || !isIndexed || (value as readonly string[]).length > 1;
}

/** Whether the condition leaves anything out. */
export function isFiltered(condition: EventCondition | null | undefined): boolean {
  return givenOf(condition).length > 0;
}

function givenOf(condition: EventCondition | null | undefined) {
  return Object.entries(condition ?? {}).filter(([, value]) => value != null);
}

/** Where reading begins and which way it goes. */
export interface Reading {
  readonly descending: boolean;
  /** When the event at the cursor was recorded; null without a cursor. */
  readonly from: Date | null;
  readonly now: Date;
}

/** Conditions that together hold once of every event, in the order of reading. */
export function windowsOf({ descending, from, now }: Reading): SQL[] {
  // How far back the log reaches is not known here.
  if (!descending && from === null) return [sql`true`];
  const start = (from ?? now).getTime();
  const ends = WINDOW_ENDS_MS.map(span => (descending ? start - span : start + span))
    .filter(end => end > 0 && end < now.getTime())
    .map(end => new Date(end));
  const nearer = (end: Date) =>
    descending ? sql`${e.recorded_at} >= ${end}` : sql`${e.recorded_at} < ${end}`;
  const farther = (end: Date) =>
    descending ? sql`${e.recorded_at} < ${end}` : sql`${e.recorded_at} >= ${end}`;
  return [...ends, null].map((end, index) => {
    const previous = ends[index - 1];
    const near = end === null ? sql`true` : nearer(end);
    return previous === undefined ? near : sql`${near} and ${farther(previous)}`;
  });
}

/**
 * Reads windows one after the other until `limit` rows are found. It may find more, less than
 * twice as many, and in any order.
 */
export function walk(windows: readonly SQL[], limit: number): { ctes: SQL; source: SQL } {
  const [only] = windows;
  if (only !== undefined && windows.length === 1) return { ctes: sql``, source: only };
  const names = windows.map((_, index) => sql.raw(`window_${index + 1}`));
  const all = (upTo: readonly SQL[]) =>
    sql.join(
      upTo.map(name => sql`select * from ${name}`),
      sql` union all `,
    );
  const ctes = windows.map((read, index) => {
    const nearer = names.slice(0, index);
    const gate =
      index === 0 ? sql`` : sql` where (select count(*) from (${all(nearer)}) nearer) < ${limit}`;
    return sql`${names[index]} as materialized (select * from (${read}) found${gate})`;
  });
  return { ctes: sql`with ${sql.join(ctes, sql`, `)}`, source: all(names) };
}
