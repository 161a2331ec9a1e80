/** One business payload, sent through every door: one schema and one measure hold for all. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventInput } from '../../../src/core/event.ts';
import { ofGateways } from '../../kit/database.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { startRecordingDatabase } from '../../kit/recording.ts';
import { bearer, call } from './call.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const AT = '2026-01-02T03:04:05.000Z';
const MS = String(Date.parse(AT));
const ORDER = { total: 12.5, currency: 'EUR', isPaid: true };
const SCHEMA = {
  type: 'object',
  required: ['total', 'currency', 'isPaid'],
  properties: {
    total: { type: 'number', minimum: 1 },
    currency: { enum: ['EUR', 'USD'] },
    isPaid: { type: 'boolean' },
  },
};
/** One that Speakeasy's clients send as well: they have no others. */
const TYPE = 'RUN';

interface Way {
  readonly path: (slug: string) => string;
  readonly method?: string;
  readonly type?: string;
  readonly body: (slug: string) => unknown;
}

const WAYS: Readonly<Record<string, Way>> = {
  GRAPHQL: {
    path: () => '/graphql',
    body: workspace => ({
      query: 'mutation($i: RecordEventInput!) { recordEvent(input: $i) { receipt { status } } }',
      variables: { i: { workspace, event: { type: TYPE, payload: ORDER } } },
    }),
  },
  CLOUDEVENTS: {
    path: () => '/cloudevents',
    type: 'application/cloudevents+json',
    body: () => ({
      ...{ specversion: '1.0', id: '1', source: '/shop', type: TYPE, data: ORDER, trace: 't-1' },
      ...{ datacontenttype: 'application/json', dataschema: 'https://example.org/order' },
    }),
  },
  SPEAKEASY: {
    path: slug => `/v1/workspace/${slug}/events`,
    body: () => [
      {
        ...{ ...ORDER, id: 's1', execution_id: 'run', interaction_type: TYPE, created_at: AT },
        ...{ local_started_at: AT, speakeasy_api_key_name: 'ci', speakeasy_version: '1' },
        ...{ success: true, workspace_id: 'w' },
      },
    ],
  },
  LOGSPACE: {
    ...{ method: 'PUT', path: () => '/events' },
    body: () => [
      {
        ...{ id: 'l1', type: TYPE, system: 'host', 'agent-id': 'shop', timestamp: AT },
        'double-properties': { total: 12.5 },
        'string-properties': { currency: 'EUR' },
        'boolean-properties': { isPaid: true },
      },
    ],
  },
  LOGSH: {
    path: () => '/api/event',
    body: workspace => ({ workspace, event: TYPE, metadata: ORDER }),
  },
  OTLP: {
    path: () => '/v1/logs',
    body: () => {
      const attributes = [
        { key: 'total', value: { doubleValue: 12.5 } },
        { key: 'currency', value: { stringValue: 'EUR' } },
        { key: 'isPaid', value: { boolValue: true } },
      ];
      const record = { eventName: TYPE, timeUnixNano: `${MS}000000`, attributes };
      return { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] };
    },
  },
  SEGMENT: {
    path: () => '/v1/track',
    body: () => ({ userId: 'ada', event: TYPE, properties: ORDER }),
  },
  POSTHOG: {
    path: () => '/capture/',
    body: () => ({ distinct_id: 'ada', event: TYPE, properties: ORDER }),
  },
  LOGSNAG: {
    path: () => '/v1/log',
    body: project => ({ project, channel: 'shop', event: TYPE, tags: ORDER }),
  },
};

async function send(way: Way, { slug, key }: { slug: string; key: string }): Promise<number> {
  const { path, method = 'POST', type = 'application/json', body } = way;
  const answer = await call(gateway.url + path(slug), {
    ...{ method, body: JSON.stringify(body(slug)) },
    headers: { ...bearer(key), 'content-type': type, 'logspace.space-token': key },
  });
  return answer.status;
}

async function define(name: string, key: string): Promise<void> {
  await gateway.data(
    'mutation($input: DefineEventInput!) { defineEvent(input: $input) { definition { name } } }',
    {
      input: { name, payloadSchema: SCHEMA, validation: 'QUARANTINE', measures: ['total'] },
    },
    key,
  );
}

