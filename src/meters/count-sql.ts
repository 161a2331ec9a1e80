/**
 * A span of events added to the rows of a meter, in one statement: its groups are found or made, and
 * counts and numbers added by quarter hour, day and month. Before 1980 local days do not all begin
 * with a quarter hour, and instants stay exact until they are put into days.
 */
import { type SQL, sql } from 'drizzle-orm';
import { ROLLUP_DIGITS_MAX } from '../core/aggregate.ts';
import { GRAINS } from '../core/bucket.ts';
import { seriesColumns } from '../core/meter.ts';
import { columnsOf, rawSql, sqlText } from '../db/columns.ts';
import { events, meterCounts, meterSeries, meterValues } from '../db/schema.ts';
import { instantArray, instantParam } from '../read/aggregate-columns.ts';
import { filterSql, valueAt } from '../read/filters.ts';
import {
  definitionFor,
  isCutSql,
  keySql,
  labelSql,
  listOf,
  namesOf,
  operandColumn,
  seriesByKey,
  seriesOfEvent,
} from '../read/meter-columns.ts';
import { countedOperands, type MeterWork, type Numbered } from './work.ts';

const e = columnsOf(events, 'e');
const c = columnsOf(meterCounts, 'c');
const v = columnsOf(meterValues, 'v');
const SERIES = columnsOf(meterSeries);
const COUNT = columnsOf(meterCounts);
const VALUE = columnsOf(meterValues);

/** The events (after, upto] of a workspace. Instants as SQL has them: some are infinite. */
export interface MeterSpan {
  readonly after: number;
  readonly upto: number;
  readonly since: string;
  readonly until: string;
}

/** Starts of all days and months that events of a span lie in, in order. */
export interface Starts {
  readonly days: readonly number[];
  readonly months: readonly number[];
}

/** Quarter hours begin here, as they do in 1970; nothing lies before it. */
const ORIGIN = rawSql(`'0001-01-01 00:00:00+00'::timestamptz`);
const EXACT_BEFORE = rawSql(`'1980-01-01 00:00:00+00'::timestamptz`);

const quarterOf = (at: string) => sqlText`date_bin('15 minutes', ${rawSql(at)}, ${ORIGIN})`;
const QUARTER_OF_EVENT = sqlText`date_bin('15 minutes', ${e.occurred_at}, ${ORIGIN})`;

/** Of the event `e`: what tells its quarter hour and its day. */
const INSTANT = sql.raw(
  sqlText`case when ${e.occurred_at} < ${EXACT_BEFORE} then ${e.occurred_at} else ${QUARTER_OF_EVENT} end`,
);

/** Fenced off: they are read by their positions. */
function spanEvents(workspaceId: number, { after, upto, since, until }: MeterSpan): SQL {
  return sql`(select * from events e
    where ${e.workspace_id} = ${workspaceId}::int and ${e.position} > ${after}::bigint
      and ${e.position} <= ${upto}::bigint and ${e.recorded_at} >= ${since}::timestamptz
      and ${e.recorded_at} <= ${until}::timestamptz offset 0) e`;
}

/**
 * One row an event that matches, with these columns of it. What was emptied since it had expired is
 * no longer there to be counted.
 */
function matching({ workspaceId, filter }: MeterWork, span: MeterSpan, columns: SQL): SQL {
  return sql`(select ${INSTANT} as at, ${e.position}${columns}
    from ${spanEvents(workspaceId, span)} ${definitionFor(filter, workspaceId)}
    where ${e.expired_at} is null and ${filterSql(filter, workspaceId)} offset 0) x`;
}

/** When the events of a span occurred, each quarter hour once. */
export function instantsSql(workspaceId: number, span: MeterSpan): SQL {
  return sql`select distinct ${INSTANT} as at from ${spanEvents(workspaceId, span)}`;
}

export interface CountedSpan {
  /** Groups that were made. */
  readonly made: number;
  /** More groups came than there was room for. */
  readonly overflowed: boolean;
  readonly cut: boolean;
  /** Operands with a number that is too long for a row. */
  readonly too_long: readonly number[];
}

