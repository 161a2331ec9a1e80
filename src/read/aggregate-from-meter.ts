/**
 * Aggregates from a meter, in one statement and so one snapshot: its rows count everything up to where
 * it has come, and what was recorded after it is counted from the log. What no row tells, where a
 * timeframe cuts one, is counted from the events too. Sketches are merged here.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { EventGroupKey, EventMeasure } from '../core/aggregate.ts';
import { type Interval, type Piece, rowsAroundQuarters } from '../core/bucket.ts';
import { type MeterPlan, startsToLookUp } from '../core/meter-plan.ts';
import {
  columnOfKey,
  isSketched,
  operandNumber,
  operandOf,
  operandsOf,
  seriesColumns,
} from '../core/meter.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  eventDefinitions,
  events,
  meterCounts,
  meterSeries,
  meterSketches,
  meterValues,
} from '../db/schema.ts';
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
  meterStandingSql,
  toAnswer,
  totalSql,
} from './aggregate-place.ts';
import { filterSql } from './filters.ts';
import {
  definitionFor,
  keySql,
  labelSql,
  listOf,
  namesOf,
  operandColumn,
  seriesByKey,
  seriesFilterSql,
  seriesOfEvent,
} from './meter-columns.ts';
import { type SketchedRow, withSketches } from './meter-sketches.ts';

const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');
const s = columnsOf(meterSeries, 's');
const c = columnsOf(meterCounts, 'c');
const v = columnsOf(meterValues, 'v');
const k = columnsOf(meterSketches, 'k');
/** Of series, as events are read beside them. */
const es = columnsOf(meterSeries, 'e');
/** Of lists that are read again. */
const x = columnsOf(events, 'x');
const xs = columnsOf(meterCounts, 'x');

export interface MeterQuestion extends Question {
  readonly plan: MeterPlan;
  readonly pieces: readonly Piece[];
  readonly interval: Interval;
  /** Groups that the rest of the filter lets pass: as many as were found in a look before. */
  readonly seriesCount: number;
  /** Of the rows by day and month. */
  readonly daysZone: string | null;
}

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
  const parts = new MeterParts(question);
  const found = await rows<MeterRow>(read, parts.statement());
  const { row, ...answer } = toAnswer(found, question.query);
  const sketched = parts.sketched();
  return {
    ...(await withSketches(answer, {
      measures: question.query.measures,
      sketched,
      found: row.sketches === null ? [] : (JSON.parse(row.sketches) as SketchedRow[]),
    })),
    isTorn: row.torn,
    isStale: row.stale,
    isLacking: row.lacking,
  };
}

/** An operand of a measure that is asked for, by its number. */
interface Asked {
  readonly number: number;
  readonly measure: EventMeasure;
}

/** What the rest of the filter says of a series, `e`. */
function restSql(workspaceId: number, { meter, rest }: MeterPlan): SQL {
  return seriesFilterSql(rest, seriesColumns(meter), workspaceId);
}

/** The ids of the series that the rest of the filter lets pass. */
export function chosenSeries(workspaceId: number, plan: MeterPlan): SQL {
  return sql`select array_agg(${es.id}) as ids from meter_series e
    where ${es.workspace_id} = ${workspaceId}::int and ${es.meter_id} = ${plan.meter.id}::int
      and ${restSql(workspaceId, plan)}`;
}

class MeterParts {
  readonly #question: MeterQuestion;
  readonly #columns;
  /** Whether groups that came too late are counted as one, and that is told apart. */
  readonly #hasOther: boolean;
  readonly #operands;

  constructor(question: MeterQuestion) {
    const { plan, query } = question;
    this.#question = question;
    this.#columns = seriesColumns(plan.meter);
    this.#operands = operandsOf(plan.meter);
    this.#hasOther = plan.meter.isOverflowed && (query.groupBy.length > 0 || this.#isFiltered);
  }

  get #isFiltered(): boolean {
    return Object.keys(this.#question.plan.rest).length > 0;
  }

  #numberOf(measure: EventMeasure): number | null {
    const operand = operandOf(measure);
    return operand === null ? null : operandNumber(this.#question.plan.meter, operand);
  }

