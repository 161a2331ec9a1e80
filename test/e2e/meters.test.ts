import { createClient, type Client } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

let gateway: TestGateway;
let client: Client;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: ADMIN_KEY },
  });
});
afterAll(async () => {
  await client.dispose();
  await gateway[Symbol.asyncDispose]();
});

const CREATE = `mutation($input: CreateMeterInput!) {
  createMeter(input: $input) { meter { id name status seriesMax } }
}`;
const ASK = `query($w: String, $input: EventAggregateInput!) {
  eventAggregates(workspace: $w, input: $input) {
    source
    nodes { count isOther group { key value } measures { text approximate relativeError } }
  }
}`;
const TIMEFRAME = { between: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' } };

interface Answer {
  readonly eventAggregates: {
    readonly source: string;
    readonly nodes: readonly {
      readonly count: number;
      readonly group: readonly { readonly value: string | null }[];
    }[];
  };
}

async function record(workspace: string, actors: readonly string[]): Promise<void> {
  const events = actors.map((actor, ms) => ({
    ...{ type: 'login', actor, occurredAt: '2026-03-04T05:06:07Z', payload: { ms } },
  }));
  await gateway.data(
    `mutation($w: String, $e: [EventInput!]!) {
      recordEvents(input: { workspace: $w, events: $e }) { recordedCount }
    }`,
    { w: workspace, e: events },
  );
}

async function sourceOf(workspace: string, input: object): Promise<string> {
  const { eventAggregates } = await gateway.data<Answer>(ASK, { w: workspace, input });
  return eventAggregates.source;
}

const byActor = { timeframe: TIMEFRAME, groupBy: [{ dimension: 'ACTOR' }] };

function watch(workspace: string, input: object) {
  return client.iterate<{ eventAggregates: { aggregates: { count: number }[] } }>({
    query: `subscription($w: String, $input: EventAggregateInput!) {
      eventAggregates(workspace: $w, input: $input) { snapshot aggregates { count } }
    }`,
    variables: { w: workspace, input },
  });
}

test('a meter is made, filled, listed, found by its name and id, and deleted, which is audited', async () => {
  const { slug, key } = await gateway.workspace();
  await record(slug, ['ann', 'bob', 'ann']);
  const input = {
    workspace: slug,
    name: 'by actor',
    filter: { types: ['login'] },
    groupBy: [{ dimension: 'ACTOR' }, { payloadPath: ['a', 'b'] }],
    measures: [{ function: 'SUM', payloadPath: ['ms'] }],
  };
  const { createMeter } = await gateway.data<{ createMeter: { meter: { id: string } } }>(CREATE, {
    input,
  });
  expect(createMeter.meter).toMatchObject({ name: 'by actor', seriesMax: 10_000 });
  const read = () =>
    gateway.data(
      `query($w: String, $id: ID!) {
        meter(workspace: $w, name: "by actor") { status filledPosition targetPosition seriesCount overflowed problem }
        meters(workspace: $w) { nodes { name filter groupBy { dimension payloadPath } measures { function payloadPath dimension } workspace { slug } } }
        node(id: $id) { ... on Meter { name } }
      }`,
      { w: slug, id: createMeter.meter.id },
      key,
    );
  await expect.poll(read, PATIENCE).toMatchObject({
    meter: {
      ...{ status: 'ACTIVE', filledPosition: 3, targetPosition: 3, seriesCount: 2 },
      ...{ overflowed: false, problem: null },
    },
    meters: {
      nodes: [
        {
          ...{ name: 'by actor', filter: { types: ['login'] }, workspace: { slug } },
          groupBy: [
            { dimension: 'ACTOR', payloadPath: null },
            { dimension: null, payloadPath: ['a', 'b'] },
          ],
          measures: [{ function: 'SUM', payloadPath: ['ms'], dimension: null }],
        },
      ],
    },
    node: { name: 'by actor' },
  });
  const asked = { ...byActor, filter: { types: ['login'] } };
  expect(await sourceOf(slug, asked)).toBe('METER');
  const { deleteMeter } = await gateway.data<{ deleteMeter: object }>(
    `mutation($w: String) { deleteMeter(input: { workspace: $w, meter: "by actor" }) { deletedName } }`,
    { w: slug },
  );
  expect(deleteMeter).toEqual({ deletedName: 'by actor' });
  expect(await sourceOf(slug, asked)).toBe('EVENTS');
  const { events } = await gateway.data<{ events: { nodes: { type: string }[] } }>(
    `{ events(workspace: "sluice", first: 2, filter: { typePrefix: "sluice.meter" }) { nodes { type subject payload } } }`,
  );
  expect(events.nodes).toMatchObject([
    { type: 'sluice.meter.deleted', subject: 'by actor', payload: { workspace: slug } },
    {
      type: 'sluice.meter.created',
      payload: { to: { filtered: true, groupBy: ['ACTOR', 'a.b'], measures: ['SUM'] } },
    },
  ]);
});

test('who may only read may not make or delete one', async () => {
  const { slug } = await gateway.workspace();
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation($w: String) { createApiKey(input: { name: "reader", workspace: $w, scopes: [EVENTS_READ] }) { secret } }`,
    { w: slug },
  );
  const input = { workspace: slug, name: 'm' };
  const refused = await gateway.graphql(CREATE, { input }, createApiKey.secret);
  expect(refused.errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
  const bad = { ...input, filter: { categories: ['a'] }, seriesMax: 5 };
  const wrong = await gateway.graphql(CREATE, { input: bad });
  expect(wrong.errors?.[0]).toMatchObject({
    message: expect.stringContaining('filter expects no categories'),
    extensions: { code: 'BAD_USER_INPUT' },
  });
});

test('what can’t be live says which meter would make it live, and with it is live', async () => {
  const { slug } = await gateway.workspace();
  await record(slug, ['ann', 'bob']);
  const measures = [{ function: 'SUM', payloadPath: ['ms'] }];
  const input = { ...byActor, filter: { sources: ['none'] }, measures };
  const errors: { extensions?: Record<string, unknown>; message: string }[] = [];
  await watch(slug, input)
    .next()
    .then(
      ({ value }) => errors.push(...(value?.errors ?? [])),
      (thrown: unknown) => errors.push(...(thrown as typeof errors)),
    );
  expect(errors[0]).toMatchObject({ extensions: { code: 'NOT_LIVE' } });
  const meter = errors[0]!.extensions!['meter'] as Record<string, unknown>;
  expect(meter).toEqual({
    name: 'sum-ms-by-actor',
    filter: { sources: ['none'] },
    groupBy: [{ dimension: 'ACTOR' }],
    measures: [{ function: 'SUM', payloadPath: ['ms'] }],
  });
  await gateway.data(CREATE, { input: { workspace: slug, ...meter } });
  await gateway.data(CREATE, {
    input: { workspace: slug, name: 'actors', groupBy: [{ dimension: 'ACTOR' }] },
  });
  await expect.poll(() => sourceOf(slug, input), PATIENCE).toBe('METER');
  await expect.poll(() => sourceOf(slug, byActor), PATIENCE).toBe('METER');
  const updates = watch(slug, byActor);
  const next = async () => (await updates.next()).value?.data?.eventAggregates;
  expect(await next()).toMatchObject({ snapshot: true, aggregates: [{ count: 1 }, { count: 1 }] });
  await record(slug, ['bob', 'bob']);
  expect(await next()).toMatchObject({ snapshot: false, aggregates: [{ count: 3 }] });
  await updates.return?.();
});

test('sketches answer who takes them, and say how far off they may be', async () => {
  const { slug } = await gateway.workspace();
  await record(slug, ['ann', 'bob', 'ann', 'cy']);
  const measures = [
    { function: 'UNIQUE', dimension: 'ACTOR' },
    { function: 'P50', payloadPath: ['ms'] },
    { function: 'MAX', payloadPath: ['ms'] },
  ];
  await gateway.data(CREATE, { input: { workspace: slug, name: 'sketches', measures } });
  const input = { timeframe: TIMEFRAME, measures };
  await expect.poll(() => sourceOf(slug, { ...input, approximate: true }), PATIENCE).toBe('METER');
  const rough = await gateway.data<Answer>(ASK, {
    w: slug,
    input: { ...input, approximate: true },
  });
  expect(rough.eventAggregates.nodes).toMatchObject([
    {
      count: 4,
      isOther: false,
      measures: [
        { text: '3', approximate: true, relativeError: 0.0081 },
        { approximate: true, relativeError: 0.01 },
        { text: '3', approximate: false, relativeError: null },
      ],
    },
  ]);
  const exact = await gateway.data<Answer>(ASK, { w: slug, input });
  expect(exact.eventAggregates).toMatchObject({
    source: 'EVENTS',
    nodes: [{ measures: [{ text: '3' }, { text: '1.5', approximate: false }, { text: '3' }] }],
  });
});