export function countSql(meter: MeterWork, span: MeterSpan, starts: Starts): SQL {
  const { workspaceId, id, seriesCount, seriesMax } = meter;
  const columns = seriesColumns(meter);
  const { numbers } = countedOperands(meter);
  const own = sql`${workspaceId}::int, ${id}::int`;
  const names = sql.raw(
    namesOf(columns)
      .map(name => `, ${name}`)
      .join(''),
  );
  const room = Math.max(0, seriesMax - seriesCount);
  return sql`
    with grid as materialized (
      select ${instantArray(starts.days)} as days, ${instantArray(starts.months)} as months
    ), x as materialized (
      select x.at${listOf(columns, 'x')}, min(x.position) as first, count(*) as n,
        bool_or(x.cut) as cut${sql.join(numbers.map(aggregates))}
      from (
        select x.*${sql.join(numbers.map(parsed))}
        from ${matching(
          meter,
          span,
          sql`${seriesOfEvent(columns)}, ${isCutSql(columns)} as cut${sql.join(numbers.map(digits))}`,
        )}
      ) x
      group by x.at${listOf(columns, 'x')}
    ), y as materialized (
      select x.*, ${keySql(labelSql(columns, 'x'))} as key from x
    ), z as materialized (
      select y.*, s.id as known, min(y.first) over (partition by y.key) as born
      from y ${seriesByKey(meter, sql`y.key`)}
    ), q as materialized (
      select z.*, case when z.known is null then dense_rank() over (partition by z.known is null order by z.born) end as number
      from z
    ), r as materialized (
      select q.*, coalesce(q.known, case when q.number <= ${room}::int then ${seriesCount}::int + q.number end, 0)::int as series
      from q
    ), made as (
      insert into meter_series (${SERIES.workspace_id}, ${SERIES.meter_id}, ${SERIES.id}, ${SERIES.key}${names})
      select distinct on (f.series) ${own}, f.series, f.key${listOf(columns, 'f')}
      from r f where f.number <= ${room}::int order by f.series
    ), counted as (
      insert into meter_counts as c (${COUNT.workspace_id}, ${COUNT.meter_id}, ${COUNT.grain}, ${COUNT.bucket}, ${COUNT.series_id}, ${COUNT.count})
      select ${own}, a.grain, a.bucket, a.series, sum(a.n)
      from (${byGrains(meter, sql`r.series, r.n`, sql`r`)}) a
      group by a.grain, a.bucket, a.series order by a.grain, a.bucket, a.series
      on conflict (${COUNT.workspace_id}, ${COUNT.meter_id}, ${COUNT.grain}, ${COUNT.bucket}, ${COUNT.series_id})
        do update set ${COUNT.count} = ${c.count} + excluded.${COUNT.count}
    )${numbers.length === 0 ? sql`` : sql`, valued as (${valuesSql(meter, own, numbers)})`}
    select least(coalesce((select max(number) from r), 0), ${room}::int) as made,
      coalesce((select max(number) from r), 0) > ${room}::int as overflowed,
      coalesce((select bool_or(cut) from x), false) as cut,
      ${tooLong(numbers)} as too_long`;
}

const raw = (text: string) => sql.raw(text);

function digits({ number, payloadPath }: Numbered): SQL {
  const value = valueAt(payloadPath ?? []);
  return sql`, (case when jsonb_typeof(${value}) = 'number' then ${value} #>> '{}' end) as ${raw(`d${number}`)}`;
}

function parsed({ number }: Numbered): SQL {
  const length = `octet_length(x.d${number})`;
  return raw(
    `, case when ${length} <= ${ROLLUP_DIGITS_MAX} then x.d${number}::numeric end as v${number}` +
      `, coalesce(${length} > ${ROLLUP_DIGITS_MAX}, false) as t${number}`,
  );
}

function aggregates({ number: n }: Numbered): SQL {
  return raw(
    `, count(x.v${n}) as n${n}, sum(x.v${n}) as s${n}, min(x.v${n}) as l${n}` +
      `, max(x.v${n}) as h${n}, bool_or(x.t${n}) as t${n}`,
  );
}

