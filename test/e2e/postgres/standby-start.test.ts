/**
 * What a gateway does with the standby that it is given. Needs what `standby.test.ts` needs, and tells
 * nothing without it.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { withDatabase } from '../../kit/database-url.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { hasPgBouncer, startPgBouncer } from '../../kit/pgbouncer.ts';
import {
  POSTGRES_PROGRAMS,
  startServersWithStandby,
  type ServersWithStandby,
} from '../../kit/standby.ts';
import { answeredAt, events, PAGE, POSITIONS, record, type Page } from './standby-reads.ts';

const isInstalled = POSTGRES_PROGRAMS !== null;
if (!isInstalled) console.warn('Not tested: the start with a standby. pg_basebackup is missing.');

describe.runIf(isInstalled)('a gateway with a standby', () => {
  let servers: ServersWithStandby;
  /** On the same primary, and it knows no standby. */
  let gateway: TestGateway;

  beforeAll(async () => {
    servers = await startServersWithStandby();
    gateway = await startTestGateway({ databaseUrl: servers.primary.url });
    await servers.caughtUp();
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await servers?.[Symbol.asyncDispose]();
  });

  function withStandby(databaseReadUrl = servers.standby.url) {
    return { databaseUrl: servers.primary.url, config: { databaseReadUrl } };
  }

  test('a standby of another cluster is refused, and so are a wrong user and database', async () => {
    await expect(startTestGateway(withStandby(inject('adminUrl')))).rejects.toThrow(
      /DATABASE_READ_URL leads to a server of another cluster than DATABASE_URL/,
    );
    await servers.primary.query('create database elsewhere');
    await servers.caughtUp();
    await expect(
      startTestGateway(withStandby(withDatabase(servers.standby.url, 'elsewhere'))),
    ).rejects.toThrow(/DATABASE_READ_URL leads to another database than DATABASE_URL/);
    await expect(
      startTestGateway(withStandby(withDatabase(servers.standby.url, 'nowhere'))),
    ).rejects.toThrow(/DATABASE_READ_URL is not usable: .*"nowhere" does not exist/);
    await expect(
      startTestGateway(withStandby(`${servers.standby.url}?sslmode=sometimes`)),
    ).rejects.toThrow(/DATABASE_READ_URL is not usable: sslmode must be/);
  });

  test('one that is away, or none, is told of, and the primary answers', async () => {
    for (const [url, said] of [
      [servers.standby.url.replace(/:\d+\//, ':1/'), /Reads go to the primary .*127\.0\.0\.1:1/],
      [
        `${servers.primary.url}?sslmode=disable`,
        /DATABASE_READ_URL leads to a server that is no standby/,
      ],
    ] as const) {
      await using started = await startTestGateway(withStandby(url));
      expect(started.gateway.notes.join('\n')).toMatch(said);
      const { key } = await gateway.workspace();
      await record(started, key, events(2));
      expect((await started.data<Page>(PAGE, {}, key)).events.totalCount).toBe(2);
      expect(await answeredAt(started)).toEqual({ AWAY: 1 });
    }
  });

  test.runIf(hasPgBouncer)('PgBouncer before it works in session mode, or is refused', async () => {
    const before = (mode: 'session' | 'transaction', poolSize: number) =>
      startPgBouncer({ databaseUrl: servers.standby.url, mode, poolSize });
    await using transactions = await before('transaction', 4);
    await expect(startTestGateway(withStandby(transactions.url))).rejects.toThrow(
      /DATABASE_READ_URL leads to a pooler .* set pool_mode = session/,
    );
    await using few = await before('session', 4);
    await expect(startTestGateway(withStandby(few.url))).rejects.toThrow(
      /the pooler that DATABASE_READ_URL leads to accepts 4: raise/,
    );
    await using sessions = await before('session', 20);
    await using pooled = await startTestGateway(withStandby(sessions.url));
    const { key } = await gateway.workspace();
    await record(pooled, key, events(2));
    await servers.caughtUp();
    await expect
      .poll(async () => {
        await pooled.data(POSITIONS, {}, key);
        return answeredAt(pooled);
      })
      .toHaveProperty('STANDBY');
  });

  // Last: there is no standby any more.
  test('one that is promoted answers nothing more', async () => {
    await using started = await startTestGateway(withStandby());
    const { key } = await gateway.workspace();
    await record(started, key, events(2));
    await servers.caughtUp();
    const count = async () => (await started.data<Page>(PAGE, {}, key)).events.totalCount;
    await expect
      .poll(async () => {
        await count();
        return answeredAt(started);
      })
      .toHaveProperty('STANDBY');
    await servers.standby.query('select pg_promote()');
    await record(started, key, events(2));
    const { STANDBY } = await answeredAt(started);
    expect(await count()).toBe(4);
    expect(await answeredAt(started)).toMatchObject({ STANDBY, AWAY: 1 });
  });
});
