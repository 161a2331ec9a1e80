/**
 * Aggregates from rollups, in one statement and so one snapshot: rows count everything up to the
 * folded position, and what was recorded after it is counted from the log, which is as much as the
 * fold is behind. What no row tells, where a timeframe cuts one, is counted from the events too.
 *
 * A later page counts up to where the first did: when the fold has passed that place meanwhile,
 * the events in between are taken off again. Minima and maxima can't be; see `aggregates.ts`.
 */
import { type SQL, sql } from 'drizzle-orm';
import { rowsAround } from '../core/aggregate-plan.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import type { Interval, Piece } from '../core/bucket.ts';
import { DOORS } from '../core/event.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  eventCounts,
  eventDefinitions,
  eventMeasures,
  events,
  measureFills,
} from '../db/schema.ts';
import { textArray } from '../db/sql-lists.ts';
import { notExpired } from '../db/stored-event.ts';
import {
  average,
  groupColumn,
  instantArray,
  instantParam,
  isOfDefinition,
} from './aggregate-columns.ts';
import type { Question } from './aggregate-events-sql.ts';
import {
  type Answer,
  besideStanding,
  type CountedRow,
  groupBySql,
  limitSql,
  standingSql,
  toAnswer,
  totalSql,
} from './aggregate-place.ts';
import { filterSql } from './filters.ts';

const d = columnsOf(eventDefinitions, 'd');
const rollup = columnsOf(eventCounts, 'e');
const measured = columnsOf(eventMeasures, 'e');
const e = columnsOf(events, 'e');
const f = columnsOf(measureFills, 'f');

export interface RollupQuestion extends Question {
  readonly pieces: readonly Piece[];
  readonly interval: Interval;
  /** Of types and doors alone. */
  readonly filter: EventFilter;
  readonly nowMs: number;
  /** Leaves out expired events that are not folded yet. @default false */
  readonly shownOnly?: boolean;
}

export interface RollupAnswer extends Answer {
  /** Events are missing, or emptied, that a cut piece has to be counted from. */
  readonly isTorn: boolean;
  /** Events are emptied that a later page has to take off. */
  readonly isStale: boolean;
  /** A definition among those asked for has no rollup of a measure, or not yet all of it. */
  readonly isLacking: boolean;
}

type RollupRow = CountedRow & { torn: boolean; stale: boolean; lacking: boolean };

export async function aggregateRollups(
  read: Connection,
  question: RollupQuestion,
): Promise<RollupAnswer> {
  const found = await rows<RollupRow>(read, rollupsSql(question));
  const { row, ...answer } = toAnswer(found, question.query);
  return {
    ...answer,
    isTorn: row.torn,
    isStale: row.stale,
    isLacking: row.lacking,
  };
}

function rollupsSql(question: RollupQuestion): SQL {
  const { workspaceId, query, grid, pieces, rowsMax } = question;
  const { groupBy } = query;
  const properties = propertiesOf(query);
  const whole = pieces.filter(({ grain }) => grain !== null);
  const parts = [
    ...whole.map(piece => countsOf(question, piece)),
    ...(properties.length === 0 ? [] : whole.map(piece => measuresOf(question, piece, properties))),
    looseCounts(question, properties.length > 0),
    ...(properties.length === 0 ? [] : [looseMeasures(question, properties)]),
  ];
  const groups = groupBy.map((key, at) => sql`, ${groupColumn(key)} as ${sql.raw(`g${at}`)}`);
  const join = groupBy.some(isOfDefinition)
    ? sql`join event_definitions d on ${d.workspace_id} = ${workspaceId}::int and ${d.id} = ${rollup.definition_id}`
    : sql``;
  return sql`
    with place as materialized (${standingSql(workspaceId)}),
    grid as materialized (select ${instantArray(grid.boundaries.slice(0, -1))} as starts),
    loose as materialized (${looseEvents(question, properties.length > 0)})
    ${besideStanding(
      query,
      sql`, ${tornSql(question, properties.length > 0)} as torn,
      exists (select from loose where emptied and sign < 0) as stale,
      ${lackingSql(question, properties)} as lacking`,
      sql`
      select e.b${sql.join(groups)}, sum(e.n)::bigint as n
        ${sql.join(measuredColumns(query, properties))}${totalSql(query)}
      from (${sql.join(parts, sql` union all `)}) e ${join}
      group by ${groupBySql(query)} having sum(e.n) > 0 ${limitSql(query, rowsMax)}`,
    )}`;
}

