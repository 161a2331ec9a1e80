/** What one door wrote is read through any other, through GraphQL and, live, by a subscription. */
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, call } from './call.ts';

interface Seen {
  readonly door: string;
  readonly type: string;
  readonly source: string | null;
  readonly subject: string | null;
  readonly payload: Record<string, unknown>;
}

const FIELDS = 'door type source subject payload';
let gateway: TestGateway;
let slug: string;
let key: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug, key } = await gateway.workspace());
});
afterAll(() => gateway[Symbol.asyncDispose]());

const AT = '2026-01-02T03:04:05.000Z';

interface Write {
  readonly path: () => string;
  /** @default POST */
  readonly method?: string;
  /** @default application/json */
  readonly type?: string;
  readonly body: unknown;
  readonly seen: Seen;
}

const WRITES: readonly Write[] = [
  {
    path: () => `/v1/workspace/${slug}/events`,
    body: [
      {
        ...{ id: 's1', execution_id: 'run', interaction_type: 'PUBLISH', created_at: AT },
        ...{ local_started_at: AT, speakeasy_api_key_name: 'ci', speakeasy_version: '1' },
        ...{ success: true, workspace_id: 'w', hostname: 'box', generate_gen_lock_id: 'lock' },
      },
    ],
    seen: {
      ...{ door: 'SPEAKEASY', type: 'PUBLISH', source: 'box', subject: 'lock' },
      payload: { local_started_at: AT, speakeasy_version: '1', workspace_id: 'w' },
    },
  },
  {
    path: () => '/api/event',
    body: { workspace: '', event: 'signup', metadata: { plan: 'pro' } },
    seen: { door: 'LOGSH', type: 'signup', source: null, subject: null, payload: { plan: 'pro' } },
  },
  {
    path: () => '/cloudevents',
    type: 'application/cloudevents+json',
    body: { specversion: '1.0', id: 'c1', source: '/s', type: 'ce', subject: 'x', data: [1] },
    seen: {
      ...{ door: 'CLOUDEVENTS', type: 'ce', source: '/s', subject: 'x' },
      payload: { data: [1] },
    },
  },
  {
    ...{ method: 'PUT', path: () => '/events' },
    body: [
      {
        ...{ id: 'l1', type: 'os/cpu', system: 'host', 'agent-id': 'cpu-agent', timestamp: AT },
        'integer-properties': { cores: [4] },
      },
    ],
    seen: {
      ...{ door: 'LOGSPACE', type: 'os/cpu', source: 'host', subject: 'cpu-agent' },
      payload: { cores: [4] },
    },
  },
  {
    path: () => '/api/v3/events/events/',
    body: { action: 'login', app: 'authentik.core', user: { username: 'ada' } },
    seen: {
      ...{ door: 'AUTHENTIK', type: 'login', source: 'authentik.core', subject: null },
      payload: { user: { username: 'ada' } },
    },
  },
  {
    path: () => '/v1/logs',
    body: {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeLogs: [
            {
              logRecords: [
                {
                  ...{ eventName: 'order.placed', timeUnixNano: '1767323045000000000' },
                  attributes: [{ key: 'total', value: { intValue: '3' } }],
                },
              ],
            },
          ],
        },
      ],
    },
    seen: {
      ...{ door: 'OTLP', type: 'order.placed', source: 'shop', subject: null },
      payload: { total: 3, resource: { 'service.name': 'shop' } },
    },
  },
  {
    path: () => '/v1/track',
    body: { userId: 'ada', event: 'Order Placed', properties: { total: 5 } },
    seen: {
      ...{ door: 'SEGMENT', type: 'Order Placed', source: null, subject: null },
      payload: { total: 5 },
    },
  },
  {
    path: () => '/capture/',
    body: { distinct_id: 'ada', event: 'seen', properties: { page: 7 } },
    seen: {
      ...{ door: 'POSTHOG', type: 'seen', source: null, subject: null },
      payload: { page: 7 },
    },
  },
  {
    path: () => '/v1/log',
    body: { project: '', channel: 'waitlist', event: 'User Joined', tags: { plan: 'pro' } },
    seen: {
      ...{ door: 'LOGSNAG', type: 'User Joined', source: 'waitlist', subject: null },
      payload: { plan: 'pro' },
    },
  },
  {
    path: () => `/publisher/v1/project/${slug}/event`,
    body: {
      ...{ action: 'user.login', crud: 'r', component: 'web', fields: { sso: 'yes' } },
      ...{ actor: { id: 'ada' }, target: { id: 'account-1' } },
    },
    seen: {
      ...{ door: 'RETRACED', type: 'user.login', source: 'web', subject: 'account-1' },
      payload: { sso: 'yes' },
    },
  },
];

