import { sql } from 'drizzle-orm';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CONNECTIONS_MIN } from '../../../src/core/connection-shares.ts';
import { createDatabase, type Database, type DatabaseOptions } from '../../../src/db/client.ts';
import { rows } from '../../../src/db/query.ts';
import { isConnectionLost } from '../../../src/db/sqlstate.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

let postgres: TestDatabase;
let admin: Database;
const opened: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  postgres = await createTestDatabase();
  admin = createDatabase({ url: postgres.url, applicationName: 'admin' });
  await admin.upkeep.query('create table storm (id int generated always as identity, v text)');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.stop()));
});
afterAll(async () => {
  await admin.stop();
  await postgres[Symbol.asyncDispose]();
});

function open(options: Partial<DatabaseOptions> = {}): Database {
  const database = createDatabase({ url: postgres.url, applicationName: 'storm', ...options });
  opened.push(database);
  return database;
}

const DEAF = { onNotify() {}, onLook() {}, onJoined() {}, onFailure() {} };

const cut = () =>
  admin.upkeep.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'storm' and datname = current_database()`,
  );

test('sessions cut under six writers throw nothing outside of a promise and hang nobody', async () => {
  const database = open();
  const thrown: unknown[] = [];
  const note = (error: unknown) => thrown.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  const seen = { committed: 0, lost: 0, looks: 0, longestMs: 0 };
  await database.listen({ ...DEAF, channel: 'storm', onLook: () => seen.looks++ });
  const startMs = Date.now();
  // On a busy machine it takes longer until enough has happened.
  const isEnough = () => seen.committed > 20 && seen.lost > 20 && seen.looks > 2;
  const goesOn = () => !isEnough() || Date.now() < startMs + 4_000;

  async function writer(): Promise<void> {
    while (goesOn()) {
      const askedMs = performance.now();
      await transaction(database.write, async connection => {
        await connection.query('select pg_advisory_xact_lock(1)');
        await connection.query('insert into storm (v) values ($1)', ['x'.repeat(2_000)]);
      }).then(
        () => seen.committed++,
        (error: unknown) => {
          if (!isConnectionLost(error)) throw error;
          seen.lost++;
        },
      );
      await database.read.query('select $1::int', [1]).catch(isConnectionLost);
      seen.longestMs = Math.max(seen.longestMs, performance.now() - askedMs);
    }
  }
  async function storm(): Promise<void> {
    while (goesOn()) {
      await cut();
      await sleep(50);
    }
  }
  await Promise.all([storm(), ...Array.from({ length: 6 }, writer)]);

  await Promise.all(
    Array.from({ length: 32 }, async () => {
      await database.read.query('select 1');
      await database.write.query('select 1');
      await database.upkeep.query('select 1');
    }),
  );
  process.off('uncaughtException', note).off('unhandledRejection', note);
  expect(thrown).toEqual([]);
  expect(seen.longestMs).toBeLessThan(30_000);
});

test('a read beyond its limit is QUERY_TOO_EXPENSIVE, and the connection serves on', async () => {
  const { read } = open({ connectionsMax: CONNECTIONS_MIN });
  const before = await read.query('select pg_backend_pid() as pid');
  const slow = read.query('select pg_sleep(5)', [], { timeoutMs: 100 });
  await expect(slow).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
  expect(await read.query('show statement_timeout')).toEqual([{ statement_timeout: '3s' }]);
  expect(await read.query('select pg_backend_pid() as pid')).toEqual(before);
});

test('a statement that is to be planned for its own values is not kept', async () => {
  const { read } = open({ connectionsMax: CONNECTIONS_MIN });
  const kept = () =>
    read.query('select statement from pg_prepared_statements order by prepare_time');
  const before = await kept();
  expect(await read.query('select $1::int + 1 as n', [1], { unprepared: true })).toEqual([
    { n: 2 },
  ]);
  expect(await kept()).toEqual(before);
  await read.query('select $1::int + 1 as n', [1]);
  expect(await kept()).toEqual([...before, { statement: 'select $1::int + 1 as n' }]);
});

test('a server that takes connections and never answers is unavailable in time', async () => {
  const hole = await startProxy();
  const database = open({ url: hole.url });
  await database.read.query('select 1');
  hole.silent = true;
  const startMs = performance.now();
  const asked = Array.from({ length: 40 }, () => database.read.query('select 1'));
  const answers = await Promise.allSettled(asked);
  expect(performance.now() - startMs).toBeLessThan(10_000);
  for (const answer of answers) {
    expect(answer).toMatchObject({ reason: { code: 'SERVICE_UNAVAILABLE', retryAfterS: 1 } });
  }
  hole.silent = false;
  expect(await database.read.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('a server that is away is unavailable at once', async () => {
  const { read, write } = open({ url: 'postgres://nobody@127.0.0.1:1/none' });
  await expect(read.query('select 1')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  await expect(write.query('select 1')).rejects.toSatisfy(isConnectionLost);
});

test('a connection whose loss went unnoticed costs a read nothing', async () => {
  const { read } = open();
  await read.query('select 1');
  await cut();
  expect(await read.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('who waits for a connection too long is told to try again', async () => {
  const { read } = open({ connectionsMax: CONNECTIONS_MIN });
  await read.hold(async () => {
    const waiting = read.query('select 1');
    await expect(waiting).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
  expect(await read.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('values come back as they were given', async () => {
  const { read } = open();
  const long = '{"a": 1.10, "b": 123456789012345678901234567890}';
  const [row] = await read.query(
    `select $1::jsonb as json, $2::numeric as numeric, $3::timestamptz as time, $4::int8 as long,
       $5::text[] as texts, $6::boolean as yes, $7::text as none, '{{1,2},{3,4}}'::int8[] as grid,
       '0001-02-03 04:05:06.789+00'::timestamptz as early, '9999-12-31 23:59:59.999Z'::timestamptz as late`,
    [long, '1.50', new Date(1), 2 ** 53 - 1, '{"a \\" \\\\ b",NULL,"NULL","",c}', true, null],
  );
  expect(row).toEqual({
    json: long,
    numeric: '1.50',
    time: new Date(1),
    long: 2 ** 53 - 1,
    texts: ['a " \\ b', null, 'NULL', '', 'c'],
    yes: true,
    none: null,
    grid: [
      [1, 2],
      [3, 4],
    ],
    early: new Date('0001-02-03T04:05:06.789Z'),
    late: new Date('9999-12-31T23:59:59.999Z'),
  });
});

test('a statement composed with drizzle runs with its parameters', async () => {
  const time = new Date(5);
  const statement = sql`select ${1}::int + ${2}::int as sum, ${time}::timestamptz as time`;
  expect(await rows(open().read, statement)).toEqual([{ sum: 3, time }]);
  await expect(rows(open().read, sql`select ${sql.param([1])}`)).rejects.toThrow('is an array');
});

test('the pool for reads refuses to write', async () => {
  const write = open().read.query(`insert into storm (v) values ('x')`);
  await expect(write).rejects.toMatchObject({ code: '25006' });
});

test('a transaction that fails leaves nothing, and one that swallows a failure does not commit', async () => {
  const { write } = open();
  await write.query('truncate storm');
  const failed = transaction(write, async connection => {
    await connection.query(`insert into storm (v) values ('x')`);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  const swallowed = transaction(write, async connection => {
    await connection.query(`insert into storm (v) values ('x')`);
    await connection.query('select 1 / 0').catch(() => {});
  });
  await expect(swallowed).rejects.toThrow('failed before its commit');
  expect(await write.query('select count(*) as n from storm')).toEqual([{ n: 0 }]);
});

test('a deadlock is run again from its start', async () => {
  const { write } = open({ writeTimeoutMs: 30_000 });
  let tries = 0;
  let holders = 0;
  let bothHold = () => {};
  const held = new Promise<void>(resolve => (bothHold = resolve));
  const both = [1, 2].map(first =>
    transaction(write, async connection => {
      tries++;
      await connection.query(`set local lock_timeout = '30s'`);
      await connection.query('select pg_advisory_xact_lock($1)', [first + 10]);
      if (++holders === 2) bothHold();
      await held;
      await connection.query('select pg_advisory_xact_lock($1)', [13 - first]);
    }),
  );
  await Promise.all(both);
  expect(tries).toBe(3);
});

test('a listener hears what is notified, also after its connection was cut', async () => {
  const database = open();
  const heard: string[] = [];
  let looks = 0;
  await database.listen({
    ...{ ...DEAF, channel: 'news' },
    onNotify: payload => heard.push(payload),
    onLook: () => looks++,
  });
  expect(looks).toBe(1);
  await admin.upkeep.query(`notify news, 'first'`);
  await expect.poll(() => heard).toEqual(['first']);
  await cut();
  await expect.poll(() => looks).toBe(2);
  await admin.upkeep.query(`notify news, 'second'`);
  await expect.poll(() => heard).toEqual(['first', 'second']);
});

test('a listener that cannot connect says so once, and goes on trying', async () => {
  const hole = await startProxy();
  const database = open({ url: hole.url });
  let looks = 0;
  const failures: unknown[] = [];
  hole.silent = true;
  await database.listen({
    ...{ ...DEAF, channel: 'news' },
    onLook: () => looks++,
    onFailure: error => failures.push(error),
  });
  expect(failures).toHaveLength(1);
  hole.silent = false;
  await expect.poll(() => looks).toBe(1);
  expect(failures).toHaveLength(1);
});

test('a listener knows whether it is alone, and hears who joins', async () => {
  const one = await open().listen({ ...DEAF, channel: 'alone' });
  await expect.poll(() => one.isAlone).toBe(true);
  let joined = 0;
  const two = await open().listen({ ...DEAF, channel: 'alone', onJoined: () => joined++ });
  await expect.poll(() => one.isAlone).toBe(false);
  const three = await open().listen({ ...DEAF, channel: 'alone' });
  await expect.poll(() => joined).toBe(1);
  expect(two.isAlone).toBe(false);
  await Promise.all([one.stop(), three.stop()]);
  await expect.poll(() => two.isAlone, { timeout: 15_000 }).toBe(true);
  await two.stop();
});

test('a statement whose time is up is ended, not left without a limit', async () => {
  const { write } = open();
  const endless = write.query('select pg_sleep(60)', [], { timeoutMs: 0 });
  await expect(endless).rejects.toMatchObject({ code: '57014' });
});

interface Proxy {
  readonly url: string;
  /** Nothing passes, in neither direction, and nothing is closed. */
  silent: boolean;
}

async function startProxy(): Promise<Proxy> {
  const target = new URL(postgres.url);
  const { hostname } = target;
  const port = Number(target.port);
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const upstream = connect(port, hostname);
    for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(from);
      from.on('data', bytes => proxy.silent || to.write(bytes));
      from.on('error', () => {}).on('close', () => to.destroy());
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  target.port = String(typeof address === 'object' ? address?.port : '');
  const proxy: Proxy = { url: target.href, silent: false };
  opened.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return proxy;
}

test('sessions mean the same whatever the role or the database has set', async () => {
  await using postgres = await createTestDatabase();
  const name = new URL(postgres.url).pathname.slice(1);
  const settings = {
    default_transaction_isolation: 'serializable',
    standard_conforming_strings: 'off',
    extra_float_digits: '-10',
    TimeZone: 'Asia/Tokyo',
    DateStyle: 'German',
  };
  for (const [setting, value] of Object.entries(settings)) {
    await admin.upkeep.query(`alter database ${name} set ${setting} = '${value}'`);
  }
  const database = open({ url: postgres.url });
  const [row] = await database.write.query(
    `select current_setting('transaction_isolation') as isolation, 0.1::float8 + 0.2 as sum,
       '\\' as backslashes, timestamptz '2026-01-02T03:04:05Z' as instant`,
  );
  const instant = new Date('2026-01-02T03:04:05Z');
  const backslashes = '\\';
  expect(row).toEqual({ isolation: 'read committed', sum: 0.1 + 0.2, backslashes, instant });
});
