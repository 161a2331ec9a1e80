/** The short form of `npm run overload`, and what each path says where there is no room. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { overload } from './overloading.ts';

let database: TestDatabase;
let gateway: ChildGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startChildGateway(database.url);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('at ten times what it takes a gateway refuses the rest, lives and stays small', async () => {
  const times = { seconds: 2, times: 10, connections: 300 };
  const seen = await overload({ gateway, batch: 200, ...times });
  expect(seen.acceptedMs.length).toBeGreaterThan(0);
  expect(seen.refusedMs.length).toBeGreaterThan(0);
  expect(seen.withoutRetryAfter).toBe(0);
  expect([...seen.others]).toEqual([]);
  expect(seen.unhealthy).toBe(0);
  expect(seen.deliveries).toBeGreaterThan(0);
  expect(seen.rssMb).toBeLessThan(700);
  expect(Math.max(...seen.acceptedMs)).toBeLessThan(20_000);
});

const DOORS: readonly (readonly [string, string, string, number, object])[] = [
  [
    'GraphQL',
    '/graphql',
    '{"query":"{ __typename }"}',
    503,
    { errors: [{ extensions: { code: 'OVERLOADED' } }] },
  ],
  ['Speakeasy', '/v1/workspace/default/events', '[]', 503, { status_code: 503 }],
  ['Logsh', '/api/event', '{}', 503, { status: false }],
  ['CloudEvents', '/cloudevents', '{}', 503, { code: 'OVERLOADED' }],
  ['Logspace', '/events', '[]', 500, { type: expect.stringMatching(/^EVENT_/) as string }],
  ['Genesys', '/api/v2/usage/events/query', '{}', 503, { code: 'service.unavailable' }],
  ['authentik', '/api/v3/events/events/', '{}', 503, { detail: expect.any(String) as string }],
];

async function post({ url }: Pick<TestGateway, 'url'>, path: string, body: string) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...{ authorization: `Bearer ${ADMIN_KEY}`, 'logspace.space-token': ADMIN_KEY },
    },
    body,
  });
  return { response, body: (await response.json()) as unknown };
}

test('what finds no room is told so in the shape of its path, and when to come again', async () => {
  await using small = await startTestGateway({ config: { workRequestsMax: 1 } });
  const { port } = new URL(small.url);
  // A request whose body does not come holds the one place there is.
  const holder = connect(Number(port), '127.0.0.1');
  holder.write(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
      `authorization: Bearer ${ADMIN_KEY}\r\ncontent-length: 9\r\n\r\n`,
  );
  const metrics = async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    return (await fetch(`${small.url}/metrics`, { headers })).text();
  };
  await expect.poll(metrics, { timeout: 30_000 }).toContain('sluice_requests_in_work 1');
  const refusals = await Promise.all(DOORS.map(([, path, body]) => post(small, path, body)));
  for (const [n, { response, body }] of refusals.entries()) {
    const [door, , , status, shape] = DOORS[n]!;
    expect([door, response.status]).toEqual([door, status]);
    expect(body).toMatchObject(shape);
    expect(response.headers.get('retry-after')).toBe('1');
  }
  for (const path of ['/health/live', '/health/ready']) {
    expect((await fetch(`${small.url}${path}`)).status).toBe(200);
  }
  expect(await metrics()).toContain(`refused_total{code="OVERLOADED"} ${DOORS.length}`);
  holder.destroy();
  const { response } = await post(small, '/graphql', '{"query":"{ __typename }"}');
  expect(response.status).toBe(200);
});
