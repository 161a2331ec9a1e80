/**
 * Where a workspace's log and its rollups stand, read in the same statement as the counts: what an
 * answer includes is what that snapshot shows.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { AggregateRow } from '../core/aggregate-list.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { meters, workspaceHeads, workspaceMarks } from '../db/schema.ts';
import { mergedColumn } from './aggregate-columns.ts';

const h = columnsOf(workspaceHeads, 'h');
const m = columnsOf(workspaceMarks, 'm');
const n = columnsOf(workspaceHeads, 'n');
const t = columnsOf(meters, 't');

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
    select ${h.head}, ${h.recorded_at} as head_at, coalesce(${m.folded}, 0) as folded,
      coalesce(${m.folded_recorded_at}, '-infinity') as folded_at, coalesce(${m.tail}, 1) as tail,
      coalesce(${m.days_zone}, '') as days_zone, coalesce(${m.expires_first} <= now(), false) as has_expired
    from (select ${workspaceId}::int as id) w
    left join workspace_marks m on ${m.workspace_id} = w.id
    left join lateral (
      select ${n.head}, ${n.recorded_at} from workspace_heads n
      where ${n.workspace_id} = w.id order by ${n.head} desc limit 1
    ) h on true`;
}

/** Events that a meter may be behind the rollups: more is for the fold to do first. */
const METER_LAG_MAX = 50_000;

