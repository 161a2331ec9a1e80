/**
 * Typed properties in SQL, over `e` an event: the values that `core/stored-properties.ts` reads
 * from an event, by name and type. A type that was kept beside the payload wins; without one it
 * is inferred from the JSON, numbers by their digits.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { TypedName } from '../core/event-condition.ts';
import type { PropertyType } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import { events } from '../db/schema.ts';

const e = columnsOf(events, 'e');

/** The values as a set `v` of jsonb, for `from` or `cross join lateral`. */
export function typedValues({ type, name }: TypedName): SQL {
  const value = sql`(${e.payload} -> ${name}::text)`;
  const mark = sql`(${e.property_types} -> ${name}::text)`;
  return sql`jsonb_array_elements(case
    when ${value} is null then '[]'::jsonb
    when jsonb_typeof(${mark}) = 'array' then coalesce((
      select m -> 'values' from jsonb_array_elements(${mark}) m where m ->> 'type' = ${type} limit 1
    ), '[]'::jsonb)
    when coalesce(${mark} #>> '{}', ${inferredType(value)}) = ${type} then ${asList(value)}
    else '[]'::jsonb end) v`;
}

/** Names and types of all properties of an event, as a set `p`. */
export const typedNames: SQL = sql`(
  select k.key as name, m ->> 'type' as type
  from jsonb_each(${e.property_types}) k, jsonb_array_elements(k.value) m
  where jsonb_typeof(k.value) = 'array'
  union all
  select k.key, coalesce(${e.property_types} ->> k.key, ${inferredType(sql`k.value`)})
  from jsonb_each(${e.payload}) k
  where jsonb_typeof(${e.property_types} -> k.key) is distinct from 'array'
) p`;

function asList(value: SQL): SQL {
  return sql`(case jsonb_typeof(${value}) when 'array' then ${value} else jsonb_build_array(${value}) end)`;
}

/** Of several numbers, the widest type. `case` keeps a cast from what is no such number. */
function inferredType(value: SQL): SQL {
  return sql`(
    select case
      when bool_and(jsonb_typeof(i) = 'boolean') then 'BOOLEAN'
      when bool_and(jsonb_typeof(i) = 'string') then 'STRING'
      when bool_and(jsonb_typeof(i) = 'number') then (array['INTEGER', 'LONG', 'DOUBLE'])[max(case
        when i::text !~ '^-?[0-9]{1,19}$' then 3
        when i::text::numeric between -2147483648 and 2147483647 then 1
        when i::text::numeric between -9223372036854775808 and 9223372036854775807 then 2
        else 3 end)]
      else 'JSON' end
    from jsonb_array_elements(${asList(value)}) i
  )`;
}

/** A value as its type compares: numbers by value, dates and texts by their characters. */
export function comparable(type: PropertyType, text: SQL): SQL {
  switch (type) {
    case 'DOUBLE':
    case 'FLOAT':
    case 'INTEGER':
    case 'LONG':
      return sql`(${text})::numeric`;
    case 'BOOLEAN':
    case 'DATE':
    case 'JSON':
    case 'STRING':
      return sql`((${text}) collate "C")`;
  }
}

/** The text of the jsonb `v`. */
export const valueText: SQL = sql.raw(`(v #>> '{}')`);