/** The measured properties, each once: a row of a measure says which by its place. */
function propertiesOf({ measures }: AggregateQuery): string[] {
  return [...new Set(measures.flatMap(({ payloadPath }) => payloadPath ?? []))];
}

function bucketOf({ grid }: RollupQuestion, instant: SQL): SQL {
  if (grid.boundaries.length === 2) return sql`1`;
  return sql`width_bucket(${instant}, (select starts from grid))`;
}

const NO_MEASURE = sql`, null::int as p, null::bigint as c, null::numeric as s, null::numeric as lo, null::numeric as hi`;

function countsOf(question: RollupQuestion, piece: Piece): SQL {
  const padding = propertiesOf(question.query).length > 0 ? NO_MEASURE : sql``;
  return sql`
    select ${bucketOf(question, sql`${rollup.bucket}`)} as b, ${rollup.definition_id}, ${rollup.door}, ${rollup.count} as n${padding}
    from event_counts e where ${rowsOf(question, piece)}`;
}

function measuresOf(question: RollupQuestion, piece: Piece, properties: readonly string[]): SQL {
  return sql`
    select ${bucketOf(question, sql`${rollup.bucket}`)}, ${measured.definition_id}, ${measured.door}, 0,
      array_position(${textArray(properties)}, ${measured.property}), ${measured.count}, ${measured.sum}, ${measured.min}, ${measured.max}
    from event_measures e
    where ${rowsOf(question, piece)} and ${measured.property} = any(${textArray(properties)})`;
}

function rowsOf({ workspaceId, filter }: RollupQuestion, { grain, from, to }: Piece): SQL {
  return sql`${rollup.workspace_id} = ${workspaceId}::int and ${rollup.grain} = ${grain}::smallint
    and ${rollup.bucket} >= ${instantParam(from)} and ${rollup.bucket} < ${instantParam(to)}
    and ${filterSql(filter, workspaceId)}`;
}

/**
 * Events that no row tells: behind the folded place (`sign` 1), those to be taken off again (-1),
 * and in pieces that rows can't tell. `offset 0` keeps the first two to the index by position.
 */
function looseEvents(question: RollupQuestion, hasMeasures: boolean): SQL {
  const { workspaceId, asOf, interval, pieces, filter } = question;
  const payload = hasMeasures ? sql`, ${e.payload}` : sql``;
  const emptied = sql`(${e.redacted_at} is not null or coalesce(${e.expires_at} <= now(), false))`;
  const inTime = ({ from, to }: Interval) =>
    sql`${e.occurred_at} >= ${instantParam(from)} and ${e.occurred_at} < ${instantParam(to)}`;
  const behind = (sign: SQL, bounds: SQL) => sql`
    select ${sign} as sign, ${e.occurred_at}, ${e.definition_id}, ${e.door},
      ${emptied} as emptied${payload}
    from (select * from events e where ${e.workspace_id} = ${workspaceId}::int and ${bounds} offset 0) e
    where ${inTime(interval)} and ${filterSql(filter, workspaceId)}
      ${question.shownOnly === true ? sql`and ${notExpired}` : sql``}`;
  const folded = sql`(select folded from place)`;
  const isUpTo = asOf === null ? sql`` : sql`and ${e.position} <= ${asOf.position}::bigint`;
  const tail = behind(
    sql`1`,
    sql`${e.position} > ${folded} and ${e.recorded_at} >= (select folded_at from place) ${isUpTo}`,
  );
  const taken =
    asOf === null
      ? []
      : [
          behind(
            sql`-1`,
            sql`${e.position} > ${asOf.position}::bigint and ${e.position} <= ${folded}
              and ${e.recorded_at} >= ${asOf.recordedAt}::timestamptz
              and ${e.recorded_at} <= (select folded_at from place)`,
          ),
        ];
  const cut = pieces
    .filter(({ grain }) => grain === null)
    .map(
      piece => sql`
      select 1, ${e.occurred_at}, ${e.definition_id}, ${e.door}, ${emptied}${payload} from events e
      where ${e.workspace_id} = ${workspaceId}::int and ${inTime(piece)} and ${e.position} <= ${folded}
        and ${filterSql(filter, workspaceId)}`,
    );
  return sql.join([tail, ...taken, ...cut], sql` union all `);
}