  #asked(wantsSketches: boolean): Asked[] {
    const found = new Map<number, Asked>();
    for (const measure of this.#question.query.measures) {
      const operand = operandOf(measure);
      const number = this.#numberOf(measure);
      if (operand === null || number === null) continue;
      if (isSketched(operand) === wantsSketches) found.set(number, { number, measure });
    }
    return [...found.values()];
  }

  /** Numbers of operands by the place of the measure; null for measures that are exact. */
  sketched(): (number | null)[] {
    return this.#question.query.measures.map(measure => {
      const operand = operandOf(measure);
      return operand !== null && isSketched(operand) ? this.#numberOf(measure) : null;
    });
  }

  statement(): SQL {
    const { workspaceId, query, grid, plan, rowsMax } = this.#question;
    const { groupBy } = query;
    const groups = groupBy.map((key, at) => sql`, ${this.#group(key)} as ${raw(`g${at}`)}`);
    const names = [...groupBy.map((_, at) => `g${at}`), ...(this.#hasOther ? ['o'] : [])];
    const other = this.#hasOther ? sql`, e.o` : sql``;
    const measured = query.measures.map(
      (measure, at) => sql`, ${this.#measure(measure)} as ${raw(`m${at}`)}`,
    );
    const others = raw(this.#hasOther ? `, ${groupBy.length + 2}` : '');
    return sql`
      with place as materialized (${meterStandingSql(workspaceId, plan.meter.id)}),
      grid as materialized (select ${instantArray(grid.boundaries.slice(0, -1))} as starts),
      chosen as materialized (${chosenSeries(workspaceId, plan)}),
      loose as materialized (${this.#loose()}),
      counted as materialized (
        select e.b${sql.join(groups)}${other}, sum(e.n)::bigint as n${sql.join(measured)}${totalSql(query)}
        from (${sql.join(this.#parts(), sql` union all `)}) e ${this.#definitions()}
        group by ${groupBySql(query)}${others} having sum(e.n) > 0 ${limitSql(query, rowsMax)}
      )
      ${besideStanding(
        query,
        sql`, ${this.#torn()} as torn,
        exists (select from loose where emptied and sign < 0) as stale,
        place.lacking, ${this.#sketches(names)} as sketches`,
        sql`select * from counted`,
        this.#hasOther,
      )}`;
  }

  /** `d`, where groups need it. That of the group of all others is none. */
  #definitions(): SQL {
    const { workspaceId, query } = this.#question;
    if (!query.groupBy.some(isOfDefinition)) return sql``;
    return sql`${raw(this.#hasOther ? 'left join' : 'join')} event_definitions d
      on ${d.workspace_id} = ${workspaceId}::int and ${d.id} = ${e.definition_id}`;
  }

  #group(key: EventGroupKey): SQL {
    const column = columnOfKey(this.#columns, key);
    return 'dimension' in key ? groupColumn(key) : sql`(${raw(`e.${column}`)} collate "C")`;
  }

  #bucketOf(instant: SQL): SQL {
    if (this.#question.grid.boundaries.length === 2) return sql`1`;
    return sql`width_bucket(${instant}, (select starts from grid))`;
  }

  /** Rows of a table by the piece that they lie in: all of them have the same key. */
  #rowsOf(alias: 'c' | 'v' | 'k', piece: Piece): SQL {
    const { workspaceId, plan } = this.#question;
    const column = (name: string) => raw(`${alias}.${name}`);
    const { seriesCount, daysZone } = this.#question;
    const starts = this.#isFiltered ? startsToLookUp(piece, seriesCount, daysZone) : null;
    const wanted =
      starts === null
        ? sql`${column('bucket')} >= ${instantParam(piece.from)} and ${column('bucket')} < ${instantParam(piece.to)}`
        : sql`${column('bucket')} = any(${instantArray(starts)})
          and ${column('series_id')} = any((select ids from chosen)::int[])`;
    return sql`${column('workspace_id')} = ${workspaceId}::int and ${column('meter_id')} = ${plan.meter.id}::int
      and ${column('grain')} = ${piece.grain}::smallint and ${wanted}`;
  }

  /** The series of an inner list `x` of rows, as `e`, where the rest of the filter lets them pass. */
  #withSeries(inner: SQL, values: SQL): SQL {
    const { workspaceId, plan } = this.#question;
    const filter = restSql(workspaceId, plan);
    const other = this.#hasOther ? raw(', e.id = 0 as o') : sql``;
    return sql`
      select x.b${listOf(this.#columns, 'e')}${other}${values}
      from (${inner}) x join lateral (
        select ${s.id}${listOf(this.#columns, 's')} from meter_series s
        where ${s.workspace_id} = ${workspaceId}::int and ${s.meter_id} = ${plan.meter.id}::int
          and ${s.id} = ${xs.series_id} limit 1
      ) e on true
      where ${filter}`;
  }

  #parts(): SQL[] {
    const { pieces } = this.#question;
    const whole = pieces.filter(({ grain }) => grain !== null);
    const asked = this.#asked(false);
    const padding = asked.length === 0 ? sql`` : NO_VALUES;
    const counts = whole.map(piece =>
      this.#withSeries(
        sql`select ${this.#bucketOf(sql`${c.bucket}`)} as b, ${c.series_id}, sum(${c.count}) as n
          from meter_counts c where ${this.#rowsOf('c', piece)} group by 1, 2`,
        sql`, x.n${padding}`,
      ),
    );
    const other = this.#hasOther ? sql`, e.o` : sql``;
    const loose = sql`select ${this.#bucketOf(sql`${e.occurred_at}`)} as b${listOf(this.#columns, 'e')}${other},
      e.sign::bigint as n${padding} from loose e`;
    if (asked.length === 0) return [...counts, loose];
    const numbers = raw(`'{${asked.map(({ number }) => number).join(',')}}'::smallint[]`);
    const values = whole.map(piece =>
      this.#withSeries(
        sql`select ${this.#bucketOf(sql`${v.bucket}`)} as b, ${v.series_id}, ${v.operand} as p,
            sum(${v.count}) as c, sum(${v.sum}) as s, min(${v.min}) as lo, max(${v.max}) as hi
          from meter_values v where ${this.#rowsOf('v', piece)} and ${v.operand} = any(${numbers})
          group by 1, 2, 3`,
        sql`, 0, x.p, x.c, x.s, x.lo, x.hi`,
      ),
    );
    const looseValues = asked.map(({ number }) => {
      const value = raw(`e.v${number}`);
      return sql`select ${this.#bucketOf(sql`${e.occurred_at}`)}${listOf(this.#columns, 'e')}${other}, 0,
        ${raw(String(number))}::smallint, e.sign, e.sign * ${value}, ${value}, ${value}
        from loose e where ${value} is not null`;
    });
    return [...counts, ...values, loose, ...looseValues];
  }

  #measure(measure: EventMeasure): SQL {
    const number = this.#numberOf(measure);
    if (number === null) return sql`sum(e.n)::text`;
    const of = raw(`filter (where e.p = ${number})`);
    const total = sql`sum(e.s) ${of}`;
    const values = sql`sum(e.c) ${of}`;
    // A sketch is merged elsewhere.
    const none = sql`null::text`;
    const column = {
      SUM: sql`case when ${values} > 0 then trim_scale(${total})::text end`,
      AVG: average(total, values),
      MIN: sql`trim_scale(min(e.lo) ${of})::text`,
      MAX: sql`trim_scale(max(e.hi) ${of})::text`,
    }[measure.function as 'SUM'] as SQL | undefined;
    return column ?? none;
  }

  /**
   * Events that no row tells: behind the meter's place (`sign` 1), those to be taken off again (-1),
   * and in pieces that rows can't tell, with what the meter keeps of events.
   */
  #loose(): SQL {
    const { workspaceId, asOf, interval, pieces, query } = this.#question;
    const columns = [...this.#asked(false), ...this.#asked(true)].map(({ number }) => {
      const operand = this.#operands[number - 1];
      if (operand === undefined) throw new Error('a meter has every operand that it is asked for');
      return sql`, ${operandColumn(operand)} as ${raw(`v${number}`)}`;
    });
    const emptied = sql`(${e.redacted_at} is not null or ${e.expired_at} is not null)`;
    const inTime = ({ from, to }: Interval) =>
      sql`${e.occurred_at} >= ${instantParam(from)} and ${e.occurred_at} < ${instantParam(to)}`;
    const filter = filterSql(query.filter, workspaceId);
    const selected = (sign: SQL, from: SQL, where: SQL) => sql`
      select ${sign} as sign, ${e.occurred_at}, ${emptied} as emptied${seriesOfEvent(this.#columns)}${sql.join(columns)}
      from ${from} e ${definitionFor(query.filter, workspaceId)} where ${where}`;
    // An emptied one may have matched: that it is there is to be seen.
    const matching = sql`(${emptied} or ${filter})`;
    const behind = (sign: SQL, bounds: SQL, where: SQL) =>
      selected(
        sign,
        sql`(select * from events e where ${e.workspace_id} = ${workspaceId}::int and ${bounds} offset 0)`,
        sql`${inTime(interval)} and ${where}`,
      );
    const folded = sql`(select folded from place)`;
    const foldedAt = sql`(select folded_at from place)`;
    const isUpTo = asOf === null ? sql`` : sql`and ${e.position} <= ${asOf.position}::bigint`;
    const parts = [
      behind(
        sql`1`,
        sql`${e.position} > ${folded} and ${e.recorded_at} >= ${foldedAt} ${isUpTo}`,
        sql`${e.expired_at} is null and ${filter}`,
      ),
    ];
    if (asOf !== null) {
      const taken = sql`${e.position} > ${asOf.position}::bigint and ${e.position} <= ${folded}
        and ${e.recorded_at} >= ${asOf.recordedAt}::timestamptz and ${e.recorded_at} <= ${foldedAt}`;
      parts.push(behind(sql`-1`, taken, matching));
    }
    for (const piece of pieces) {
      if (piece.grain !== null) continue;
      const own = sql`${e.workspace_id} = ${workspaceId}::int and ${inTime(piece)} and ${e.position} <= ${folded}`;
      parts.push(selected(sql`1`, sql`events`, sql`${own} and ${matching}`));
    }
    const all = sql.join(parts, sql` union all `);
    return this.#hasOther ? this.#withOther(all) : all;
  }

  /** Events of groups that the meter has not stand in that of all others. */
  #withOther(loose: SQL): SQL {
    const { plan } = this.#question;
    const label = labelSql(this.#columns, 'x');
    const columns = namesOf(this.#columns).map(name =>
      raw(`, case when s.id is not null then x.${name} end as ${name}`),
    );
    const values = [...this.#asked(false), ...this.#asked(true)].map(({ number }) =>
      raw(`, x.v${number}`),
    );
    return sql`
      select x.sign, ${x.occurred_at}, x.emptied${sql.join(columns)}${sql.join(values)}, s.id is null as o
      from (select x.*, ${keySql(label)} as label_key from (${loose}) x) x
      ${seriesByKey(plan.meter, sql`x.label_key`)}`;
  }

  /** In a cut piece an event is emptied, or rows around it count more than is left there. */
  #torn(): SQL {
    const { workspaceId, pieces, query } = this.#question;
    const cut = pieces.filter(({ grain }) => grain === null);
    if (cut.length === 0) return sql`false`;
    const isShort = cut.map(piece => {
      const around = rowsAroundQuarters(piece);
      return sql`(
        select coalesce(sum(x.n), 0) from (${this.#withSeries(
          sql`select 1 as b, ${c.series_id}, sum(${c.count}) as n
            from meter_counts c where ${this.#rowsOf('c', around)} group by 1, 2`,
          sql`, x.n`,
        )}) x
      ) <> (
        select count(*) from events e ${definitionFor(query.filter, workspaceId)}
        where ${e.workspace_id} = ${workspaceId}::int and ${e.occurred_at} >= ${instantParam(around.from)}
          and ${e.occurred_at} < ${instantParam(around.to)} and ${e.position} <= place.folded
          and ${filterSql(query.filter, workspaceId)}
      )`;
    });
    return sql`(exists (select from loose where emptied and sign > 0)
      or case when place.tail > 1 then ${sql.join(isShort, sql` or `)} else false end)`;
  }

  /** Every sketch of a bucket and group that is in the answer, as JSON; null without any. */
  #sketches(names: readonly string[]): SQL {
    const asked = this.#asked(true);
    if (asked.length === 0) return sql`null::text`;
    const { pieces, query } = this.#question;
    const numbers = raw(`'{${asked.map(({ number }) => number).join(',')}}'::smallint[]`);
    const whole = pieces.filter(({ grain }) => grain !== null);
    const kept = whole.map(piece =>
      this.#withSeries(
        sql`select ${this.#bucketOf(sql`${k.bucket}`)} as b, ${k.series_id}, ${k.operand} as p, ${k.sketch}
          from meter_sketches k where ${this.#rowsOf('k', piece)} and ${k.operand} = any(${numbers})`,
        sql`, x.p, encode(x.sketch, 'base64') as sketch, null::int as item, null::bigint as times`,
      ),
    );
    const other = this.#hasOther ? sql`, e.o` : sql``;
    const loose = asked.map(({ number }) => {
      const value = raw(`e.v${number}`);
      return sql`select ${this.#bucketOf(sql`${e.occurred_at}`)}${listOf(this.#columns, 'e')}${other},
        ${raw(String(number))}::smallint, null, ${value}, 1 from loose e where ${value} is not null and e.sign > 0`;
    });
    const { groupBy } = query;
    const groups = groupBy.map((key, at) => sql`, ${this.#group(key)} as ${raw(`g${at}`)}`);
    const label = (alias: string) =>
      raw(`jsonb_build_array(${['b', ...names].map(name => `${alias}.${name}`).join(', ')})`);
    // Grouped together, not joined: of how many rows there are the planner knows nothing.
    return sql`(
      select json_agg(json_build_array(u.label, u.items))::text from (
        select x.label, json_agg(json_build_array(x.p, x.sketch, x.item, x.times)) filter (where x.p is not null) as items
        from (
          select ${label('c')} as label, null::smallint as p, null::text as sketch, null::int as item, null::bigint as times
          from counted c
          union all
          select ${label('x')}, x.p, x.sketch, x.item, x.times from (
            select e.b${sql.join(groups)}${other}, e.p, e.sketch, e.item, e.times
            from (${sql.join([...kept, ...loose], sql` union all `)}) e ${this.#definitions()}
          ) x
        ) x
        group by x.label having bool_or(x.p is null)
      ) u where u.items is not null)`;
  }
}

const raw = (text: string) => sql.raw(text);

const NO_VALUES = sql`, null::smallint as p, null::bigint as c, null::numeric as s, null::numeric as lo, null::numeric as hi`;