async function write(): Promise<void> {
  for (const { path, method = 'POST', type = 'application/json', body } of WRITES) {
    const named: Record<string, object> = {
      '/api/event': { workspace: slug },
      '/v1/log': { project: slug },
    };
    const sent = Array.isArray(body) ? body : { ...(body as object), ...named[path()] };
    const answer = await call(gateway.url + path(), {
      ...{ method, body: JSON.stringify(sent) },
      headers: { ...bearer(key), 'content-type': type, 'logspace.space-token': key },
    });
    expect(`${path()} ${answer.status}`).toMatch(/ 20\d$/);
  }
}

test('X-MAP-1 what each door wrote is read through GraphQL and, live, through a subscription', async () => {
  const { workspace } = await gateway.data<{ workspace: { events: { liveCursor: string } } }>(
    `query($slug: String!) { workspace(slug: $slug) { events(first: 1) { liveCursor } } }`,
    { slug },
  );
  const client = createClient({ url: `${gateway.url}/graphql`, headers: bearer(key) });
  const stream = client.iterate<{ events: { node: Seen | null } }>({
    query: `subscription($slug: String!, $after: String!) {
      events(workspace: $slug, after: $after) { node { ${FIELDS} } }
    }`,
    variables: { slug, after: workspace.events.liveCursor },
  });
  await write();
  const live: Seen[] = [];
  for await (const { data, errors } of stream) {
    expect(errors).toBeUndefined();
    if (data?.events.node != null) live.push(data.events.node);
    if (live.length === WRITES.length) break;
  }
  client.dispose();
  const expected = WRITES.map(({ seen }) => seen);
  expect(live).toEqual(expected);

  const { workspace: read } = await gateway.data<{ workspace: { events: { nodes: Seen[] } } }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 10, order: { field: POSITION, direction: ASC }) { nodes { ${FIELDS} } }
    } }`,
    { slug },
  );
  expect(read.events.nodes).toEqual(expected);

  const types = expected.map(({ type }) => type);
  const fed = await call(`${gateway.url}/cloudevents`, { headers: bearer(key) });
  expect((fed.json() as Seen[]).map(({ type }) => type)).toEqual(types);

  const genesys = await call(`${gateway.url}/api/v2/usage/events/query`, {
    ...{ method: 'POST', headers: bearer(key) },
    body: JSON.stringify({ interval: '2026-01-01T00:00:00Z/2100-01-01T00:00:00Z' }),
  });
  const { entities } = genesys.json() as { entities: Record<string, unknown>[] };
  const byType = (type: string) =>
    entities.find(({ eventDefinition }) => (eventDefinition as { id: string }).id === type);
  expect(entities).toHaveLength(expected.length);
  for (const { type, source, subject } of expected) {
    expect(byType(type), type).toMatchObject({
      ...(source === null ? {} : { entityName: source }),
      ...(subject === null ? {} : { entityId: subject }),
      dateCreated: expect.stringMatching(/Z$/) as string,
    });
  }

  const listed = await call(`${gateway.url}/api/v3/events/events/`, { headers: bearer(key) });
  const { results } = listed.json() as { results: { action: string; app: string }[] };
  expect(results.map(({ action, app }) => [action, app]).toSorted()).toEqual(
    expected.map(({ type, source, door }) => [type, source ?? door.toLowerCase()]).toSorted(),
  );

  const retrieved = await call(`${gateway.url}/events?count=100`, {
    headers: { 'logspace.space-token': key },
  });
  const { events } = retrieved.json() as { events: { type: string; system: string }[] };
  expect(events.map(({ type, system }) => [type, system]).toSorted()).toEqual(
    expected.map(({ type, source }) => [type, source ?? '']).toSorted(),
  );

  const searched = await call(`${gateway.url}/v1/workspace/${slug}/events`, {
    headers: bearer(key),
  });
  // Those of other doors are of types that its client does not know.
  expect(searched.json()).toMatchObject([{ interaction_type: 'PUBLISH', hostname: 'box' }]);
});

test('X-FEED-1 GET /cloudevents feeds another consumer by cursor: posted elsewhere, each event is there once', async () => {
  const other = await gateway.workspace();
  const copied: string[] = [];
  let path = '/cloudevents?limit=2';
  for (;;) {
    const page = await call(gateway.url + path, { headers: bearer(key) });
    const batch = page.json() as { type: string }[];
    const posted = await call(`${gateway.url}/cloudevents`, {
      ...{ method: 'POST', body: page.text },
      headers: {
        ...bearer(other.key),
        'content-type': page.headers.get('content-type') as string,
      },
    });
    expect(posted.status).toBe(204);
    copied.push(...batch.map(({ type }) => type));
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    if (next === undefined) break;
    path = next;
  }
  expect(copied).toEqual(WRITES.map(({ seen }) => seen.type));
  const again = await call(`${gateway.url}/cloudevents`, { headers: bearer(other.key) });
  const original = await call(`${gateway.url}/cloudevents`, { headers: bearer(key) });
  expect(again.json()).toEqual(original.json());
});

test('X-ID-1 ids are one name space over the doors of a workspace: the second is acknowledged and kept aside', async () => {
  const { slug: own, key: ownKey } = await gateway.workspace();
  const headers = { ...bearer(ownKey), 'logspace.space-token': ownKey };
  const first = { id: 'same', type: 't', system: 's', 'agent-id': 'a', timestamp: AT };
  const put = { method: 'PUT', headers, body: JSON.stringify([first]) };
  expect((await call(`${gateway.url}/events`, put)).status).toBe(202);
  const second = {
    ...{ id: 'same', execution_id: 'run', interaction_type: 'TEST', created_at: AT },
    ...{ local_started_at: AT, speakeasy_api_key_name: 'ci', speakeasy_version: '1' },
    ...{ success: true, workspace_id: 'w' },
  };
  const post = { method: 'POST', headers, body: JSON.stringify([second]) };
  expect((await call(`${gateway.url}/v1/workspace/${own}/events`, post)).status).toBe(200);
  const { workspace } = await gateway.data<{ workspace: unknown }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 5) { nodes { type } }
      quarantinedEvents(first: 5) { nodes { door problems { code } } }
    } }`,
    { slug: own },
  );
  expect(workspace).toEqual({
    events: { nodes: [{ type: 't' }] },
    quarantinedEvents: { nodes: [{ door: 'SPEAKEASY', problems: [{ code: 'ID_CONFLICT' }] }] },
  });
});

