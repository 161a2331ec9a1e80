/** A typed property over time: one statement, one value for each slot of equal length. */
import { type SQL, sql } from 'drizzle-orm';
import type { EventCondition, TypedName } from '../core/event-condition.ts';
import type { PropertyType } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events } from '../db/schema.ts';
import { shownSql, sourceOf } from './conditions.ts';
import { comparable, typedValues, valueText } from './typed-values.ts';

const e = columnsOf(events, 'e');

export type SeriesAggregate = 'COUNT' | 'MIN' | 'MAX' | 'AVG' | 'SUM';

export interface SeriesQuery {
  readonly filter: EventCondition;
  readonly property: TypedName;
  /** COUNT counts the events that have the property, the others take all of its values. */
  readonly aggregate: SeriesAggregate;
  readonly start: Date;
  /** The last slot may reach beyond; what lies there is left out. */
  readonly end: Date;
  readonly gapMs: number;
}

/** Of numbers the decimal, of dates the milliseconds since 1970, with every digit. */
export type SeriesValue = string;

export async function readSeries(
  read: Connection,
  workspaceId: number,
  query: SeriesQuery,
): Promise<(SeriesValue | null)[]> {
  const { start, end, gapMs, property } = query;
  const slots = Math.ceil((end.getTime() - start.getTime()) / gapMs);
  const values = new Array<SeriesValue | null>(slots).fill(
    query.aggregate === 'COUNT' ? '0' : null,
  );
  const filter: EventCondition = {
    allOf: [query.filter, { occurredAt: { from: start, to: end } }, { property, match: null }],
  };
  const source =
    query.aggregate === 'COUNT'
      ? sourceOf(filter)
      : sql`${sourceOf(filter)} cross join lateral ${typedValues(property)}`;
  const found = await rows<{ slot: number; value: string | null }>(
    read,
    sql`select s.slot::int as slot, s.value::text as value from (
        select floor((extract(epoch from ${e.occurred_at}) * 1000 - ${start.getTime()}::numeric)
          / ${gapMs}::numeric) as slot, ${measure(query)} as value
        from ${source}
        where ${shownSql(workspaceId, filter)}
        group by 1
      ) s`,
  );
  for (const { slot, value } of found) if (slot >= 0 && slot < slots) values[slot] = value;
  return values;
}

const FUNCTIONS = { MIN: 'min', MAX: 'max', AVG: 'avg', SUM: 'sum' } as const;

function measure({ aggregate, property: { type } }: SeriesQuery): SQL {
  if (aggregate === 'COUNT') return sql`count(*)`;
  return sql`${sql.raw(FUNCTIONS[aggregate])}(${measured(type)})`;
}

/** Texts that are no instants, which no door of ours writes as dates, count for nothing. */
function measured(type: PropertyType): SQL {
  if (type !== 'DATE') return comparable(type, valueText);
  const isInstant = sql`${valueText} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$'`;
  return sql`(case when ${isInstant}
    then trim_scale(extract(epoch from ${valueText}::timestamptz) * 1000) end)`;
}
