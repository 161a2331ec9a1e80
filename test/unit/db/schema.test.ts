import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import * as schema from '../../../src/db/schema.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

const tables = Object.values(schema).filter(value => value instanceof PgTable);

/** The tables that the migrations made, without partitions. */
async function columnsMade(): Promise<string[]> {
  const rows = await db.read.query<{ line: string }>(
    `select format('%s.%s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       case when a.attnotnull then ' not null' else '' end) as line
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and a.attnum > 0 and not a.attisdropped
       and c.relname <> 'schema_migrations'`,
  );
  return rows.map(({ line }) => line).sort();
}

const TYPES: Readonly<Record<string, string>> = {
  'timestamp (3) with time zone': 'timestamp(3) with time zone',
};

test('the migrations make the tables that schema.ts describes', async () => {
  const described = tables.flatMap(table => {
    const { name, columns, primaryKeys } = getTableConfig(table);
    const keys = new Set(primaryKeys.flatMap(key => key.columns.map(column => column.name)));
    return columns.map(column => {
      const type = TYPES[column.getSQLType()] ?? column.getSQLType();
      const isRequired = column.notNull || column.primary || keys.has(column.name);
      return `${name}.${column.name} ${type}${isRequired ? ' not null' : ''}`;
    });
  });
  expect(await columnsMade()).toEqual(described.sort());
});

test('the migrations make the indexes that schema.ts describes', async () => {
  const rows = await db.read.query<{ line: string }>(
    `select format('%s (%s)', c.relname, string_agg(a.attname, ', ' order by k.place)) as line
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     cross join lateral unnest(i.indkey) with ordinality as k (attnum, place)
     join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum
     where t.relnamespace = 'public'::regnamespace and not t.relispartition
       and not i.indisprimary and t.relname <> 'schema_migrations'
     group by c.relname`,
  );
  const described = tables.flatMap(table => {
    const { indexes, uniqueConstraints } = getTableConfig(table);
    return [
      ...indexes.map(({ config }) => ({
        name: config.name,
        columns: config.columns.map(column => ('name' in column ? column.name : '')),
      })),
      ...uniqueConstraints.map(({ name, columns }) => ({
        name,
        columns: columns.map(column => column.name),
      })),
    ].map(({ name, columns }) => `${name} (${columns.join(', ')})`);
  });
  expect(rows.map(({ line }) => line).sort()).toEqual(described.sort());
});

test('texts compare by code point', async () => {
  const rows = await db.read.query<{ name: string }>(
    `select format('%s.%s', table_name, column_name) as name from information_schema.columns
     where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C'
       and table_name <> 'schema_migrations'`,
  );
  expect(rows).toEqual([]);
});
