/**
 * Aggregates from a meter, in one statement and so one snapshot: its rows (`meter-rows.ts`) count
 * everything up to where it has come, and loose events (`meter-loose-events.ts`) are counted from the
 * log. Sketches are merged in this process (`meter-sketches.ts`).
 */
import { type SQL, sql } from 'drizzle-orm';
import type { EventGroupKey, EventMeasure } from '../core/aggregate.ts';
import { columnOfKey } from '../core/meter.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, events, meterCounts, meterSketches, meterValues } from '../db/schema.ts';
import { average, groupColumn, instantArray, isOfDefinition } from './aggregate-columns.ts';
import {
  type Answer,
  besideStanding,
  type CountedRow,
  groupBySql,
  limitSql,
  meterStandingSql,
  toAnswer,
  totalSql,
} from './aggregate-place.ts';
import { listOf } from './meter-columns.ts';
import { looseEvents, tornSql } from './meter-loose-events.ts';
import { type Asked, chosenSeries, type MeterQuestion, MeterRows } from './meter-rows.ts';
import { type SketchedRow, withSketches } from './meter-sketches.ts';

const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');
const c = columnsOf(meterCounts, 'c');
const v = columnsOf(meterValues, 'v');
const k = columnsOf(meterSketches, 'k');

export interface MeterAnswer extends Answer {
  /** Of each measure, where it is approximate. */
  readonly relativeErrors: readonly (number | null)[];
  /** Events are missing, or emptied, that a cut piece has to be counted from. */
  readonly isTorn: boolean;
  /** Events are emptied that a later page has to take off. */
  readonly isStale: boolean;
  /** The meter is gone, or its rows by day are of another zone, or it is too far behind. */
  readonly isLacking: boolean;
}

type MeterRow = CountedRow & {
  torn: boolean;
  stale: boolean;
  lacking: boolean;
  sketches: string | null;
};

export async function aggregateMeter(
  read: Connection,
  question: MeterQuestion,
): Promise<MeterAnswer> {
  const meter = new MeterRows(question);
  const found = await rows<MeterRow>(read, statementOf(meter));
  const { row, ...answer } = toAnswer(found, question.query);
  return {
    ...(await withSketches(answer, {
      measures: question.query.measures,
      sketched: meter.operands.map(each => (each?.isSketched ? each.number : null)),
      found: row.sketches === null ? [] : (JSON.parse(row.sketches) as SketchedRow[]),
    })),
    isTorn: row.torn,
    isStale: row.stale,
    isLacking: row.lacking,
  };
}

function statementOf(meter: MeterRows): SQL {
  const { workspaceId, query, grid, plan, rowsMax } = meter.question;
  const { hasOther } = meter;
  const measured = query.measures.map(
    (measure, at) => sql`, ${measureSql(measure, meter.operands[at] ?? null)} as ${raw(`m${at}`)}`,
  );
  const others = raw(hasOther ? `, ${query.groupBy.length + 2}` : '');
  return sql`
    with place as materialized (${meterStandingSql(workspaceId, plan.meter.id)}),
    grid as materialized (select ${instantArray(grid.boundaries.slice(0, -1))} as starts),
    chosen as materialized (${chosenSeries(workspaceId, plan)}),
    loose as materialized (${looseEvents(meter)}),
    counted as materialized (
      select e.b${groupsSql(meter)}, sum(e.n)::bigint as n${sql.join(measured)}${totalSql(query)}
      from (${sql.join(countedParts(meter), sql` union all `)}) e ${definitionsSql(meter)}
      group by ${groupBySql(query)}${others} having sum(e.n) > 0 ${limitSql(query, rowsMax)}
    )
    ${besideStanding(
      query,
      sql`, ${tornSql(meter)} as torn,
      exists (select from loose where emptied and sign < 0) as stale,
      place.lacking, ${sketchesSql(meter)} as sketches`,
      sql`select * from counted`,
      hasOther,
    )}`;
}

/** The groups, and the mark of the group of all others, behind commas. */
function groupsSql({ question, columns, hasOther }: MeterRows): SQL {
  const groups = question.query.groupBy.map(
    (key, at) => sql`, ${groupSql(key, columnOfKey(columns, key))} as ${raw(`g${at}`)}`,
  );
  return sql.join([...groups, hasOther ? sql`, e.o` : sql``]);
}

function groupSql(key: EventGroupKey, column: string | null): SQL {
  return 'dimension' in key ? groupColumn(key) : sql`(${raw(`e.${column}`)} collate "C")`;
}

/** `d`, where groups need it. That of the group of all others is none. */
function definitionsSql({ question: { workspaceId, query }, hasOther }: MeterRows): SQL {
  if (!query.groupBy.some(isOfDefinition)) return sql``;
  return sql`${raw(hasOther ? 'left join' : 'join')} event_definitions d
    on ${d.workspace_id} = ${workspaceId}::int and ${d.id} = ${e.definition_id}`;
}

