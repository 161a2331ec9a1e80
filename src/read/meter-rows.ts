/**
 * How a question reads the rows of a meter: which of them tell its pieces, and with which series.
 * What no row tells is in `meter-loose-events.ts`.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Interval, Piece } from '../core/bucket.ts';
import { type MeterPlan, startsToLookUp } from '../core/meter-plan.ts';
import {
  isSketched,
  type Operand,
  operandNumber,
  operandOf,
  type SeriesColumns,
  seriesColumns,
} from '../core/meter.ts';
import { columnsOf } from '../db/columns.ts';
import { meterCounts, meterSeries } from '../db/schema.ts';
import { instantArray, instantParam } from './aggregate-columns.ts';
import type { Question } from './aggregate-events-sql.ts';
import { listOf, seriesFilterSql } from './meter-columns.ts';

const s = columnsOf(meterSeries, 's');
/** Of series, as events are read beside them. */
const es = columnsOf(meterSeries, 'e');
/** Of lists that are read again. */
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

/** An operand that is asked for, and its number in the meter. */
export interface Asked {
  readonly number: number;
  readonly operand: Operand;
  readonly isSketched: boolean;
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

/** Parts of the statement that the rows and the loose events share. */
export class MeterRows {
  readonly question: MeterQuestion;
  readonly columns: SeriesColumns;
  /** Whether groups that came too late are counted as one, and that is told apart. */
  readonly hasOther: boolean;
  /** By the place of the measure; null for one that needs nothing but the count. */
  readonly operands: readonly (Asked | null)[];
  /** The operands whose values are added up and compared in SQL, each once. */
  readonly values: readonly Asked[];
  /** Those with sketches, each once. */
  readonly sketched: readonly Asked[];
  /** The pieces that rows tell. */
  readonly whole: readonly Piece[];
  readonly #isFiltered: boolean;

  constructor(question: MeterQuestion) {
    const { plan, query } = question;
    this.question = question;
    this.columns = seriesColumns(plan.meter);
    this.whole = question.pieces.filter(({ grain }) => grain !== null);
    this.#isFiltered = Object.keys(plan.rest).length > 0;
    this.hasOther = plan.meter.isOverflowed && (query.groupBy.length > 0 || this.#isFiltered);
    this.operands = query.measures.map(measure => {
      const operand = operandOf(measure);
      if (operand === null) return null;
      const number = operandNumber(plan.meter, operand);
      return { number, operand, isSketched: isSketched(operand) };
    });
    const asked = new Map<number, Asked>();
    for (const each of this.operands) if (each !== null) asked.set(each.number, each);
    this.values = [...asked.values()].filter(each => !each.isSketched);
    this.sketched = [...asked.values()].filter(each => each.isSketched);
  }

  bucketOf(instant: SQL): SQL {
    if (this.question.grid.boundaries.length === 2) return sql`1`;
    return sql`width_bucket(${instant}, (select starts from grid))`;
  }

  /** Rows of a table by the piece that they lie in: all of them have the same key. */
  rowsOf(alias: 'c' | 'v' | 'k', piece: Piece): SQL {
    const { workspaceId, plan } = this.question;
    const column = (name: string) => raw(`${alias}.${name}`);
    const { seriesCount, daysZone } = this.question;
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
  withSeries(inner: SQL, values: SQL): SQL {
    const { workspaceId, plan } = this.question;
    const filter = restSql(workspaceId, plan);
    const other = this.hasOther ? raw(', e.id = 0 as o') : sql``;
    return sql`
      select x.b${listOf(this.columns, 'e')}${other}${values}
      from (${inner}) x join lateral (
        select ${s.id}${listOf(this.columns, 's')} from meter_series s
        where ${s.workspace_id} = ${workspaceId}::int and ${s.meter_id} = ${plan.meter.id}::int
          and ${s.id} = ${xs.series_id} limit 1
      ) e on true
      where ${filter}`;
  }
}

const raw = (text: string) => sql.raw(text);