/** The same, of a meter: how far it has come, and whether it can't answer. */
export function meterStandingSql(workspaceId: number, meterId: number): SQL {
  return sql`
    select ${h.head}, ${h.recorded_at} as head_at, coalesce(${t.folded}, 0) as folded,
      coalesce(${t.folded_recorded_at}, '-infinity') as folded_at, coalesce(${m.tail}, 1) as tail,
      case when ${t.days_built} = 'infinity' then ${t.days_zone} else '' end as days_zone,
      coalesce(${m.expires_first} <= now(), false) as has_expired,
      (${t.id} is null or ${t.active_at} is null or coalesce(${m.folded}, 0) - ${t.folded} > ${METER_LAG_MAX}::int) as lacking
    from (select ${workspaceId}::int as id) w
    left join workspace_marks m on ${m.workspace_id} = w.id
    left join meters t on ${t.workspace_id} = w.id and ${t.id} = ${meterId}::int and ${t.deleted_at} is null
    left join lateral (
      select ${n.head}, ${n.recorded_at} from workspace_heads n
      where ${n.workspace_id} = w.id order by ${n.head} desc limit 1
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

export async function readStanding(read: Connection, workspaceId: number): Promise<Standing> {
  const [row] = await rows<StandingRow>(
    read,
    sql`with place as (${standingSql(workspaceId)}) select ${standingColumns} from place`,
  );
  return toStanding(row as StandingRow);
}

/** Each column of what was counted as one JSON array; null where nothing was. */
export type CountedLists = {
  b: string | null;
  n: string | null;
  /** Whether a row stands for all groups that came too late: of a meter. */
  o?: string | null;
  total: number | null;
} & Record<`g${number}` | `m${number}`, string | null>;

export type CountedRow = StandingRow & CountedLists;

/** How long the lists are, about. */
export function bytesOf(row: CountedLists, query: AggregateQuery): number {
  return columnNames(query).reduce((sum, name) => sum + (row[name]?.length ?? 0), 0);
}

/**
 * The CTE `place` and what was counted, in one row: thousands of rows, each read by the driver, took
 * a third of the time of a long answer.
 */
export function besideStanding(
  query: AggregateQuery,
  columns: SQL,
  counted: SQL,
  hasOther = false,
): SQL {
  return sql`
    select ${standingColumns}${columns}, r.*
    from place cross join (${listsSql(query, counted, hasOther)}) r`;
}

function listsSql(query: AggregateQuery, counted: SQL, hasOther = false): SQL {
  const names = [...columnNames(query), ...(hasOther ? ['o'] : [])];
  const lists = sql.raw(names.map(name => `json_agg(c.${name}) as ${name}`).join(', '));
  const total = sql.raw(query.orderBy === 'COUNT_DESC' ? 'max(c.total)' : 'count(*)');
  return sql`select ${lists}, ${total} as total from (${counted}) c`;
}

/**
 * What was counted of several parts of the events, put together: rows of one bucket and group become
 * one. The rows are those of statements whose measures are `partColumn`s.
 */
export function mergedSql(
  query: AggregateQuery,
  parts: readonly CountedLists[],
  rowsMax: number,
): SQL {
  const names = columnNames(query);
  const json = parts.map(
    part => `{${names.map(name => `"${name}":${part[name] ?? '[]'}`).join(',')}}`,
  );
  const lists = names.map(name => sql.raw(`json_array_elements_text(part -> '${name}')`));
  const groups = sql.raw(
    groupNames(query)
      .map(name => `, x.${name} collate "C" as ${name}`)
      .join(''),
  );
  const measures = query.measures.map((measure, at) => {
    return sql`, ${mergedColumn(measure, sql.raw(`x.m${at}`))} as ${sql.raw(`m${at}`)}`;
  });
  return listsSql(
    query,
    sql`
    select x.b::int as b${groups}, sum(x.n::bigint)::bigint as n${sql.join(measures)}${totalSql(query)}
    from json_array_elements(${`[${json.join(',')}]`}::text::json) as s (part)
    cross join rows from (${sql.join(lists, sql`, `)}) as x (${sql.raw(names.join(', '))})
    group by ${groupBySql(query)} ${limitSql(query, rowsMax)}`,
  );
}

/** A column of those that `besideStanding` reads: how many rows there are before they are cut off. */
export function totalSql({ orderBy }: AggregateQuery): SQL {
  return orderBy === 'COUNT_DESC' ? sql`, count(*) over () as total` : sql``;
}

const groupNames = ({ groupBy }: AggregateQuery) => groupBy.map((_, at) => `g${at}` as const);
const measureNames = ({ measures }: AggregateQuery) => measures.map((_, at) => `m${at}` as const);
const columnNames = (query: AggregateQuery) =>
  ['b', 'n', ...groupNames(query), ...measureNames(query)] as const;

export interface Answer {
  readonly standing: Standing;
  readonly rows: readonly AggregateRow[];
  /** Rows there would be without a limit. */
  readonly total: number;
}

/** @throws Error where the result is not one of `besideStanding`. */
export function toAnswer<Row extends CountedRow>(
  [row]: readonly Row[],
  query: AggregateQuery,
): Answer & { readonly row: Row } {
  if (row === undefined) throw new Error('a workspace has a standing');
  return { row, standing: toStanding(row), rows: toRows(row, query), total: row.total ?? 0 };
}

function toRows(row: CountedLists, query: AggregateQuery): AggregateRow[] {
  const buckets = listOf<number>(row.b);
  const counts = listOf<number>(row.n);
  const groups = groupNames(query).map(name => listOf<string | null>(row[name]));
  const measures = measureNames(query).map(name => listOf<string | null>(row[name]));
  const others = listOf<boolean>(row.o);
  return buckets.map((bucket, at) => ({
    bucket: bucket - 1,
    group: groups.map(values => values[at] ?? null),
    ...(others[at] === true && { isOther: true }),
    count: counts[at] ?? 0,
    measures: measures.map(values => values[at] ?? null),
  }));
}

function listOf<Value>(json: string | null | undefined): Value[] {
  return json == null ? [] : (JSON.parse(json) as Value[]);
}

/** How many rows an answer may have, and in which order it is cut off. */
export function limitSql(query: AggregateQuery, rowsMax: number): SQL {
  const groups = sql.raw(
    groupNames(query)
      .map(name => `, ${name} nulls last`)
      .join(''),
  );
  return query.orderBy === 'COUNT_DESC'
    ? sql`order by n desc, b${groups} limit ${rowsMax}::int`
    : sql`limit ${rowsMax}::int`;
}

/** `group by` the bucket and groups, which come first in the select list. */
export function groupBySql(query: AggregateQuery): SQL {
  return sql.raw(['1', ...query.groupBy.map((_, at) => String(at + 2))].join(', '));
}
