/**
 * Lists as parameters. A list crosses the wire as one text, so that a statement's text does not
 * change with the length of the list and stays prepared.
 */
import { type SQL, sql } from 'drizzle-orm';

export function textArray(values: readonly string[]): SQL {
  return sql`${arrayLiteral(values)}::text[]`;
}

/** Ids as a client may make them up: what is no `int` equals none and is left out. */
export function intArray(values: readonly number[]): SQL {
  const ids = values.filter(value => (value | 0) === value);
  return sql`${arrayLiteral(ids.map(String))}::int[]`;
}

/** Every element in quotes, with which Postgres reads it as it stands. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map(value => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** True of every row where there is no condition. */
export function allOf(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`true` : sql`(${sql.join([...conditions], sql` and `)})`;
}

export function anyOf(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`false` : sql`(${sql.join([...conditions], sql` or `)})`;
}
