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
  return sql`${arrayLiteral(values.filter(value => (value | 0) === value))}::int[]`;
}

/** Texts stand in quotes, with which Postgres reads them as they are. */
export function arrayLiteral(values: Iterable<string | number>): string {
  return `{${Array.from(values, elementOf).join(',')}}`;
}

function elementOf(value: string | number): string | number {
  return typeof value === 'number' ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** True of every row where there is no condition. */
export function allOf(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`true` : sql`(${sql.join([...conditions], sql` and `)})`;
}

export function anyOf(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`false` : sql`(${sql.join([...conditions], sql` or `)})`;
}
