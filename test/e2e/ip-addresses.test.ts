/** IP addresses are compared by value, whatever their spelling. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { readMigrations } from '../../src/db/migrate.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
let key: string;
let slug: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  ({ key, slug } = await gateway.workspace());
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function record(id: string, clientIp: string): Promise<void> {
  await gateway.data(
    'mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status } } }',
    { e: { id, type: 'ip', clientIp } },
    key,
  );
}

async function found(...clientIps: string[]): Promise<string[]> {
  const { events } = await gateway.data<{ events: { nodes: { clientIp: string }[] } }>(
    'query ($f: EventFilter) { events(filter: $f) { nodes { clientIp } } }',
    { f: { clientIps } },
    key,
  );
  return events.nodes.map(({ clientIp }) => clientIp);
}

test.for([
  ['2001:0DB8::0001', '2001:db8::1', '2001:db8:0:0:0:0:0:1'],
  ['::FFFF:192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'],
  ['0:0:0:0:0:0:0:1', '::1', '0000::1'],
  ['fe80::0A%eth0', 'fe80::a%eth0', 'FE80:0::a%eth0'],
  ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
] as const)('%s is found as %s and as %s', async ([recorded, canonical, another]) => {
  await record(recorded, recorded);
  for (const spelling of [recorded, canonical, another]) {
    expect(await found(spelling), spelling).toEqual([canonical]);
  }
});

test('streams compare addresses by value', async () => {
  const client = createClient({ url: gateway.url, key });
  const filter = { clientIps: ['2001:DB8:0::2'] };
  const stream = client.subscribe({ filter, start: 'BEGINNING' });
  await record('live', '2001:db8::0002');
  for await (const { event } of stream) {
    if (event === null) continue;
    expect(event.clientIp).toBe('2001:db8::2');
    break;
  }
  await client.close();
});

test('the same event with the same spelling is a duplicate', async () => {
  await record('again', '2001:0db8::3');
  const { recordEvent } = await gateway.data<{ recordEvent: { receipt: { status: string } } }>(
    'mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status } } }',
    { e: { id: 'again', type: 'ip', clientIp: '2001:0db8::3' } },
    key,
  );
  expect(recordEvent.receipt.status).toBe('DUPLICATE');
});

test('authentik takes and finds them in any spelling', async () => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const url = `${gateway.url}/api/v3/events/events/`;
  const body = JSON.stringify({ action: 'login', app: 'a', client_ip: '2001:0DB8::00FF' });
  const made = await fetch(url, { method: 'POST', headers, body });
  expect(((await made.json()) as { client_ip: string }).client_ip).toBe('2001:db8::ff');
  for (const query of ['client_ip=2001:db8:0::FF', 'search=2001:0DB8::FF']) {
    const page = (await (await fetch(`${url}?${query}`, { headers })).json()) as {
      results: { client_ip: string }[];
    };
    expect(page.results.map(({ client_ip }) => client_ip)).toEqual(['2001:db8::ff']);
  }
});

test('the migration gives older addresses their canonical spelling', async () => {
  const stored = ['2001:0DB8::00AB', '::FFFF:192.0.2.171', 'FE80::1%eth0', 'no:address'];
  for (const [at, ip] of stored.entries()) {
    await record(`old-${at}`, '192.0.2.99');
    await gateway.db.upkeep.query(
      `update events set client_ip = $1 where event_id = $2
         and workspace_id = (select id from workspaces where slug = $3)`,
      [ip, `old-${at}`, slug],
    );
  }
  const { sql } = readMigrations().find(({ name }) => name === 'ip_addresses')!;
  await gateway.db.upkeep.query(sql, [], { script: true });
  const rows = await gateway.db.read.query<{ client_ip: string }>(
    `select client_ip from events where event_id like 'old-%' order by event_id`,
  );
  expect(rows.map(({ client_ip }) => client_ip)).toEqual([
    ...['2001:db8::ab', '::ffff:192.0.2.171', 'FE80::1%eth0', 'no:address'],
  ]);
});

test('filters accept a time in lower case', async () => {
  const { events } = await gateway.data<{ events: { totalCount: number } }>(
    `{ events(filter: { occurredAt: { from: "2020-01-01t00:00:00z", to: "2999-01-01t00:00:00.5z" } }) {
         totalCount } }`,
    {},
    key,
  );
  expect(events.totalCount).toBeGreaterThan(0);
});