test('X-KEY-1 a credential that a client has already is kept, and opens every door in its vendor’s place', async () => {
  const { slug: own } = await gateway.workspace();
  const secret = `logsh_${own}_0123456789`;
  await gateway.data(
    `mutation($slug: String!, $secret: String!) { createApiKey(input: {
      name: "kept", workspace: $slug, secret: $secret, scopes: [EVENTS_READ, EVENTS_WRITE]
    }) { apiKey { id } } }`,
    { slug: own, secret },
  );
  const asked: readonly (readonly [path: string, headers: Record<string, string>])[] = [
    [`/v1/workspace/${own}/events`, { 'x-api-key': secret }],
    [`/v1/workspace/${own}/events`, bearer(secret)],
    ['/events', { 'logspace.space-token': secret }],
    ['/api/v2/usage/events/definitions', bearer(secret)],
    ['/api/v3/events/events/', bearer(secret)],
    ['/cloudevents', bearer(secret)],
  ];
  for (const [path, headers] of asked) {
    expect((await call(gateway.url + path, { headers })).status, path).toBe(200);
  }
  const body = JSON.stringify({ workspace: own, event: 'e' });
  const post = { method: 'POST', headers: bearer(secret), body };
  expect((await call(`${gateway.url}/api/event`, post)).status).toBe(200);
  expect((await call(`${gateway.url}/v1/logs`, { ...post, body: '{}' })).status).toBe(200);
  const basic = { authorization: `Basic ${btoa(`${secret}:`)}` };
  const audit = { action: 'a', crud: 'c', is_anonymous: true };
  const sent: readonly (readonly [path: string, body: object, headers?: Record<string, string>])[] =
    [
      ['/v1/track', { userId: 'u', event: 'e' }, basic],
      ['/v1/identify', { userId: 'u', writeKey: secret }],
      ['/capture/', { event: 'e', distinct_id: 'u', api_key: secret }],
      ['/v1/log', { project: own, channel: 'c', event: 'e' }, bearer(secret)],
      [`/publisher/v1/project/${own}/event`, audit, { authorization: `token=${secret}` }],
    ];
  for (const [path, each, headers] of sent) {
    const type = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(each) };
    expect((await call(gateway.url + path, init)).status, path).toBeLessThan(202);
  }
});
