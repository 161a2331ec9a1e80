import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { startProxy } from '../../faults/proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { startTestGateway } from '../../kit/gateway.ts';
import { hasPgBouncer, type PgBouncerOptions, startPgBouncer } from '../../kit/pgbouncer.ts';
import { CLIENTS, EVENTS } from '../../unit/live/clients.ts';
import { sluice } from '../cli/run.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const pooled = (options: Omit<PgBouncerOptions, 'databaseUrl'>) =>
  startPgBouncer({ databaseUrl: database.url, ...options });

const RECORD = `mutation ($subject: String!) { recordEvents(input: {
  events: [{ type: "test.step", subject: $subject }] }) { receipts { status } } }`;
const REDACT = `mutation ($slug: String!) {
  redactEvents(input: { workspace: $slug, subject: "ada" }) { redactedCount } }`;

// Debian has it. Where it is not installed, these tell nothing.
describe.runIf(hasPgBouncer)('behind PgBouncer in session mode', () => {
  test('a gateway records, streams and redacts, and hears others', async () => {
    await using pooler = await pooled({ mode: 'session', poolSize: 100 });
    await using one = await startTestGateway({ databaseUrl: pooler.url });
    await using other = await startTestGateway({ databaseUrl: pooler.url });
    const { slug, key } = await one.workspace();
    const [[, read]] = CLIENTS as [(typeof CLIENTS)[0]];
    const stream = read({ url: other.url, key, query: EVENTS });
    expect((await stream.next()).value).toMatchObject({ kind: 'CAUGHT_UP' });
    await one.data(RECORD, { subject: 'ada' }, key);
    expect((await stream.next()).value).toMatchObject({ kind: 'EVENT', position: 1 });
    expect(await other.data(REDACT, { slug })).toEqual({ redactEvents: { redactedCount: 1 } });
    await stream.return(undefined);
  });

  test('a process hears what another notifies', async () => {
    await using pooler = await pooled({ mode: 'session', poolSize: 4 });
    const [here, elsewhere] = [createDatabase(pooler), createDatabase(pooler)];
    const heard: string[] = [];
    const failures: unknown[] = [];
    const options = { channel: 'pooled', onNotify: (payload: string) => void heard.push(payload) };
    const onFailure = (error: unknown) => void failures.push(error);
    await here.listen({ ...options, onLook() {}, onJoined() {}, onFailure });
    await elsewhere.write.query(`select pg_notify('pooled', 'hello')`);
    await expect.poll(() => heard).toEqual(['hello']);
    expect(failures).toEqual([]);
    await Promise.all([here.stop(), elsewhere.stop()]);
  });

  test('statements end at their time limit, and sessions of each pool have its settings', async () => {
    await using pooler = await pooled({ mode: 'session', poolSize: 40 });
    const db = createDatabase({ url: pooler.url, readTimeoutMs: 200 });
    await expect(db.read.query('select pg_sleep(60)')).rejects.toMatchObject({
      code: 'QUERY_TOO_EXPENSIVE',
    });
    const settings = `select current_setting('transaction_read_only') as only,
      current_setting('statement_timeout') as limit`;
    expect(await db.read.query(settings)).toEqual([{ only: 'on', limit: '200ms' }]);
    expect(await db.write.query(settings)).toEqual([{ only: 'off', limit: '3500ms' }]);
    await db.stop();
    // Another process gets the same servers.
    const next = createDatabase({ url: pooler.url });
    expect(await next.write.query(settings)).toEqual([{ only: 'off', limit: '3500ms' }]);
    await next.stop();
  });

  test('a gateway whose connections do not all fit says how many do, and what to set', async () => {
    await using pooler = await pooled({ mode: 'session', poolSize: 20 });
    await expect(startTestGateway({ databaseUrl: pooler.url })).rejects.toThrow(
      /up to 32 sessions, but the pooler .* accepts 20: raise .* or lower SLUICE_CONNECTIONS_MAX/,
    );
    await using gateway = await startTestGateway({
      databaseUrl: pooler.url,
      config: { connectionsMax: 18 },
    });
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });
});

describe.runIf(hasPgBouncer).each(['transaction', 'statement'] as const)(
  'behind PgBouncer in %s mode',
  mode => {
    const advice = /set pool_mode = session .* or set DATABASE_URL to Postgres itself/;

    test.each([1, 2, 3, 32])('a gateway says what to set, and starts not (%i servers)', async n => {
      await using pooler = await pooled({ mode, poolSize: n });
      await expect(startTestGateway({ databaseUrl: pooler.url })).rejects.toThrow(advice);
    });

    test('so do commands that work on the database', async () => {
      await using pooler = await pooled({ mode, poolSize: 4 });
      for (const command of ['migrate', 'verify', 'epoch']) {
        const { code, err } = await sluice([command], { DATABASE_URL: pooler.url });
        expect(err).toMatch(advice);
        expect(code).not.toBe(0);
      }
    });
  },
);

test('a listener to which no notification comes says so, and tries again', async () => {
  const proxy = await startProxy(database.url);
  proxy.weather = 'DEAF';
  const failures: unknown[] = [];
  const seen = { looks: 0 };
  const db = createDatabase({ url: proxy.url });
  await db.listen({
    onNotify() {},
    onJoined() {},
    channel: 'kept back',
    onLook: () => void seen.looks++,
    onFailure: error => void failures.push(error),
  });
  expect(String(failures)).toContain('does not receive its own notifications');
  expect(seen.looks).toBe(0);
  proxy.weather = 'CLEAR';
  await expect.poll(() => seen.looks).toBe(1);
  expect(failures).toHaveLength(1);
  await db.stop();
  await proxy.stop();
});
