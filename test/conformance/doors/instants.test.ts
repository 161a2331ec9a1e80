/** Instants that RFC 3339 allows and that programs rarely write, at each door. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, call, quarantined, type Answered } from './call.ts';

let gateway: TestGateway;
let slug: string;
let key: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug, key } = await gateway.workspace());
});
afterAll(() => gateway[Symbol.asyncDispose]());

const SMALL = '2026-01-02t03:04:05.678z';
const LEAP = '2016-12-31T23:59:60Z';
const AT = '2026-01-02T03:04:05.678Z';

function send(path: string, body: unknown, method = 'POST'): Promise<Answered> {
  const headers = { ...bearer(key), 'logspace.space-token': key };
  return call(gateway.url + path, { method, headers, body: JSON.stringify(body) });
}

async function instantOf(eventId: string): Promise<unknown> {
  const { workspace } = await gateway.data<{
    workspace: { events: { nodes: Record<string, unknown>[] } };
  }>(
    `query($slug: String!) { workspace(slug: $slug) { events(first: 100) {
      nodes { eventId occurredAt expiresAt } } } }`,
    { slug },
  );
  return workspace.events.nodes.find(event => event['eventId'] === eventId);
}

const speakeasy = (id: string, created_at: string) => [
  {
    ...{ id, created_at, local_started_at: created_at, execution_id: 'x', interaction_type: 'RUN' },
    ...{ speakeasy_api_key_name: '', speakeasy_version: '1', success: true, workspace_id: 'w' },
  },
];
const logspace = (id: string, timestamp: string) => [
  { id, type: 't', system: 's', 'agent-id': 'a', timestamp },
];
const interval = (from: string) => ({ interval: `${from}/2026-01-03t00:00:00z` });

describe('X-TIME-1 small letters are taken', () => {
  test('by Speakeasy, and given back as its clients take them', async () => {
    const path = `/v1/workspace/${slug}/events`;
    expect((await send(path, speakeasy('small', SMALL))).status).toBe(200);
    expect(await instantOf('small')).toMatchObject({ occurredAt: AT });
    const read = (await call(gateway.url + path, { headers: bearer(key) })).json();
    expect(read).toMatchObject([{ id: 'small', created_at: AT, local_started_at: AT }]);
    const after = await call(`${gateway.url}${path}/targets?after_last_event_created_at=${SMALL}`, {
      headers: bearer(key),
    });
    expect(after.status).toBe(200);
  });

  test('by Genesys, in intervals', async () => {
    const answer = await send('/api/v2/usage/events/query', interval(SMALL));
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ entities: [{ dateCreated: AT }] });
  });

  test('by Logspace, and shown as its readers know them', async () => {
    expect((await send('/events', logspace('ls', SMALL), 'PUT')).status).toBe(202);
    expect(await instantOf('ls')).toMatchObject({ occurredAt: AT });
    const read = await call(`${gateway.url}/event-stream?count=100`, {
      headers: { 'logspace.space-token': key },
    });
    expect(read.json()).toContainEqual(expect.objectContaining({ id: 'ls', timestamp: AT }));
  });

  test('by authentik', async () => {
    const body = { action: 'login', app: 'a', expires: '2036-01-02t03:04:05z' };
    const answer = await send('/api/v3/events/events/', body);
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ expires: '2036-01-02T03:04:05Z' });
  });
});

describe('X-TIME-2 leap seconds are refused', () => {
  test('by Speakeasy, Genesys and authentik with 400', async () => {
    const answers = await Promise.all([
      send(`/v1/workspace/${slug}/events`, speakeasy('leap', LEAP)),
      send('/api/v2/usage/events/query', interval(LEAP)),
      send('/api/v2/usage/events/aggregates/query', interval(LEAP)),
      send('/api/v3/events/events/', { action: 'login', app: 'a', expires: LEAP }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
  });

  test('by Logspace into quarantine', async () => {
    expect((await send('/events', logspace('leap', LEAP), 'PUT')).status).toBe(202);
    expect(await quarantined(gateway, slug)).toBe(1);
    expect(await instantOf('leap')).toBeUndefined();
  });
});
