import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Connection, StatementOptions } from './connection.ts';
import type { Param } from './wire.ts';

const dialect = new PgDialect();

/**
 * Runs a statement that was composed with drizzle's `sql`, on a connection of ours: drizzle
 * builds text and parameters, and is never given a connection.
 * @throws Error for a parameter that has no form on the wire, such as a JavaScript array.
 */
export async function rows<Row extends object>(
  connection: Connection,
  statement: SQL,
  options?: StatementOptions,
): Promise<Row[]> {
  const { sql, params } = dialect.sqlToQuery(statement);
  return connection.query<Row>(sql, params.map(toParam), options);
}

/** Of a statement with one row, whose column `count` is a number. */
export async function readCount(connection: Connection, statement: SQL): Promise<number> {
  const [row] = await rows<{ count: number }>(connection, statement);
  return row?.count ?? 0;
}

function toParam(value: unknown): Param {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (value instanceof Date) return value;
  const kind = Array.isArray(value) ? 'array' : typeof value;
  throw new Error(`a parameter must be a text, number, boolean, Date or null, but is an ${kind}`);
}