interface Found {
  readonly events: { readonly nodes: readonly { door: string }[] };
  readonly quarantinedEvents: { readonly nodes: readonly { door: string }[] };
  readonly eventAggregates: {
    readonly nodes: readonly { count: number; measures: readonly { text: string }[] }[];
  };
}

function look(key: string, payloadPath = ['total']): Promise<Found> {
  const input = {
    timeframe: { between: { from: '2026-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' } },
    measures: [{ function: 'SUM', payloadPath }],
  };
  return gateway.data<Found>(
    `query($input: EventAggregateInput!) {
      events(first: 50) { nodes { door } }
      quarantinedEvents(first: 50) { nodes { door } }
      eventAggregates(input: $input) { nodes { count measures { text } } }
    }`,
    { input },
    key,
  );
}

test('X-PAY-1 one payload fits one schema and has one sum, through GraphQL and every door that can send it', async () => {
  const workspace = await gateway.workspace();
  await define(TYPE, workspace.key);
  for (const [door, way] of Object.entries(WAYS)) {
    expect(`${door} ${await send(way, workspace)}`).toMatch(/ 20\d$/);
  }
  const { events, quarantinedEvents, eventAggregates } = await look(workspace.key);
  expect(quarantinedEvents.nodes).toEqual([]);
  expect(events.nodes.map(({ door }) => door).toSorted()).toEqual(Object.keys(WAYS).toSorted());
  const [sum] = eventAggregates.nodes;
  expect(eventAggregates.nodes).toHaveLength(1);
  expect({ count: sum?.count, sum: Number(sum?.measures[0]?.text) }).toEqual({
    count: Object.keys(WAYS).length,
    sum: 12.5 * Object.keys(WAYS).length,
  });
});

test('X-PAY-2 authentik has the payload in its context, and Retraced has texts alone', async () => {
  const { slug, key } = await gateway.workspace();
  const ways: readonly Way[] = [
    {
      path: () => '/api/v3/events/events/',
      body: () => ({ action: 'custom_order', app: 'shop', context: ORDER }),
    },
    {
      path: () => `/publisher/v1/project/${slug}/event`,
      body: () => {
        const fields = { total: '12.5', currency: 'EUR', isPaid: 'true' };
        return { action: 'custom_text', crud: 'c', actor: { id: 'ada' }, fields };
      },
    },
  ];
  for (const way of ways) expect(await send(way, { slug, key })).toBeLessThan(300);
  const { events } = await gateway.data<{
    events: { nodes: { type: string; payload: Record<string, unknown> }[] };
  }>(
    '{ events(first: 9, order: { field: POSITION, direction: ASC }) { nodes { type payload } } }',
    {},
    key,
  );
  expect(events.nodes).toEqual([
    { type: 'custom_order', payload: { context: ORDER } },
    { type: 'custom_text', payload: { total: '12.5', currency: 'EUR', isPaid: 'true' } },
  ]);
  const { eventAggregates } = await look(key, ['context', 'total']);
  expect(Number(eventAggregates.nodes[0]?.measures[0]?.text)).toBe(12.5);
});

/** As release 0.2.0 decoded them, with the hashes that it stored. */
const FORMER: readonly { sent: object; input: EventInput; hash: string }[] = [
  {
    sent: {
      ...{ specversion: '1.0', id: '1', source: '/shop', type: 'order.paid' },
      ...{ time: '2026-01-02T03:04:05.123456Z', datacontenttype: 'application/json' },
      ...{ dataschema: 'https://a.example/b', trace: 't-1' },
      data: { total: 12.5, lines: [{ sku: 'a' }] },
    },
    input: {
      ...{ type: 'order.paid', source: '/shop', subject: null, id: '/shop 1' },
      occurredAt: new Date('2026-01-02T03:04:05.123Z'),
      wire: { sent: { time: '2026-01-02T03:04:05.123456Z' } },
      payload: {
        data: { total: 12.5, lines: [{ sku: 'a' }] },
        datacontenttype: 'application/json',
        ...{ dataschema: 'https://a.example/b', extensions: { trace: 't-1' } },
      },
    },
    hash: '012684d2-b31d-208c-85f0-c80a21d866af',
  },
  {
    sent: {
      ...{ specversion: '1.0', id: '2', source: '/shop', type: 'order.note' },
      ...{ datacontenttype: 'text/plain', data: 'hello' },
    },
    input: {
      ...{ type: 'order.note', source: '/shop', subject: null, id: '/shop 2', occurredAt: null },
      wire: { absent: ['time'] },
      payload: { data: 'hello', datacontenttype: 'text/plain' },
    },
    hash: '01a8daa9-4296-4429-27c7-5c2b180e7615',
  },
];

