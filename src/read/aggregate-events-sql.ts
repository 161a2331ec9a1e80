/**
 * The statement that counts events one by one. Two subqueries are kept apart by `limit all`. The inner
 * one takes out of an event what is asked for, and the other makes texts and numbers of that: each
 * once, however many groups and measures look at it. Without the inner one Postgres would also expect
 * as many buckets as there are instants, and sort the events instead of hashing them.
 *
 * Postgres may read and count the events with several workers. It does not where a subquery is kept
 * apart by `offset 0`, which is an expression to it; and before version 17 where the inner subquery
 * has a subquery of its own. So the buckets are a parameter and no CTE. A filter of types has one.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { BucketGrid } from '../core/aggregate-plan.ts';
import type {
  AggregateQuery,
  EventDimension,
  EventGroupKey,
  EventMeasure,
} from '../core/aggregate.ts';
import type { Interval } from '../core/bucket.ts';
import type { LogPlace } from '../core/cursor.ts';
import { columnsOf } from '../db/columns.ts';
import { events } from '../db/schema.ts';
import { countedEventsOf, notExpired } from '../db/stored-event.ts';
import {
  dimensionColumn,
  instantArray,
  instantParam,
  isOfDefinition,
  measureColumn,
  numberOf,
  partColumn,
  textOf,
} from './aggregate-columns.ts';
import { besideStanding, groupBySql, limitSql, standingSql, totalSql } from './aggregate-place.ts';
import { filterSql, isSearching, valueAt } from './filters.ts';

const e = columnsOf(events, 'e');

export interface Question {
  readonly workspaceId: number;
  readonly query: AggregateQuery;
  readonly grid: BucketGrid;
  /** Counts no event behind this place; null: all there are. */
  readonly asOf: LogPlace | null;
  readonly rowsMax: number;
}

export interface CountedSlice {
  /** In which `occurredAt` lies. */
  readonly interval: Interval;
  /** Whether measures are to be put together with those of other slices: see `partColumn`. */
  readonly isPart: boolean;
}

/** `source` yields events as `e`. */
export function eventsSql(question: Question, source: SQL, slice: CountedSlice): SQL {
  const { workspaceId, query, grid, asOf, rowsMax } = question;
  const { from, to } = slice.interval;
  const read = new Columns('v');
  const made = new Columns('x');
  const groups = query.groupBy.map((key, at) => {
    return sql`, ${made.add(groupOf(key, read))} as ${sql.raw(`g${at}`)}`;
  });
  const toColumn = slice.isPart ? partColumn : measureColumn;
  const measures = query.measures.map((measure, at) => {
    const value = operandOf(measure, read);
    const x = value === null ? sql`null` : made.add(value);
    return sql`, ${toColumn(measure, x)} as ${sql.raw(`m${at}`)}`;
  });
  const fence = read.hasPaths ? sql`limit all` : sql``;
  const isUpTo = asOf === null ? sql`` : sql`and ${e.position} <= ${asOf.position}::bigint`;
  return sql`
    with place as materialized (${standingSql(workspaceId)})
    ${besideStanding(
      query,
      sql``,
      sql`
      select x.b${sql.join(groups)}, count(*) as n${sql.join(measures)}${totalSql(query)}
      from (
        select v.b${made.list()} from (
          select ${bucketOf(grid)} as b${read.list()}
          from ${sourceOf(query, source)}
          where ${e.workspace_id} = ${workspaceId}::int and ${e.occurred_at} >= ${instantParam(from)}
            and ${e.occurred_at} < ${instantParam(to)} ${isUpTo}
            and ${notExpired} and ${filterSql(query.filter, workspaceId)}
          limit all
        ) v ${fence}
      ) x
      group by ${groupBySql(query)} ${limitSql(query, rowsMax)}`,
    )}`;
}

function bucketOf({ boundaries }: BucketGrid): SQL {
  if (boundaries.length === 2) return sql`1`;
  return sql`width_bucket(${e.occurred_at}, ${instantArray(boundaries.slice(0, -1))})`;
}

interface Column {
  /** Equal for those that are the same. */
  readonly key: string;
  readonly column: SQL;
}

/** The columns of a subquery, each once. */
class Columns {
  readonly #alias: string;
  readonly #columns = new Map<string, SQL>();
  hasPaths = false;

  constructor(alias: string) {
    this.#alias = alias;
  }

  /** Returns how the level above names it. */
  add({ key, column }: Column): SQL {
    if (!this.#columns.has(key)) this.#columns.set(key, column);
    const at = [...this.#columns.keys()].indexOf(key);
    return sql.raw(`${this.#alias}.c${at}`);
  }

  addPath(path: readonly string[]): SQL {
    this.hasPaths = true;
    return this.add({ key: JSON.stringify(path), column: valueAt(path) });
  }

  addDimension(dimension: EventDimension): SQL {
    const column = dimensionColumn(dimension);
    // Types are unique among definitions. Of such a column Postgres expects as many values as there
    // are events, and sorts them. No type is empty.
    const isUnique = dimension === 'TYPE';
    return this.add({ key: dimension, column: isUnique ? sql`nullif(${column}, '')` : column });
  }

  list(): SQL {
    const columns = [...this.#columns.values()];
    return sql.join(columns.map((column, at) => sql`, ${column} as ${sql.raw(`c${at}`)}`));
  }
}

function groupOf(key: EventGroupKey, read: Columns): Column {
  if ('dimension' in key) {
    return { key: key.dimension, column: read.addDimension(key.dimension) };
  }
  const { payloadPath } = key;
  return { key: `text ${JSON.stringify(payloadPath)}`, column: textOf(read.addPath(payloadPath)) };
}

/** What a measure looks at in one event; null where that is nothing. */
function operandOf({ function: name, payloadPath, dimension }: EventMeasure, read: Columns) {
  if (dimension !== null) return groupOf({ dimension }, read);
  if (name === 'COUNT' || payloadPath === null) return null;
  const value = read.addPath(payloadPath);
  const key = JSON.stringify(payloadPath);
  return name === 'UNIQUE'
    ? { key: `value ${key}`, column: sql`nullif(${value}, 'null')` }
    : { key: `number ${key}`, column: numberOf(value) };
}

/** Definitions are joined where something looks at them. */
function sourceOf({ groupBy, measures, filter }: AggregateQuery, from: SQL): SQL {
  const isNeeded = [...groupBy, ...measures].some(isOfDefinition) || isSearching(filter);
  return isNeeded ? countedEventsOf(from) : from;
}
