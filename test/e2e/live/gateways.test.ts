import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/db/embedded.ts';
import { startProxy } from '../../faults/proxy.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { freePort } from '../../kit/free-port.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { hasNats, startNats, type NatsServer } from '../../kit/nats.ts';
import { CLIENTS, EVENTS, type Step, type StreamFault } from '../../unit/live/clients.ts';

const [[, overWebSocket], [, overSse]] = CLIENTS as [(typeof CLIENTS)[0], (typeof CLIENTS)[0]];

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { status } } }`;

async function record(on: TestGateway, key: string, count: number, given = {}): Promise<void> {
  const events = Array.from({ length: count }, () => ({ type: 'test.step', ...given }));
  await on.data(RECORD, { events }, key);
}

/** Reads until so many events have come. */
async function readEvents(stream: AsyncGenerator<Step>, count: number): Promise<Step[]> {
  const events: Step[] = [];
  while (events.length < count) {
    const { done, value } = await stream.next();
    if (done === true) throw new Error('the stream ended');
    if (value.kind === 'EVENT') events.push(value);
  }
  return events;
}

const idsOf = (steps: readonly Step[]) => steps.map(({ node }) => node!.eventId);

async function storedIds({ db }: TestGateway, slug: string): Promise<string[]> {
  const rows = await db.read.query<{ event_id: string }>(
    `select e.event_id from events e join workspaces w on w.id = e.workspace_id
     where w.slug = $1 order by e.position`,
    [slug],
  );
  return rows.map(row => row.event_id);
}

async function workspaceOn(gateway: TestGateway) {
  const made = await gateway.workspace();
  await record(gateway, made.key, 1);
  return made;
}

describe.each([
  { name: 'Postgres', isByNats: false },
  // A machine without NATS has none to try; `.ci/run` has one and requires it.
  ...(hasNats ? [{ name: 'NATS', isByNats: true }] : []),
])('three gateways on one database that hear of each other by $name', ({ isByNats }) => {
  let nats: NatsServer | undefined;
  let gateways: TestGateway[];
  beforeAll(async () => {
    nats = isByNats ? await startNats() : undefined;
    const config = { natsServers: nats === undefined ? [] : [nats.url] };
    const first = await startTestGateway({ config });
    const { databaseUrl } = first;
    gateways = [
      first,
      await startTestGateway({ databaseUrl, config }),
      await startTestGateway({ databaseUrl, config }),
    ];
  });
  afterAll(async () => {
    for (const gateway of gateways.reverse()) await gateway[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  const each = (key: string) =>
    gateways.flatMap(({ url }) =>
      [overWebSocket, overSse].map(read =>
        read({ url, key, query: EVENTS, variables: { start: 'BEGINNING' } }),
      ),
    );

  test('hand every reader of each the stored order, complete and once', async () => {
    const { slug, key } = await workspaceOn(gateways[0]!);
    const total = 1 + 3 * 197;
    const reading = each(key).map(stream => readEvents(stream, total));
    const writing = gateways.map(async gateway => {
      for (let flushes = 0; flushes < 50; flushes++) await record(gateway, key, 1 + (flushes % 7));
    });
    await Promise.all(writing);
    const stored = await storedIds(gateways[0]!, slug);
    expect(stored).toHaveLength(total);
    for (const read of await Promise.all(reading)) expect(idsOf(read)).toEqual(stored);
  });

  test('lose nothing and tell no reader when all their sessions are ended', async () => {
    const { slug, key } = await workspaceOn(gateways[0]!);
    const streams = each(key);
    const begun = await Promise.all(streams.map(stream => readEvents(stream, 1)));
    for (let rounds = 0; rounds < 3; rounds++) {
      await gateways[0]!.db.upkeep.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      for (const gateway of gateways) await recordSoon(gateway, key);
    }
    const stored = await storedIds(gateways[0]!, slug);
    const rest = await Promise.all(streams.map(stream => readEvents(stream, stored.length - 1)));
    rest.forEach((steps, index) => expect(idsOf([...begun[index]!, ...steps])).toEqual(stored));
  });

  test('hand out what is redacted emptied, wherever that was asked for', () =>
    redactOn(gateways, gateways[2]!));

  test.runIf(isByNats)('spare each other the reads, and Postgres the notifications', async () => {
    const [one, two] = gateways as [TestGateway, TestGateway, TestGateway];
    const { key } = await workspaceOn(one);
    const stream = overSse({ url: two.url, key, query: EVENTS });
    await stream.next();
    const readsBefore = await tailReadsOf(two);
    for (let n = 0; n < 50; n++) await record(one, key, 1);
    await readEvents(stream, 50);
    // What was recorded before the first gateway knew that the second one watches is read.
    expect((await tailReadsOf(two)) - readsBefore).toBeLessThan(25);
    const [{ listening }] = (await one.db.upkeep.query(
      `select count(*)::int as listening from pg_stat_activity
       where datname = current_database() and query ilike 'listen%'`,
    )) as [{ listening: number }];
    expect(listening).toBe(0);
  });

  test.runIf(isByNats)('lose nothing while NATS is away, stands still, and is back', async () => {
    const { slug, key } = await workspaceOn(gateways[0]!);
    const streams = each(key);
    const begun = await Promise.all(streams.map(stream => readEvents(stream, 1)));
    const recordAll = async () => {
      for (const gateway of gateways) await record(gateway, key, 7);
    };
    await nats!.kill();
    await recordAll();
    await nats!.restart();
    await recordAll();
    nats!.pause();
    await recordAll();
    nats!.resume();
    await recordAll();
    const stored = await storedIds(gateways[0]!, slug);
    const rest = await Promise.all(streams.map(stream => readEvents(stream, stored.length - 1)));
    rest.forEach((steps, index) => expect(idsOf([...begun[index]!, ...steps])).toEqual(stored));
  });

  test.runIf(isByNats)('hand out what is redacted emptied while NATS is away', async () => {
    await nats!.kill();
    await redactOn(gateways, gateways[1]!);
    await nats!.restart();
  });
});

test('gateways that hear no NOTIFY hand out what is redacted emptied', async () => {
  await using first = await startTestGateway();
  await using proxy = await startDeafProxy(first.databaseUrl);
  await using one = await startTestGateway({ databaseUrl: proxy.url });
  await using other = await startTestGateway({ databaseUrl: proxy.url });
  await redactOn([one, other], other);
});

async function tailReadsOf({ url }: TestGateway): Promise<number> {
  const metrics = await (
    await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
  ).text();
  return Number(/^sluice_tail_reads_total (\d+)$/m.exec(metrics)?.[1]);
}

async function startDeafProxy(databaseUrl: string) {
  const proxy = await startProxy(databaseUrl);
  proxy.weather = 'DEAF';
  return { url: proxy.url, [Symbol.asyncDispose]: () => proxy.stop() };
}

/** Redacts at one gateway what each has in memory, and looks until each hands it out emptied. */
async function redactOn(all: readonly TestGateway[], redacting: TestGateway): Promise<void> {
  const { slug, key } = await workspaceOn(all[0]!);
  const streams = all.map(({ url }) => overSse({ url, key, query: EVENTS }));
  // Each watches, and so keeps what is new.
  await Promise.all(streams.map(stream => stream.next()));
  await record(all[0]!, key, 3, { subject: 'somebody' });
  const read = await Promise.all(streams.map(stream => readEvents(stream, 3)));
  const redact = `mutation ($slug: String!) {
    redactEvents(input: { workspace: $slug, subject: "somebody" }) { redactedCount } }`;
  await redacting.data(redact, { slug });
  const query = `subscription ($after: String) { events(after: $after) {
    kind position cursor node { eventId type subject } } }`;
  const variables = { after: read[0]![0]!.cursor };
  for (const { url } of all) {
    // The hint, or the look that finds it out, may be on its way.
    await expect
      .poll(async () => {
        const stream = overSse({ url, key, query, variables });
        const steps = await readEvents(stream, 2);
        await stream.return(undefined);
        return steps.map(({ node }) => (node as unknown as { subject: unknown }).subject);
      })
      .toEqual([null, null]);
  }
}

/** Until it is acknowledged: sessions may be ended at any moment. */
async function recordSoon(gateway: TestGateway, key: string): Promise<void> {
  const id = crypto.randomUUID();
  for (;;) {
    const { errors } = await gateway.graphql(RECORD, { events: [{ type: 'test.step', id }] }, key);
    if (errors === undefined) return;
    expect(errors[0]!.extensions['code']).toBe('SERVICE_UNAVAILABLE');
  }
}

/** How long the database is away: 30 s are promised, the suite has less. */
const OUTAGE_S = Number(process.env['OUTAGE_SECONDS'] ?? 5);
/** With a look-up for each event, of what is in no cache. */
const WITH_LOOK_UPS = `subscription ($start: StreamStart) { events(start: $start) {
  kind position cursor node { eventId type definition { title version } } } }`;
const COUNTS = `subscription {
  events: eventAggregates(input: { timeframe: { last: "PT1H" } }) {
    cursor node: aggregates { count } } }`;

test(`a database that is away for ${OUTAGE_S} s pauses streams, and no reader hears of it`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-outage-'));
  await chmod(dataDir, 0o711);
  const port = await freePort();
  const start = () =>
    startEmbeddedPostgres({ dataDir, port, shelter: join(dataDir, 'shelter'), log: () => {} });
  let postgres = await start();
  const gateway = await startTestGateway({ databaseUrl: postgres.url });
  const { slug, key } = await gateway.workspace();
  await recordSoon(gateway, key);
  const asked = { url: gateway.url, key, query: EVENTS, variables: { start: 'BEGINNING' } };
  const streams = CLIENTS.flatMap(([, read]) => [
    read(asked),
    read({ ...asked, query: WITH_LOOK_UPS }),
  ]);
  const begun = await Promise.all(streams.map(stream => readEvents(stream, 1)));
  const waiting = streams.map(stream => readEvents(stream, 2));
  const counting = CLIENTS.map(([, read]) => read({ url: gateway.url, key, query: COUNTS }));
  for (const stream of counting) expect((await stream.next()).done).toBe(false);
  const counted = counting.map(stream => countUpTo(stream, 3));
  await postgres.stop();
  await new Promise(resolve => setTimeout(resolve, OUTAGE_S * 1_000));
  postgres = await start();
  await recordSoon(gateway, key);
  await recordSoon(gateway, key);
  const rest = await Promise.all(waiting);
  const stored = await storedIds(gateway, slug);
  rest.forEach((steps, index) => expect(idsOf([...begun[index]!, ...steps])).toEqual(stored));
  await Promise.all(counted);
  await gateway[Symbol.asyncDispose]();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Reads a live count until it is there; fails with the first error. */
async function countUpTo(stream: AsyncGenerator<Step>, total: number): Promise<void> {
  for await (const { node } of stream) {
    const buckets = node as unknown as { count: number }[];
    if (buckets.some(({ count }) => count >= total)) return;
  }
  throw new Error('the stream ended');
}

test('a key that expires ends its streams, with the cursor', async () => {
  await using gateway = await startTestGateway();
  const { slug } = await workspaceOn(gateway);
  const expiresAt = '2999-01-01T00:00:00Z';
  const made = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation ($slug: String!, $expiresAt: DateTime!) { createApiKey(input: {
       name: "brief", workspace: $slug, scopes: [EVENTS_READ], expiresAt: $expiresAt }) { secret } }`,
    { slug, expiresAt },
  );
  const key = made.createApiKey.secret;
  const asked = { url: gateway.url, key, query: EVENTS, variables: { start: 'BEGINNING' } };
  const endings = [overWebSocket, overSse].map(async read => {
    const stream = read(asked);
    const [event] = await readEvents(stream, 1);
    expect((await stream.next()).value).toMatchObject({ kind: 'CAUGHT_UP' });
    return async () => {
      const fault = await stream.next().catch((error: unknown) => error as StreamFault);
      expect(fault).toMatchObject({ extensions: { code: 'KEY_REVOKED', cursor: event!.cursor } });
    };
  });
  const expectations = await Promise.all(endings);
  // Its time can't be awaited: it passes once every stream is open.
  await gateway.db.write.query(`update api_keys set expires_at = now() where name = 'brief'`);
  await Promise.all(expectations.map(expected => expected()));
});

test('a gateway that is stopped ends its streams with GOING_AWAY and the cursor', async () => {
  await using gateway = await startTestGateway();
  const { key } = await workspaceOn(gateway);
  await using child = await startChildGateway(gateway.databaseUrl);
  const endings = CLIENTS.map(async ([, read]) => {
    const asked = { url: child.url, key, query: EVENTS, variables: { start: 'BEGINNING' } };
    const stream = read(asked);
    const steps = [await stream.next(), await stream.next()];
    return async () => {
      const fault = await stream.next().catch((error: unknown) => error as StreamFault);
      const cursor = (steps[1]!.value as Step).cursor;
      expect(fault).toMatchObject({ extensions: { code: 'GOING_AWAY', cursor } });
    };
  });
  const expectations = await Promise.all(endings);
  const ended = once(child.process, 'exit');
  child.process.kill('SIGTERM');
  await Promise.all(expectations.map(expected => expected()));
  expect((await ended)[0]).toBe(0);
});