test('CE-U-1 MUST give what a former release recorded back as it came, know its retries, and take it out of quarantine', async () => {
  await using former = await startRecordingDatabase();
  const workspace = await former.workspace({ unknownTypes: 'DISCOVER' });
  const record = (workspaceOf: typeof workspace, events: readonly EventInput[]) =>
    former.record({ workspace: workspaceOf, door: 'CLOUDEVENTS', events, atomic: false });
  await record(
    workspace,
    FORMER.map(({ input }) => input),
  );
  const kept = { ...FORMER[0]!.input, id: '/shop 3', type: 'late.paid' };
  await record({ ...workspace, unknownTypes: 'QUARANTINE' }, [kept]);
  const rows = () =>
    former.db.read.query(
      `select e.event_id, e.payload::text, e.wire::text, k.hash::text from events e
       join event_keys k using (workspace_id, position) where e.workspace_id = $1 order by position`,
      [workspace.id],
    );
  const before = await rows();
  expect(before).toMatchObject(FORMER.map(({ hash }) => ({ hash })));

  await using upgraded = await startTestGateway({ databaseUrl: ofGateways(former.database.url) });
  const { createApiKey } = await upgraded.data<{ createApiKey: { secret: string } }>(
    `mutation($slug: String!) { createApiKey(input: { name: "k", workspace: $slug,
      scopes: [EVENTS_READ, EVENTS_WRITE, DEFINITIONS_WRITE] }) { secret } }`,
    { slug: workspace.slug },
  );
  const headers = bearer(createApiKey.secret);
  const url = `${upgraded.url}/cloudevents`;
  const read = async () => (await call(url, { headers })).json() as { id: string }[];
  expect(await read()).toEqual(FORMER.map(({ sent }) => sent));

  const late = { ...FORMER[0]!.sent, id: '3', type: 'late.paid' };
  const { quarantinedEvents } = await upgraded.data<{
    quarantinedEvents: { nodes: { id: string }[] };
  }>('{ quarantinedEvents { nodes { id } } }', {}, createApiKey.secret);
  await upgraded.data(
    `mutation($schema: JSONObject!) { defineEvent(input: { name: "late.paid",
      payloadSchema: $schema, validation: QUARANTINE }) { definition { name } } }`,
    { schema: { type: 'object', required: ['total'] } },
    createApiKey.secret,
  );
  const { resubmitQuarantinedEvents } = await upgraded.data<{
    resubmitQuarantinedEvents: { receipts: { status: string }[] };
  }>(
    `mutation($ids: [ID!]!) {
      resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { status } } }`,
    { ids: quarantinedEvents.nodes.map(({ id }) => id) },
    createApiKey.secret,
  );
  expect(resubmitQuarantinedEvents.receipts).toEqual([{ status: 'RECORDED' }]);

  const sent = [...FORMER.map(each => each.sent), late];
  const again = await call(url, {
    ...{ method: 'POST', body: JSON.stringify(sent) },
    headers: { ...headers, 'content-type': 'application/cloudevents-batch+json' },
  });
  expect(again.status).toBe(204);
  expect(await read()).toEqual(sent);
  const left = await upgraded.data(
    '{ quarantinedEvents { nodes { id } } }',
    {},
    createApiKey.secret,
  );
  expect(left).toEqual({ quarantinedEvents: { nodes: [] } });
  // What is stored is not rewritten: evidence commits to it.
  expect((await rows()).slice(0, FORMER.length)).toEqual(before);
});