function tooLong(numbers: readonly Numbered[]): SQL {
  if (numbers.length === 0) return raw(`'{}'::smallint[]`);
  const each = numbers.map(({ number: n }) => `case when bool_or(x.t${n}) then ${n}::smallint end`);
  return raw(`array_remove((select array[${each.join(', ')}] from x), null)`);
}

/** Rows of each grain; those by day and month up to where they are built. */
function byGrains({ daysBuilt }: MeterWork, columns: SQL, from: SQL): SQL {
  const quarter = raw(quarterOf('r.at'));
  const isBuilt = sql`${quarter} < ${instantParam(daysBuilt)}`;
  const startIn = (starts: string) =>
    raw(`(select ${starts} from grid)[width_bucket(r.at, (select ${starts} from grid))]`);
  return sql`
    select ${GRAINS.QUARTER_HOUR}::smallint as grain, ${quarter} as bucket, ${columns} from ${from}
    union all select ${GRAINS.DAY}::smallint, ${startIn('days')}, ${columns} from ${from} where ${isBuilt}
    union all select ${GRAINS.MONTH}::smallint, ${startIn('months')}, ${columns} from ${from} where ${isBuilt}`;
}

function valuesSql(meter: MeterWork, own: SQL, numbers: readonly Numbered[]): SQL {
  const ofOperand = numbers.map(({ number: n }) =>
    raw(
      `select r.at, r.series, ${n}::smallint as operand, r.n${n} as n, r.s${n} as s, r.l${n} as l, r.h${n} as h` +
        ` from r where r.n${n} > 0`,
    ),
  );
  const all = sql`(${sql.join(ofOperand, sql` union all `)}) r`;
  return sql`
    insert into meter_values as v (${VALUE.workspace_id}, ${VALUE.meter_id}, ${VALUE.grain}, ${VALUE.bucket}, ${VALUE.series_id}, ${VALUE.operand}, ${VALUE.count}, ${VALUE.sum}, ${VALUE.min}, ${VALUE.max})
    select ${own}, a.grain, a.bucket, a.series, a.operand, sum(a.n), sum(a.s), min(a.l), max(a.h)
    from (${byGrains(meter, sql`r.series, r.operand, r.n, r.s, r.l, r.h`, all)}) a
    group by a.grain, a.bucket, a.series, a.operand order by a.grain, a.bucket, a.series, a.operand
    on conflict (${VALUE.workspace_id}, ${VALUE.meter_id}, ${VALUE.grain}, ${VALUE.bucket}, ${VALUE.series_id}, ${VALUE.operand}) do update set
      ${VALUE.count} = ${v.count} + excluded.${VALUE.count}, ${VALUE.sum} = ${v.sum} + excluded.${VALUE.sum},
      ${VALUE.min} = least(${v.min}, excluded.${VALUE.min}), ${VALUE.max} = greatest(${v.max}, excluded.${VALUE.max})`;
}

/**
 * What sketches are made of: for each quarter hour, series and operand JSON lists of pairs, a code or
 * bin and how often it came. After `countSql`: the series are there.
 */
export function sketchedSql(meter: MeterWork, span: MeterSpan, operands: readonly Numbered[]): SQL {
  const columns = seriesColumns(meter);
  const items = operands.map(
    operand => sql`, ${operandColumn(operand)} as ${raw(`k${operand.number}`)}`,
  );
  const ofOperand = operands.map(({ number: n }) =>
    raw(
      `select x.at, x.label, ${n}::smallint as operand, x.k${n} as item, count(*) as n` +
        ` from x where x.k${n} is not null group by 1, 2, 4`,
    ),
  );
  // Keys are made of few rows, after everything is grouped.
  return sql`
    with x as materialized (
      select x.*, ${labelSql(columns, 'x')} as label
      from ${matching(meter, span, sql`${seriesOfEvent(columns)}${sql.join(items)}`)}
    ), j as materialized (
      select i.at, i.label, i.operand, json_agg(json_build_array(i.item, i.n))::text as items
      from (${sql.join(ofOperand, sql` union all `)}) i group by i.at, i.label, i.operand
    )
    select j.at, coalesce(s.id, 0) as series, j.operand, j.items
    from j ${seriesByKey(meter, keySql(sql`j.label`))}`;
}