function looseCounts(question: RollupQuestion, isPadded: boolean): SQL {
  return sql`
    select ${bucketOf(question, sql`${e.occurred_at}`)} as b, ${rollup.definition_id}, ${rollup.door},
      e.sign::bigint as n${isPadded ? NO_MEASURE : sql``}
    from loose e`;
}

function looseMeasures(question: RollupQuestion, properties: readonly string[]): SQL {
  return sql`
    select ${bucketOf(question, sql`${e.occurred_at}`)}, ${rollup.definition_id}, ${rollup.door}, 0,
      v.p, e.sign, e.sign * v.value, v.value, v.value
    from loose e cross join lateral (
      select p.p::int, (${e.payload} ->> p.property)::numeric as value
      from unnest(${textArray(properties)}) with ordinality p (property, p)
      where jsonb_typeof(${e.payload} -> p.property) = 'number'
    ) v`;
}

function measuredColumns({ measures }: AggregateQuery, properties: readonly string[]): SQL[] {
  return measures.map(({ function: name, payloadPath }, at) => {
    const of = sql.raw(`filter (where e.p = ${properties.indexOf(payloadPath?.[0] ?? '') + 1})`);
    const total = sql`sum(e.s) ${of}`;
    const values = sql`sum(e.c) ${of}`;
    const column = {
      COUNT: sql`sum(e.n)::text`,
      SUM: sql`case when ${values} > 0 then trim_scale(${total})::text end`,
      AVG: average(total, values),
      MIN: sql`trim_scale(min(e.lo) ${of})::text`,
      MAX: sql`trim_scale(max(e.hi) ${of})::text`,
    }[name as 'COUNT'];
    return sql`, ${column} as ${sql.raw(`m${at}`)}`;
  });
}

/** Rows around a cut piece count more events than are left there: some were removed. */
function tornSql(question: RollupQuestion, hasMeasures: boolean): SQL {
  const cut = question.pieces.filter(({ grain }) => grain === null);
  if (cut.length === 0) return sql`false`;
  const { workspaceId, filter } = question;
  const isShort = cut.map(piece => {
    const around = rowsAround(piece, question.nowMs);
    return sql`(
      select coalesce(sum(${rollup.count}), 0) from event_counts e where ${rowsOf(question, around)}
    ) <> (
      select count(*) from events e
      where ${rollup.workspace_id} = ${workspaceId}::int and ${e.occurred_at} >= ${instantParam(around.from)}
        and ${e.occurred_at} < ${instantParam(around.to)} and ${e.position} <= place.folded
        and ${filterSql(filter, workspaceId)}
    )`;
  });
  const isEmptied = hasMeasures
    ? sql`or exists (select from loose where emptied and sign > 0)`
    : sql``;
  return sql`(case when place.tail > 1 then ${sql.join(isShort, sql` or `)} else false end ${isEmptied})`;
}

/** Their numbers are 1, 2, 3 … */
const DOORS_COUNT = sql.raw(String(Object.keys(DOORS).length));

/** Looks at every pair of definition and door that the filter lets pass. */
function lackingSql(question: RollupQuestion, properties: readonly string[]): SQL {
  if (properties.length === 0) return sql`false`;
  const { workspaceId, filter } = question;
  return sql`exists (
    select from (
      select ${d.id} as definition_id, r.door from event_definitions d
      cross join generate_series(1, ${DOORS_COUNT}) r (door)
      where ${d.workspace_id} = ${workspaceId}::int and ${d.id} not in (
        select ${f.definition_id} from measure_fills f
        where ${f.workspace_id} = ${workspaceId}::int and ${f.property} = any(${textArray(properties)})
          and ${f.filled} >= ${f.upto} and not ${f.dropped} and ${f.set_aside_at} is null
        group by ${f.definition_id} having count(*) = ${properties.length}::int
      )
    ) e where ${filterSql(filter, workspaceId)}
  )`;
}
