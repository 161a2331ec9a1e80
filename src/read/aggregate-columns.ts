/** Groups and measures as columns, over `e` an event and `d` its definition. */
import { type SQL, sql } from 'drizzle-orm';
import type { EventDimension, EventGroupKey, EventMeasure } from '../core/aggregate.ts';
import { EARLIEST, LATEST } from '../core/bucket.ts';
import { DOORS } from '../core/event.ts';
import { columnsOf, rawSql, sqlText } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { arrayLiteral } from '../db/sql-lists.ts';
import { valueAt } from './filters.ts';

const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');

const DOOR_NAMES = rawSql(
  `(array[${Object.entries(DOORS)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => `'${name}'`)
    .join(',')}])`,
);

/** Door names by their numbers, which are 1, 2, 3 …: in text, doors sort by name everywhere. */
const doorName = sql.raw(sqlText`(${DOOR_NAMES}[${e.door}] collate "C")`);

const DIMENSIONS: Readonly<Record<EventDimension, SQL>> = {
  TYPE: sql.raw(sqlText`${d.name}`),
  CATEGORY: sql.raw(sqlText`${d.category}`),
  SOURCE: sql.raw(sqlText`${e.source}`),
  SUBJECT: sql.raw(sqlText`${e.subject}`),
  ACTOR: sql.raw(sqlText`${e.actor}`),
  DOOR: doorName,
  SUCCESS: sql.raw(sqlText`(${e.success}::text collate "C")`),
};

/** Whether a column needs `d`. */
export function isOfDefinition(key: EventGroupKey | EventMeasure): boolean {
  const dimension = 'dimension' in key ? key.dimension : null;
  return dimension === 'TYPE' || dimension === 'CATEGORY';
}

export function groupColumn(key: EventGroupKey): SQL {
  return 'dimension' in key ? dimensionColumn(key.dimension) : textOf(valueAt(key.payloadPath));
}

export function dimensionColumn(dimension: EventDimension): SQL {
  return DIMENSIONS[dimension];
}

/** Of a value in a payload: text, or null. Numbers group by value: 1 and 1.0 are one group. */
export function textOf(value: SQL): SQL {
  return sql`(case jsonb_typeof(${value})
    when 'number' then trim_scale((${value})::numeric)::text
    when 'null' then null else ${value} #>> '{}' end collate "C")`;
}

/** Of a value in a payload: a number, or null where it is none. */
export function numberOf(value: SQL): SQL {
  return sql`case when jsonb_typeof(${value}) = 'number' then (${value})::numeric end`;
}

/** Numeric holds numbers that are too small for a double, on which the cast fails. */
function asDouble(number: SQL): SQL {
  return sql`case when abs(${number}) < 1e-307 then 0 else (${number})::float8 end`;
}

const FRACTIONS = { P50: 0.5, P90: 0.9, P95: 0.95, P99: 0.99 } as const;

/**
 * Over the rows of a group, in decimal digits. `x` is what the measure looks at in one event: a
 * number, or what is told apart; null where the event has none.
 */
export function measureColumn({ function: name }: Pick<EventMeasure, 'function'>, x: SQL): SQL {
  switch (name) {
    case 'COUNT':
      return sql`count(*)::text`;
    case 'UNIQUE':
      return sql`count(distinct ${x})::text`;
    case 'SUM':
      return sql`trim_scale(sum(${x}))::text`;
    case 'MIN':
      return sql`trim_scale(min(${x}))::text`;
    case 'MAX':
      return sql`trim_scale(max(${x}))::text`;
    case 'AVG':
      return average(sql`sum(${x})`, sql`count(${x})`);
    case 'P50':
    case 'P90':
    case 'P95':
    case 'P99': {
      const fraction = sql.raw(String(FRACTIONS[name]));
      return sql`(percentile_cont(${fraction}) within group (order by ${asDouble(x)}))::text`;
    }
  }
}

/** A measure over a part of its events, for `mergedColumn`; of those that `isMergeable` names. */
export function partColumn(measure: EventMeasure, x: SQL): SQL {
  if (measure.function !== 'AVG') return measureColumn(measure, x);
  return sql`case when count(${x}) > 0 then sum(${x})::text || ' ' || count(${x}) end`;
}

/** The measure over all parts, of each of which a row has the text. */
export function mergedColumn({ function: name }: EventMeasure, part: SQL): SQL {
  if (name === 'COUNT') return sql`sum(${part}::bigint)::text`;
  if (name !== 'AVG') return measureColumn({ function: name }, sql`${part}::numeric`);
  const total = sql`sum(split_part(${part}, ' ', 1)::numeric)`;
  return average(total, sql`sum(split_part(${part}, ' ', 2)::numeric)`);
}

/** The same digits whichever way the sum was made: those of its shortest form decide. */
export function average(total: SQL, count: SQL): SQL {
  return sql`trim_scale(trim_scale(${total}) / nullif(${count}, 0))::text`;
}

/** An instant in ms; what no event can reach is infinite, since Postgres knows no year 0. */
export function instantText(ms: number): string {
  if (ms < EARLIEST) return '-infinity';
  return ms > LATEST ? 'infinity' : new Date(ms).toISOString();
}

export function instantParam(ms: number): SQL {
  return sql`${instantText(ms)}::timestamptz`;
}

export function instantArray(instants: readonly number[]): SQL {
  return sql`${arrayLiteral(instants.map(instantText))}::timestamptz[]`;
}
