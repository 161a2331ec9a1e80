/**
 * What a meter keeps of events, as columns in SQL: the values that it groups by, and what its
 * measures look at. The fold computes them of what it counts, and readers of what it has not counted
 * yet, by the same text. `e` is an event, or a series of a meter, whose columns have the same names.
 */
import { type SQL, sql } from 'drizzle-orm';
import { BIN_OFFSET, LOG_GAMMA, SMALLEST } from '../core/ddsketch.ts';
import type { EventFilter, PropertyFilter } from '../core/filter.ts';
import { LIMITS } from '../core/limits.ts';
import { textsOfSeries } from '../core/meter-filter.ts';
import {
  columnOfPath,
  type Meter,
  type Operand,
  type SeriesColumn,
  type SeriesColumns,
} from '../core/meter.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { eventDefinitions, events, meterSeries } from '../db/schema.ts';
import { allOf, anyOf, textArray } from '../db/sql-lists.ts';
import { groupColumn, numberOf } from './aggregate-columns.ts';
import { filterSql, isSearching, valueAt } from './filters.ts';

const e = columnsOf(events, 'e');
const s = columnsOf(meterSeries, 's');
const t = columnsOf(eventDefinitions, 't');

/** All of them, in the order in which they are kept. */
export function namesOf({ dimensions, payload }: SeriesColumns): SeriesColumn[] {
  return [...dimensions, ...payload.map(({ column }) => column)];
}

/** Names behind commas, as of `alias`. */
export function listOf(columns: SeriesColumns, alias: string): SQL {
  return sql.raw(
    namesOf(columns)
      .map(name => `, ${alias}.${name}`)
      .join(''),
  );
}

/** The columns of a series, computed of an event `e`, behind commas. */
export function seriesOfEvent({ dimensions, payload }: SeriesColumns): SQL {
  const ofPayload = payload.map(
    ({ column, path }) => sql`, ${cut(groupColumn({ payloadPath: path }))} as ${sql.raw(column)}`,
  );
  return sql.join([sql.raw(dimensions.map(name => `, e.${name}`).join('')), ...ofPayload]);
}

const BYTES_MAX = LIMITS.meterValueBytesMax;

/** The longest beginning that has no more bytes. A character takes four at most. */
function cut(value: SQL): SQL {
  const [fewest, most] = [sql.raw(String(BYTES_MAX / 4)), sql.raw(String(BYTES_MAX))];
  return sql`(select case when octet_length(v.text) <= ${most} then v.text else (
      select left(v.text, n) from generate_series(${fewest}, ${most}) n
      where octet_length(left(v.text, n)) <= ${most} order by n desc limit 1
    ) end from (select ${value} as text) v)`;
}

/** Whether a value of the event `e` is longer than is kept. */
export function isCutSql({ payload }: SeriesColumns): SQL {
  const isLong = payload.map(({ path }) => {
    return sql`coalesce(octet_length(${groupColumn({ payloadPath: path })}) > ${sql.raw(String(BYTES_MAX))}, false)`;
  });
  return anyOf(isLong);
}

/** Of the columns of a series behind an alias: a text that no other series has. */
export function labelSql(columns: SeriesColumns, alias: string): SQL {
  const names = namesOf(columns).map(name => `${alias}.${name}`);
  return sql.raw(`jsonb_build_array(${names.join(', ')})::text`);
}

export function keySql(label: SQL): SQL {
  return sql`encode(substring(sha256(convert_to(${label}, 'UTF8')) for 16), 'hex')::uuid`;
}

/**
 * The series `s` of a meter that a key is of; null where there is none. Looked up by the key, whatever
 * the planner knows of the table.
 */
export function seriesByKey({ workspaceId, id }: Pick<Meter, 'workspaceId' | 'id'>, key: SQL): SQL {
  return sql`left join lateral (
    select ${s.id} from meter_series s where ${s.workspace_id} = ${workspaceId}::int
      and ${s.meter_id} = ${id}::int and ${s.key} = ${key} limit 1
  ) s on true`;
}

/** `d`, the definition of the event `e`: where a filter looks at it. */
export function definitionFor(filter: EventFilter | null, workspaceId: number): SQL {
  if (!isSearching(filter)) return sql``;
  return sql`join lateral (
    select ${t.name} from event_definitions t
    where ${t.workspace_id} = ${workspaceId}::int and ${t.id} = ${e.definition_id} limit 1
  ) d on true`;
}

/** What an operand has of an event `e`; null where it has nothing. */
export function operandColumn({ kind, payloadPath, dimension }: Operand): SQL {
  if (kind === 'UNIQUE') return codeSql(uniqueText(payloadPath, dimension));
  const number = numberOf(valueAt(payloadPath ?? []));
  return kind === 'NUMBERS' ? number : binSql(number);
}

/** Equal for values that are equal: 1 and 1.0 are. */
function uniqueText(path: readonly string[] | null, dimension: Operand['dimension']): SQL {
  if (dimension === 'TYPE') return sql.raw(sqlText`${e.definition_id}::text`);
  if (dimension !== null) return groupColumn({ dimension });
  const value = valueAt(path ?? []);
  return sql`(case jsonb_typeof(${value}) when 'null' then null
    when 'number' then trim_scale((${value})::numeric)::text else (${value})::text end)`;
}

/** See `HyperLogLog`: 25 bits of a hash, and where the first bit stands among the next 39. */
function codeSql(text: SQL): SQL {
  return sql`(select ((h.bits >> 39)::bit(25)::int << 6)
      + 40 - length(ltrim(h.bits::bit(39)::text, '0'))
    from (
      select ('x' || encode(substring(sha256(convert_to(u.text, 'UTF8')) for 8), 'hex'))::bit(64)::bigint as bits
      from (select ${text} as text) u where u.text is not null
    ) h)`;
}

/** See `DDSketch`. The least of null and a number would be the number. */
function binSql(number: SQL): SQL {
  const smallest = sql.raw(String(SMALLEST));
  return sql`(select case when abs(n.x) < ${smallest} then 0 else (sign(n.x) * (
      ceil(ln(least(abs(n.x), 1.7e308)::float8) / ${sql.raw(String(LOG_GAMMA))}::float8) + ${sql.raw(String(BIN_OFFSET))})
    )::int end
    from (select ${number} as x) n where n.x is not null)`;
}

/** A condition that the columns of a series, `e`, tell: see `isOfSeries`. */
export function seriesFilterSql(
  filter: EventFilter,
  columns: SeriesColumns,
  workspaceId: number,
): SQL {
  const { and, or, not, payload, ...fields } = filter;
  const inner = (each: EventFilter) => seriesFilterSql(each, columns, workspaceId);
  const parts = [filterSql(fields, workspaceId)];
  for (const property of payload ?? []) parts.push(amongTexts(property, columns));
  if (and != null) parts.push(allOf(and.map(inner)));
  if (or != null) parts.push(anyOf(or.map(inner)));
  if (not != null) parts.push(sql`(${inner(not)}) is not true`);
  return allOf(parts);
}

function amongTexts(property: PropertyFilter, columns: SeriesColumns): SQL {
  const column = columnOfPath(columns, property.path);
  const texts = textsOfSeries(property, columns);
  if (column === null || texts === null) throw new Error('a meter does not tell this condition');
  return sql`${sql.raw(`e.${column}`)} = any(${textArray(texts)})`;
}