/** Lists of counts `n`, and of the values of each operand `p`. */
function countedParts(meter: MeterRows): SQL[] {
  const { values, whole } = meter;
  const padding = values.length === 0 ? sql`` : NO_VALUES;
  const counts = whole.map(piece =>
    meter.withSeries(
      sql`select ${meter.bucketOf(sql`${c.bucket}`)} as b, ${c.series_id}, sum(${c.count}) as n
        from meter_counts c where ${meter.rowsOf('c', piece)} group by 1, 2`,
      sql`, x.n${padding}`,
    ),
  );
  const loose = looseRows(meter, sql`, e.sign::bigint as n${padding}`);
  if (values.length === 0) return [...counts, loose];
  const keptValues = whole.map(piece =>
    meter.withSeries(
      sql`select ${meter.bucketOf(sql`${v.bucket}`)} as b, ${v.series_id}, ${v.operand} as p,
          sum(${v.count}) as c, sum(${v.sum}) as s, min(${v.min}) as lo, max(${v.max}) as hi
        from meter_values v where ${meter.rowsOf('v', piece)} and ${v.operand} = any(${numbersOf(values)})
        group by 1, 2, 3`,
      sql`, 0, x.p, x.c, x.s, x.lo, x.hi`,
    ),
  );
  const looseValues = values.map(({ number }) => {
    const value = raw(`e.v${number}`);
    return looseRows(
      meter,
      sql`, 0, ${raw(String(number))}::smallint, e.sign, e.sign * ${value}, ${value}, ${value}`,
      sql`where ${value} is not null`,
    );
  });
  return [...counts, ...keptValues, loose, ...looseValues];
}

/** The loose events, as `withSeries` yields rows. */
function looseRows(meter: MeterRows, values: SQL, where = sql``): SQL {
  const other = meter.hasOther ? sql`, e.o` : sql``;
  return sql`select ${meter.bucketOf(sql`${e.occurred_at}`)} as b${listOf(meter.columns, 'e')}${other}${values}
    from loose e ${where}`;
}

function numbersOf(asked: readonly Asked[]): SQL {
  return raw(`'{${asked.map(({ number }) => number).join(',')}}'::smallint[]`);
}

function measureSql({ function: name }: EventMeasure, asked: Asked | null): SQL {
  if (asked === null) return sql`sum(e.n)::text`;
  // Sketches are merged elsewhere.
  if (asked.isSketched) return sql`null::text`;
  const of = raw(`filter (where e.p = ${asked.number})`);
  const total = sql`sum(e.s) ${of}`;
  const values = sql`sum(e.c) ${of}`;
  return {
    SUM: sql`case when ${values} > 0 then trim_scale(${total})::text end`,
    AVG: average(total, values),
    MIN: sql`trim_scale(min(e.lo) ${of})::text`,
    MAX: sql`trim_scale(max(e.hi) ${of})::text`,
  }[name as 'SUM' | 'AVG' | 'MIN' | 'MAX'];
}

/** Every sketch of a bucket and group that is in the answer, as JSON; null without any. */
function sketchesSql(meter: MeterRows): SQL {
  const { sketched, question, hasOther } = meter;
  if (sketched.length === 0) return sql`null::text`;
  const kept = meter.whole.map(piece =>
    meter.withSeries(
      sql`select ${meter.bucketOf(sql`${k.bucket}`)} as b, ${k.series_id}, ${k.operand} as p, ${k.sketch}
        from meter_sketches k where ${meter.rowsOf('k', piece)} and ${k.operand} = any(${numbersOf(sketched)})`,
      sql`, x.p, encode(x.sketch, 'base64') as sketch, null::int as item, null::bigint as times`,
    ),
  );
  const loose = sketched.map(({ number }) => {
    const value = raw(`e.v${number}`);
    return looseRows(
      meter,
      sql`, ${raw(String(number))}::smallint as p, null as sketch, ${value} as item, 1 as times`,
      sql`where ${value} is not null and e.sign > 0`,
    );
  });
  const names = [
    'b',
    ...question.query.groupBy.map((_, at) => `g${at}`),
    ...(hasOther ? ['o'] : []),
  ];
  const label = (alias: string) =>
    raw(`jsonb_build_array(${names.map(name => `${alias}.${name}`).join(', ')})`);
  // Grouped together, not joined: of how many rows there are the planner knows nothing.
  return sql`(
    select json_agg(json_build_array(u.label, u.items))::text from (
      select x.label, json_agg(json_build_array(x.p, x.sketch, x.item, x.times)) filter (where x.p is not null) as items
      from (
        select ${label('c')} as label, null::smallint as p, null::text as sketch, null::int as item, null::bigint as times
        from counted c
        union all
        select ${label('x')}, x.p, x.sketch, x.item, x.times from (
          select e.b${groupsSql(meter)}, e.p, e.sketch, e.item, e.times
          from (${sql.join([...kept, ...loose], sql` union all `)}) e ${definitionsSql(meter)}
        ) x
      ) x
      group by x.label having bool_or(x.p is null)
    ) u where u.items is not null)`;
}

const raw = (text: string) => sql.raw(text);

const NO_VALUES = sql`, null::smallint as p, null::bigint as c, null::numeric as s, null::numeric as lo, null::numeric as hi`;
