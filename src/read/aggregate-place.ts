/**
 * Where a workspace's log and its rollups stand, read in the same statement as the counts: what an
 * answer includes is what that snapshot shows.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { AggregateRow } from '../core/aggregate-list.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';

export interface Standing {
  readonly head: LogPlace;
  readonly folded: number;
  /** The oldest position kept. */
  readonly tail: number;
  /** The zone of the day rows; null where there are none. */
  readonly daysZone: string | null;
  /** Whether an event has expired that the rollups count. */
  readonly hasExpired: boolean;
}

export interface StandingRow {
  head: number | null;
  head_at: Date | null;
  folded: number | null;
  tail: number;
  days_zone: string;
  has_expired: boolean;
}

/** One row, also for a workspace without events. */
export function standingSql(workspaceId: number): SQL {
  return sql`
    select h.head, h.recorded_at as head_at, coalesce(m.folded, 0) as folded,
      coalesce(m.folded_recorded_at, '-infinity') as folded_at, coalesce(m.tail, 1) as tail,
      coalesce(m.days_zone, '') as days_zone, coalesce(m.expires_first <= now(), false) as has_expired
    from (select ${workspaceId}::int as id) w
    left join workspace_marks m on m.workspace_id = w.id
    left join lateral (
      select n.head, n.recorded_at from workspace_heads n
      where n.workspace_id = w.id order by n.head desc limit 1
    ) h on true`;
}

/** Of the CTE `place`; its `folded_at` may be infinite, which is no Date. */
export const standingColumns = sql.raw(
  'place.head, place.head_at, place.folded, place.tail, place.days_zone, place.has_expired',
);

export function toStanding(row: StandingRow): Standing {
  const { head, head_at: headAt } = row;
  return {
    head: head === null || headAt === null ? LOG_BEGINNING : { position: head, recordedAt: headAt },
    folded: row.folded ?? 0,
    tail: row.tail,
    daysZone: row.days_zone.split(' ', 1)[0] || null,
    hasExpired: row.has_expired,
  };
}

/** `b` is null in a row that says the standing alone; `folded` is null in all but one. */
export type CountedRow = StandingRow & {
  b: number | null;
  n: number;
  total: number;
} & Record<`g${number}` | `m${number}`, string | null>;

/**
 * The CTE `place` and what was counted, in one result. The standing stands in one row alone: in
 * every row of a long answer it would be most of what crosses the wire.
 */
export function besideStanding(columns: SQL, counted: SQL): SQL {
  return sql`
    select ${standingColumns}${columns}, r.*
    from (select place.*, 1::bigint as first from place) place
    full join (${counted}) r on r.i = place.first`;
}

export interface Answer {
  readonly standing: Standing;
  readonly rows: readonly AggregateRow[];
  /** Rows there would be without a limit. */
  readonly total: number;
}

/** @throws Error where the result is not one of `besideStanding`. */
export function toAnswer<Row extends CountedRow>(
  found: readonly Row[],
  query: AggregateQuery,
): Answer & { readonly first: Row } {
  const first = found.find(row => row.folded !== null);
  if (first === undefined) throw new Error('a workspace has a standing');
  const counted = found.filter(row => row.b !== null);
  return {
    first,
    standing: toStanding(first),
    rows: toRows(counted, query),
    total: counted[0]?.total ?? 0,
  };
}

function toRows(counted: readonly CountedRow[], query: AggregateQuery): AggregateRow[] {
  return counted.map(row => ({
    bucket: Number(row.b) - 1,
    group: query.groupBy.map((_, at) => row[`g${at}`] ?? null),
    count: row.n,
    measures: query.measures.map((_, at) => row[`m${at}`] ?? null),
  }));
}

/** How many rows an answer may have, and in which order it is cut off. */
export function limitSql(query: AggregateQuery, rowsMax: number): SQL {
  const groups = query.groupBy.map((_, at) => sql.raw(`, g${at} nulls last`));
  return query.orderBy === 'COUNT_DESC'
    ? sql`order by n desc, b${sql.join(groups)} limit ${rowsMax}::int`
    : sql`limit ${rowsMax}::int`;
}

/** `group by` the bucket and groups, which come first in the select list. */
export function groupBySql(query: AggregateQuery): SQL {
  return sql.raw(['1', ...query.groupBy.map((_, at) => String(at + 2))].join(', '));
}
