import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { migrate, readMigrations } from '../../../src/db/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

let postgres: TestDatabase;
let database: Database;
beforeAll(async () => {
  postgres = await createTestDatabase();
  database = createDatabase({ url: postgres.url });
});
afterAll(async () => {
  await database.stop();
  await postgres[Symbol.asyncDispose]();
});

const shipped = readMigrations();
const next = shipped.length + 1;
const added = { version: next, name: 'added', sql: 'create table added (a int); select 1;' };

test('a migrated database has every shipped migration, numbered without a gap', async () => {
  const rows = await database.read.query('select version, name from schema_migrations');
  expect(rows).toEqual(shipped.map(({ version, name }) => ({ version, name })));
  expect(shipped.map(({ version }) => version)).toEqual(shipped.map((_, index) => index + 1));
});

test('two gateways that start together apply a migration once', async () => {
  const other = createDatabase({ url: postgres.url });
  const slow = { ...added, sql: `${added.sql} select pg_sleep(0.2);` };
  const applied = await Promise.all(
    [database, other].map(({ upkeep }) => migrate(upkeep, [...shipped, slow])),
  );
  await other.stop();
  expect(applied.flat()).toEqual([slow]);
});

test('a database that is newer than the program is refused with both versions', async () => {
  const message = `has version ${next} (added), but this program knows versions up to ${next - 1}`;
  await expect(migrate(database.upkeep, shipped)).rejects.toThrow(message);
});

test('a migration that fails leaves nothing behind and says which it is', async () => {
  const bad = { version: next + 1, name: 'bad', sql: 'create table bad (a int); select 1 / 0;' };
  const attempt = migrate(database.upkeep, [...shipped, added, bad]);
  await expect(attempt).rejects.toThrow(`migration ${next + 1} (bad) failed and is undone`);
  const [row] = await database.read.query(`select to_regclass('bad') as bad`);
  expect(row).toEqual({ bad: null });
});
