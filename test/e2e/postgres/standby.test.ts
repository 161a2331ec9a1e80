/**
 * Reads from a standby, through GraphQL. Needs an installed Postgres with `pg_basebackup`, as Debian's
 * package has it: without one this file says so, and tells nothing.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import type { WalPlace } from '../../../src/db/standby-identity.ts';
import { startProxy } from '../../faults/proxy.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import {
  POSTGRES_PROGRAMS,
  type ServersWithStandby,
  startServersWithStandby,
} from '../../kit/standby.ts';
import {
  answeredAt,
  COUNT,
  type Count,
  events,
  PAGE,
  type Page,
  POSITIONS,
  record,
  REDACT,
} from './standby-reads.ts';

/** Holds the table for a long time, and whether it is held. */
const SLOW = 'select pg_sleep(15) from (select count(*) from dropped) d';
const IS_READ = `select 1 from pg_locks l join pg_class c on c.oid = l.relation
  where c.relname = 'dropped'`;

const isInstalled = POSTGRES_PROGRAMS !== null;
if (!isInstalled) console.warn('Not tested: reads from a standby. pg_basebackup is not installed.');

describe.runIf(isInstalled)('reads from a standby', () => {
  let servers: ServersWithStandby;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  /** Both on the same primary. Only one of them knows the standby. */
  let gateway: TestGateway;
  let other: TestGateway;

  beforeAll(async () => {
    servers = await startServersWithStandby();
    other = await startTestGateway({ databaseUrl: servers.primary.url });
    await servers.caughtUp();
    // What others notify does not come through: it finds out by itself.
    proxy = await startProxy(servers.primary.url);
    proxy.weather = 'DEAF';
    const config = { databaseReadUrl: servers.standby.url };
    gateway = await startTestGateway({ databaseUrl: proxy.url, config });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await proxy?.stop();
    await other?.[Symbol.asyncDispose]();
    await servers?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await servers.standby.query('select pg_wal_replay_resume()');
    await servers.delay('0');
    await servers.caughtUp();
  });

  /** What was answered where while something ran. */
  async function during(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await answeredAt(gateway);
    await work();
    const after = await answeredAt(gateway);
    const changes = Object.entries(after).map(
      ([at, count]) => [at, count - (before[at] ?? 0)] as const,
    );
    return Object.fromEntries(changes.filter(([, count]) => count > 0));
  }

  /** Reads at the standby as a gateway does, from a place that is named. */
  async function startReader() {
    const [url, standbyUrl] = [servers.primary.url, servers.standby.url];
    const db = createDatabase({ url, standbyUrl, readTimeoutMs: 20_000 });
    await db.standby?.start();
    return {
      read: (place: WalPlace, text: string) =>
        db.standby?.connection(async () => place).query(text),
      get fault() {
        return db.standby?.fault;
      },
      [Symbol.asyncDispose]: () => db.stop(),
    };
  }

  const pause = () => servers.standby.query('select pg_wal_replay_pause()');

  test('pages, counts and aggregates come from it once it has caught up', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(3));
    await servers.caughtUp();
    for (const query of [PAGE, POSITIONS, COUNT]) {
      await expect
        .poll(() => during(() => gateway.data(query, { first: 2 }, key)))
        .toSatisfy((at: Record<string, number>) => (at['STANDBY'] ?? 0) > 0 && !('BEHIND' in at));
    }
    const statements = await fetch(`${gateway.url}/metrics`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(await statements.text()).toMatch(
      /sluice_statement_seconds_count\{lane="standby"\} [1-9]/,
    );
  });

  test('with a delay of 3 s a read shows what was recorded right before', async () => {
    const { key } = await gateway.workspace();
    await servers.delay('3s');
    const isUsed = () =>
      expect.poll(() => during(() => gateway.data(POSITIONS, {}, key))).toEqual({ STANDBY: 1 });
    await isUsed();
    for (let round = 1; round <= 3; round++) {
      const [receipt] = await record(gateway, key, events(1));
      const { events: page } = await gateway.data<Page>(PAGE, {}, key);
      expect(page.nodes.at(-1)?.position).toBe(receipt?.position);
      expect(page.totalCount).toBe(round);
      const { eventAggregates } = await gateway.data<Count>(COUNT, {}, key);
      expect(eventAggregates.nodes[0]?.count).toBe(round);
    }
    // When it has replayed all that.
    await isUsed();
  });

  test('a cursor that it has not replayed is answered by the primary', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(2));
    await servers.caughtUp();
    await servers.delay('3s');
    const page = async (variables: object) =>
      (await gateway.data<Page>(POSITIONS, { ...variables }, key)).events.nodes.map(
        ({ position }) => position,
      );
    expect(await page({})).toEqual([1, 2]);
    // Recorded elsewhere: the gateway has not heard of it.
    const [first, last] = await record(other, key, events(2));
    expect(await page({ after: first?.cursor })).toEqual([last?.position]);
    expect(await page({ after: last?.cursor })).toEqual([]);
    expect(await page({ atLeast: last?.cursor })).toEqual([1, 2, 3, 4]);
    const { eventAggregates } = await gateway.data<Count>(COUNT, { atLeast: last?.cursor }, key);
    expect(eventAggregates.nodes[0]?.count).toBe(4);
  });

  test.each(['with a standby', 'without one'])(
    'atLeast refuses a cursor beyond the log, %s',
    async which => {
      const at = which === 'without one' ? other : gateway;
      const { key } = await gateway.workspace();
      const [, last] = await record(at, key, events(2));
      const parts = Buffer.from(last?.cursor ?? '', 'base64url')
        .toString()
        .split(':');
      parts[3] = '3';
      const ahead = Buffer.from(parts.join(':')).toString('base64url');
      for (const query of [PAGE, POSITIONS, COUNT]) {
        const codeOf = async (atLeast: string) =>
          (await at.graphql(query, { atLeast }, key)).errors?.[0]?.extensions['code'];
        expect(await codeOf(last?.cursor ?? '')).toBeUndefined();
        expect(await codeOf(ahead)).toBe('CURSOR_AHEAD');
        expect(await codeOf('nonsense')).toBe('CURSOR_INVALID');
      }
      const strange = await gateway.workspace();
      const [receipt] = await record(at, strange.key, events(1));
      const { errors } = await at.graphql(PAGE, { atLeast: receipt?.cursor }, key);
      expect(errors?.[0]?.extensions['code']).toBe('CURSOR_INVALID');
    },
  );

  test('paging from end to end shows each event once, whoever answers', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(1_000));
    await servers.caughtUp();
    const seen: number[] = [];
    let after: string | null = null;
    for (let page = 0; page < 25; page++) {
      if (page % 4 === 1) await pause();
      if (page % 4 === 3) await servers.standby.query('select pg_wal_replay_resume()');
      await record(other, key, events(1));
      const read: Page = await gateway.data<Page>(POSITIONS, { first: 50, after }, key);
      seen.push(...read.events.nodes.map(({ position }) => position));
      after = read.events.pageInfo.endCursor;
      if (!read.events.pageInfo.hasNextPage) break;
    }
    // As many as there were when the last page was read.
    expect(seen).toEqual(seen.map((_, index) => index + 1));
    expect(seen.length).toBeGreaterThan(1_000);
  });

  test('what is defined here counts at once, while it stands still', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(3));
    const ofCategory = async () => {
      const { events: page } = await gateway.data<Page>(
        `{ events(filter: { categories: ["steps"] }) { totalCount } }`,
        {},
        key,
      );
      return page.totalCount;
    };
    await servers.caughtUp();
    await expect.poll(() => during(ofCategory)).toEqual({ STANDBY: 1 });
    await pause();
    await gateway.data(
      `mutation { defineEvent(input: { name: "test.step", category: "steps" }) { definition { id } } }`,
      {},
      key,
    );
    expect(await ofCategory()).toBe(3);
  });

  /** Of four events that are read at the standby, which stands still from then on. */
  async function standingStill() {
    const { slug, key } = await gateway.workspace();
    await record(gateway, key, [...events(2, 'ada'), ...events(2, 'bob')]);
    await servers.caughtUp();
    const subjects = async () =>
      (await gateway.data<Page>(PAGE, {}, key)).events.nodes.map(({ subject }) => subject);
    await expect.poll(() => during(subjects)).toHaveProperty('STANDBY');
    await pause();
    return { slug, subjects };
  }

  test('what was redacted here is hidden at once, while it stands still', async () => {
    const { slug, subjects } = await standingStill();
    await gateway.data(REDACT, { slug, subject: 'ada' });
    expect(await subjects()).toEqual([null, null, 'bob', 'bob']);
    const kept = await servers.standby.query(`select 1 from events where subject = 'ada'`);
    expect(kept.length).toBeGreaterThan(0);
  });

  test('what was redacted elsewhere is hidden within three seconds, while it stands still', async () => {
    const { slug, subjects } = await standingStill();
    await other.data(REDACT, { slug, subject: 'bob' });
    const redactedAt = performance.now();
    let readAt = redactedAt;
    for (let shown = await subjects(); shown.includes('bob'); shown = await subjects()) {
      // What was asked for later than that must not show it.
      expect(readAt - redactedAt).toBeLessThan(3_000);
      readAt = performance.now();
    }
    const kept = await servers.standby.query(`select 1 from events where subject = 'bob'`);
    expect(kept.length).toBeGreaterThan(0);
  });

  test('what one workspace has is not shown to another', async () => {
    const [one, two] = [await gateway.workspace(), await gateway.workspace()];
    await record(gateway, one.key, events(3, 'one'));
    await record(gateway, two.key, events(2, 'two'));
    await servers.caughtUp();
    for (const [{ key }, count, subject] of [[one, 3, 'one'] as const, [two, 2, 'two'] as const]) {
      let page: Page | undefined;
      const at = await during(async () => (page = await gateway.data<Page>(PAGE, {}, key)));
      expect(at).toEqual({ STANDBY: 1 });
      expect(page?.events.nodes.map(node => node.subject)).toEqual(Array(count).fill(subject));
    }
    const { errors } = await gateway.graphql(
      '{ events(workspace: "default") { nodes { id } } }',
      {},
      one.key,
    );
    expect(errors?.[0]?.extensions['code']).toBe('NOT_FOUND');
  });

  test('a read that is in the way of what it replays is answered by the primary', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(2));
    await servers.caughtUp();
    // Whoever drops a table waits for its readers, and the standby does so for a short time only.
    await servers.primary.query('create table if not exists dropped (n int)');
    await servers.caughtUp();
    await using at = await startReader();
    const slow = at.read({ lsn: 0, timeline: 1 }, SLOW);
    const ended = expect(slow).rejects.toMatchObject({ why: 'CANCELED' });
    await expect.poll(() => servers.standby.query(IS_READ)).toHaveLength(1);
    await servers.primary.query('drop table dropped');
    await ended;
    expect(at.fault).toBeNull();
  });

  test('one that follows another primary than that of now is not asked', async () => {
    await using at = await startReader();
    const read = (timeline: number) => at.read({ lsn: 0, timeline }, 'select 1 as n');
    expect(await read(1)).toEqual([{ n: 1 }]);
    await expect(read(2)).rejects.toMatchObject({ why: 'AWAY' });
    await expect(read(1)).rejects.toMatchObject({ why: 'AWAY' });
    // It is looked at again: of the primary that there is.
    await expect.poll(() => at.fault).toBeNull();
    expect(await read(1)).toEqual([{ n: 1 }]);
  });

  test('a standby that is killed under load costs no answer, and is used again when it is back', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(200));
    await servers.caughtUp();
    await expect.poll(() => during(() => gateway.data(PAGE, {}, key))).toHaveProperty('STANDBY');
    let isOver = false;
    let answers = 0;
    const faults: unknown[] = [];
    const readers = Array.from({ length: 16 }, async (_, n) => {
      while (!isOver) {
        const { data, errors } = await gateway.graphql<Page & Count>(
          n % 2 === 0 ? PAGE : COUNT,
          { first: 100 },
          key,
        );
        const count = data?.events?.totalCount ?? data?.eventAggregates?.nodes[0]?.count;
        if (errors !== undefined || count !== 200) faults.push(errors ?? count);
        answers++;
      }
    });
    const moreAnswers = async () => {
      const before = answers;
      await expect.poll(() => answers).toBeGreaterThan(before + 60);
    };
    await moreAnswers();
    await servers.standby.kill();
    await moreAnswers();
    isOver = true;
    await Promise.all(readers);
    expect(faults).toEqual([]);
    expect(await during(() => gateway.data(COUNT, {}, key))).toEqual({ AWAY: 1 });
    await servers.standby.start();
    await expect.poll(() => during(() => gateway.data(COUNT, {}, key))).toEqual({ STANDBY: 1 });
  });

  test('one that stands still keeps nobody waiting', async () => {
    const { key } = await gateway.workspace();
    await record(gateway, key, events(2));
    await servers.caughtUp();
    await expect.poll(() => during(() => gateway.data(PAGE, {}, key))).toHaveProperty('STANDBY');
    const goOn = await servers.standby.freeze();
    try {
      await record(gateway, key, events(1));
      const at = await during(async () => {
        const count = async () => (await gateway.data<Page>(PAGE, {}, key)).events.totalCount;
        expect(await Promise.all(Array.from({ length: 50 }, count))).toEqual(Array(50).fill(3));
      });
      expect(at).not.toHaveProperty('STANDBY');
    } finally {
      goOn();
    }
    await expect.poll(() => during(() => gateway.data(PAGE, {}, key))).toEqual({ STANDBY: 1 });
  });

  test('an export through a door that goes on by positions is whole', async () => {
    const { slug } = await gateway.workspace();
    const made = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation ($slug: String!) { createApiKey(input: {
        name: "export", workspace: $slug, scopes: [EVENTS_READ, EVENTS_WRITE] }) { secret } }`,
      { slug },
    );
    const { secret } = made.createApiKey;
    await record(gateway, secret, events(250));
    await servers.caughtUp();
    await pause();
    await record(other, secret, events(50));
    const headers = { authorization: `Bearer ${secret}` };
    const exports = `${gateway.url}/api/v3/events/events/export/`;
    const asked = await fetch(exports, { method: 'POST', headers });
    expect(asked.status).toBe(201);
    const { file_url } = (await asked.json()) as { file_url: string };
    const file = await (await fetch(file_url, { headers })).text();
    expect(file.trim().split('\n')).toHaveLength(300);
  });
});
