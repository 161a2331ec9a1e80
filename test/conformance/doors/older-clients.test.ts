/**
 * Clients that people still run beside today's. Of Genesys' the release before 229.1.0, which is not
 * in the registry. Speakeasy's 3.0.0 is not either: it was built from its tag, and what it sends was
 * kept.
 */
import { readFileSync } from 'node:fs';
import type current from 'purecloud-platform-client-v2';
import older from 'purecloud-platform-client-v2-227';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

const DAY = '2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z';

// Its types are declared for the package's own name.
const platformClient = older as unknown as typeof current;

let gateway: TestGateway;
let slug: string;
const client = platformClient.ApiClient.instance;
const api = new platformClient.OperationalEventsApi();

beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug } = await gateway.workspace());
  const events = Array.from({ length: 30 }, (_, n) => ({
    ...{ type: n === 0 ? 'TELEPHONY-0010' : 'os/cpu', source: 'Vienna edge', subject: `edge-${n}` },
    occurredAt: new Date(Date.UTC(2026, 2, 1, 12, 0, n)).toISOString(),
    payload: { previousValue: 'IN_SERVICE', currentValue: 'OFFLINE' },
  }));
  await gateway.data(
    `mutation($slug: String!, $events: [EventInput!]!) {
      recordEvents(input: { workspace: $slug, events: $events }) { recordedCount }
    }`,
    { slug, events },
  );
  client.setGateway({
    ...{ host: '127.0.0.1', protocol: 'http' },
    port: Number(new URL(gateway.url).port),
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

test('GEN-OLD-1 the client of 227.0.0 logs in, and reads definitions, events and counts', async () => {
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { prefix: string } };
  }>(
    `mutation($slug: String!) { createApiKey(input: {
      name: "genesys", workspace: $slug, scopes: [EVENTS_READ]
    }) { secret apiKey { prefix } } }`,
    { slug },
  );
  const { secret, apiKey } = createApiKey;
  const { accessToken } = await client.loginClientCredentialsGrant(apiKey.prefix, secret);
  expect(accessToken).not.toContain(secret);

  const { entities } = await api.getUsageEventsDefinitions();
  expect(entities?.map(({ id }) => id)).toEqual(['TELEPHONY-0010', 'os/cpu']);
  expect(await api.getUsageEventsDefinition('os/cpu')).toMatchObject({ name: 'os/cpu' });

  const body = { interval: DAY, searchTerm: 'vienna' };
  const first = await api.postUsageEventsQuery({ body, pageSize: '20' });
  expect(first.entities).toHaveLength(20);
  expect(first.entities?.[0]).toMatchObject({
    ...{ entityId: 'edge-29', entityName: 'Vienna edge', currentValue: 'OFFLINE' },
  });
  const after = new URL(first.nextUri ?? '', gateway.url).searchParams.get('after') ?? '';
  const second = await api.postUsageEventsQuery({ body, pageSize: '20', after });
  expect(second.entities).toHaveLength(10);

  const counted = await api.postUsageEventsAggregatesQuery({ body: { interval: DAY } });
  const counts = counted.eventDefinitionAggregates?.map(({ eventCount }) => eventCount);
  expect(counts).toEqual([1, 29]);
});

test('GEN-OLD-2 the client of 227.0.0 is told what is wrong', async () => {
  const refused = (call: Promise<unknown>) => call.catch((error: unknown) => error);
  const body = { interval: 'yesterday' };
  expect(await refused(api.postUsageEventsQuery({ body }))).toMatchObject({ code: 'invalid.date' });
  client.setAccessToken('wrong');
  expect(await refused(api.getUsageEventsDefinitions())).toMatchObject({ status: 401 });
});

test('SPK-OLD-1 the bytes of SDK 3.0.0 are answered 200, and all fields are kept', async () => {
  const { slug: own, key } = await gateway.workspace();
  const raw = readFileSync('test/fixtures/doors/speakeasy/sdk-3.0.0.http', 'utf8');
  const [head = '', body = ''] = raw.split(/\r?\n\r?\n/);
  const lines = head.split(/\r?\n/);
  const path = lines[0]!.split(' ')[1]!.replace('WORKSPACE', own);
  const sent = lines.slice(1).map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
  const kept = sent.filter(([name]) => !/^(host|connection|content-length|accept-enc)/i.test(name));
  const headers = { ...Object.fromEntries(kept), 'x-api-key': key };
  const posted = await fetch(gateway.url + path, { method: 'POST', headers, body });
  expect([posted.status, await posted.text()]).toEqual([200, '']);
  const read = await fetch(gateway.url + path, { headers: { 'x-api-key': key } });
  expect(await read.json()).toEqual(JSON.parse(body));
});
