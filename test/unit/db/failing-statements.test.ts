/**
 * A connection serves many callers, one after the other. Whatever one of them runs into, the next
 * one gets what the server says, on every pool.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONNECTIONS_MIN } from '../../../src/core/connection-shares.ts';
import {
  createDatabase,
  type Connection,
  type Database,
  type HeldConnection,
  type StatementOptions,
} from '../../../src/db/client.ts';
import { tryLockedSession } from '../../../src/db/locks.ts';
import { codeOf } from '../../../src/db/sqlstate.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { startProxy, type Proxy } from '../../faults/proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

const LIMIT_MS = 800;
let postgres: TestDatabase;
let admin: Database;
let proxy: Proxy;
let database: Database;
beforeAll(async () => {
  postgres = await createTestDatabase();
  admin = createDatabase({ url: postgres.url, applicationName: 'admin' });
  proxy = await startProxy(postgres.url);
  const limits = { readTimeoutMs: LIMIT_MS, writeTimeoutMs: LIMIT_MS, upkeepTimeoutMs: LIMIT_MS };
  database = createDatabase({ url: proxy.url, applicationName: 'failing', ...limits });
});
afterAll(async () => {
  await database.stop();
  await proxy.stop();
  await admin.stop();
  await postgres[Symbol.asyncDispose]();
});

type Pool = Pick<Connection, 'query'>;
const POOLS: Record<string, () => Pool> = {
  read: () => database.read,
  pages: () => ({
    query: (text, params, options) =>
      database.read.query(text, params, { ...options, byIndex: true }),
  }),
  lookup: () => database.lookup,
  flush: () => database.flush,
  write: () => database.write,
  upkeep: () => database.upkeep,
  probe: () => database.probe,
};

const BACKENDS = `from pg_stat_activity where application_name = 'failing'
  and datname = current_database() and state = 'active'`;
/** Sends rows, and then nothing until it is ended. */
const ROWS_THEN_SILENCE = `
  select g, case when g > 4000 then pg_sleep(600)::text end as slept from generate_series(1, 5000) g`;

/** Again and again until the statement has ended: a read is run again when its connection is lost. */
async function during(running: Promise<unknown>, act: () => Promise<unknown>): Promise<unknown> {
  let ended = false;
  const outcome = running.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
  void outcome.finally(() => (ended = true));
  while (!ended) {
    await act();
    await sleep(20);
  }
  return outcome;
}

type Fail = (pool: Pool) => Promise<unknown>;
const failing =
  (text: string, options?: StatementOptions, params?: string[]): Fail =>
  pool =>
    pool.query(text, params, options).then(
      () => 'it did not fail',
      (error: unknown) => error,
    );
const FAILURES: Record<string, Fail> = {
  'a division by zero after 4,000 rows': failing(
    'select 1 / (4001 - g) as n from generate_series(1, 5000) g',
  ),
  "the pool's time limit after 4,000 rows": failing(ROWS_THEN_SILENCE),
  'its own time limit after 4,000 rows': failing(ROWS_THEN_SILENCE, { timeoutMs: 150 }),
  'a cancel after 4,000 rows': pool =>
    during(pool.query(ROWS_THEN_SILENCE), () =>
      admin.upkeep.query(`select pg_cancel_backend(pid) ${BACKENDS}`),
    ),
  'a terminated backend after 4,000 rows': pool =>
    during(pool.query(ROWS_THEN_SILENCE), () =>
      admin.upkeep.query(`select pg_terminate_backend(pid) ${BACKENDS}`),
    ),
  'a cut connection after 4,000 rows': pool =>
    during(pool.query(ROWS_THEN_SILENCE), async () => proxy.reset()),
  'more bytes than it may have': failing(
    `select repeat('x', 1000) as x from generate_series(1, 5000)`,
    { bytesMax: 100_000 },
  ),
  'a syntax error': failing('selec 1'),
  'a value that is none': failing('select $1::int as n', {}, ['x']),
};

describe.each(Object.keys(POOLS))('on the pool %s', name => {
  test.each(Object.keys(FAILURES))('the next caller gets its rows after %s', async kind => {
    const pool = (POOLS[name] as () => Pool)();
    const error = await (FAILURES[kind] as Fail)(pool);
    expect(codeOf(error), String(error)).not.toBe('');
    // The session that was given back last is lent first.
    for (let n = 1; n <= 3; n += 1) {
      const rows = await pool.query(
        'select g + $1::int as g, current_setting($2) as t from generate_series(1, 3) g',
        [n, 'transaction_isolation'],
      );
      expect(rows).toEqual([1, 2, 3].map(g => ({ g: g + n, t: 'read committed' })));
    }
    const [limit] = await pool.query<{ setting: string }>(
      `select setting from pg_settings where name = 'statement_timeout'`,
    );
    expect(Number(limit?.setting)).toBeGreaterThanOrEqual(LIMIT_MS);
  });
});

test('a transaction that fails after some rows spoils nothing for the next', async () => {
  for (const pool of [database.write, database.upkeep, database.read]) {
    const failed = transaction(pool, connection =>
      connection.query('select 1 / (4001 - g) as n from generate_series(1, 5000) g'),
    );
    await expect(failed).rejects.toThrow();
    const rows = await transaction(pool, connection => connection.query('select 7 as n'));
    expect(rows).toEqual([{ n: 7 }]);
  }
});

test('a connection whose rollback failed is not lent again', async () => {
  const { read } = createDatabase({ url: postgres.url, connectionsMax: CONNECTIONS_MIN });
  const failed = transaction(
    {
      hold: use =>
        read.hold(connection =>
          use({
            ...connection,
            query: (text, ...rest) =>
              text === 'rollback'
                ? Promise.reject(new Error('canceling statement due to user request'))
                : connection.query(text, ...rest),
          }),
        ),
    },
    connection => connection.query('select 1 / 0'),
  );
  await expect(failed).rejects.toThrow();
  expect(await read.query('select 1 as n')).toEqual([{ n: 1 }]);
  await read.stop();
});

test('a lock whose end failed ends with its connection', async () => {
  const { upkeep } = database;
  const KEY = 77;
  const unlocking = (connection: HeldConnection): HeldConnection => ({
    ...connection,
    query: (text, ...rest) =>
      text.includes('pg_advisory_unlock')
        ? Promise.reject(new Error('canceling statement due to user request'))
        : connection.query(text, ...rest),
  });
  const pool = { ...upkeep, hold: use => upkeep.hold(c => use(unlocking(c))) } as typeof upkeep;
  expect(await tryLockedSession(pool, KEY, () => Promise.resolve('first'))).toBe('first');
  await expect
    .poll(() => tryLockedSession(admin.upkeep, KEY, () => Promise.resolve('second')))
    .toBe('second');
});
