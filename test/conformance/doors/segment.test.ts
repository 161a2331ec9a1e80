/** Segment: its published library, unchanged but for its host, and raw calls where it sends none. */
import { Analytics } from '@segment/analytics-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { call, quarantined } from './call.ts';
import { startLosingProxy, type LosingProxy } from './losing-proxy.ts';

let gateway: TestGateway;
let proxy: LosingProxy;
beforeAll(async () => {
  gateway = await startTestGateway();
  proxy = await startLosingProxy(gateway.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const basic = (key: string) => ({
  authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
  'content-type': 'application/json',
});

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  return call(gateway.url + path, { method: 'POST', headers, body: sent });
}

interface Seen {
  readonly eventId: string;
  readonly type: string;
  readonly actor: string | null;
  readonly occurredAt: string;
  readonly payload: Record<string, unknown>;
}

async function recorded(slug: string): Promise<Seen[]> {
  const { workspace } = await gateway.data<{ workspace: { events: { nodes: Seen[] } } }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 500, order: { field: POSITION, direction: ASC }) { nodes {
        eventId door type actor subject source clientIp occurredAt payload
      } } } }`,
    { slug },
  );
  return workspace.events.nodes;
}

async function problems(slug: string) {
  const { workspace } = await gateway.data<{
    workspace: {
      quarantinedEvents: { nodes: { problems: { code: string; pointer: string }[] }[] };
    };
  }>(
    `query($slug: String!) { workspace(slug: $slug) {
      quarantinedEvents(first: 50) { nodes { problems { code pointer } } } } }`,
    { slug },
  );
  return workspace.quarantinedEvents.nodes.map(({ problems: [first] }) => first?.pointer).sort();
}

function library(key: string, host = gateway.url) {
  const analytics = new Analytics({ writeKey: key, host, flushInterval: 20, flushAt: 15 });
  onTestFinished(() => analytics.closeAndFlush({ timeout: 5_000 }));
  return analytics;
}

const AT = '2026-01-02T03:04:05.678Z';
/** The clock of the sender and that of the gateway are the same here, but for the way. */
const near = (at: string) => ({
  asymmetricMatch: (seen: string) => Math.abs(Date.parse(seen) - Date.parse(at)) < 20_000,
});

describe('SEG-W the published library', () => {
  test('SEG-W-1 MUST have every call taken, with its properties as payload', async () => {
    const { slug, key } = await gateway.workspace();
    const analytics = library(key);
    const user = { userId: 'u-1', anonymousId: 'a-1', timestamp: AT };
    const failed: unknown[] = [];
    analytics.on('error', error => failed.push(error));
    analytics.track({ ...user, event: 'Order Placed', properties: { total: 19.9, items: ['a'] } });
    analytics.identify({ ...user, traits: { plan: 'pro' } });
    analytics.page({ ...user, name: 'Home', properties: { url: '/' } });
    analytics.screen({ ...user, name: 'Start' });
    analytics.group({ ...user, groupId: 'g-1', traits: { seats: 3 } });
    analytics.alias({ userId: 'u-2', previousId: 'u-1' });
    analytics.track({ anonymousId: 'a-2', event: 'Seen', context: { ip: '10.1.2.3' } });
    await analytics.closeAndFlush();
    expect(failed).toEqual([]);
    const seen = await recorded(slug);
    const library_ = '@segment/analytics-node';
    const common = { door: 'SEGMENT', source: library_, actor: 'u-1', occurredAt: near(AT) };
    expect(seen).toMatchObject([
      { ...common, type: 'Order Placed', subject: null, payload: { total: 19.9, items: ['a'] } },
      { ...common, type: 'identify', payload: { plan: 'pro' } },
      { ...common, type: 'page', subject: 'Home', payload: { url: '/' } },
      { ...common, type: 'screen', subject: 'Start', payload: {} },
      { ...common, type: 'group', subject: 'g-1', payload: { seats: 3 } },
      { type: 'alias', actor: 'u-2', subject: 'u-1', payload: {} },
      { type: 'Seen', actor: 'a-2', clientIp: '10.1.2.3' },
    ]);
    expect(await quarantined(gateway, slug)).toBe(0);
  });

  test('SEG-W-2 MUST have each recorded once when answers get lost and the library sends again', async () => {
    const { slug, key } = await gateway.workspace();
    const analytics = library(key, proxy.url);
    const before = proxy.lost;
    proxy.loseAnswers(1);
    for (let n = 0; n < 5; n++) analytics.track({ userId: 'u', event: 'e', properties: { n } });
    await analytics.closeAndFlush({ timeout: 15_000 });
    expect(proxy.lost).toBe(before + 1);
    expect((await recorded(slug)).map(({ payload }) => payload['n'])).toEqual([0, 1, 2, 3, 4]);
    expect(await quarantined(gateway, slug)).toBe(0);
  });

  test('SEG-W-3 MUST have a wrong key told, and stop', async () => {
    const analytics = library('wrong');
    const failed = new Promise(resolve => analytics.on('error', resolve));
    analytics.track({ userId: 'u', event: 'e' });
    expect(await failed).toMatchObject({ reason: { message: '[401] Unauthorized' } });
  });
});

describe('SEG-K keys', () => {
  const body = { userId: 'u', event: 'e' };

  test('SEG-K-1 MUST take the key as Basic user name, with and without a colon, and in the body', async () => {
    const { slug, key } = await gateway.workspace();
    const bare = { authorization: `Basic ${Buffer.from(key).toString('base64')}` };
    const answers = [
      await post('/v1/track', body, basic(key)),
      await post('/v1/track', body, bare),
      await post('/v1/track', { ...body, writeKey: key }),
      await post('/v1/batch', { batch: [{ ...body, type: 'track' }], writeKey: key }),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.json()]).toEqual([200, { success: true }]);
    }
    expect(await recorded(slug)).toHaveLength(4);
    const { events } = await gateway.data<{ events: { nodes: unknown[] } }>(
      `query($slug: String!) { events(workspace: $slug) { nodes { payload } } }`,
      { slug },
    );
    expect(JSON.stringify(events)).not.toContain(key);
    const rows = await gateway.db.read.query('select wire::text from events', []);
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  test('SEG-K-2 MUST refuse a wrong key in the body, none, and one that may not, with 401 and 403', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret } }`,
    );
    const wrong = await post('/v1/track', { ...body, writeKey: 'wrong' });
    const none = await post('/v1/track', body);
    const lacking = await post('/v1/track', { ...body, writeKey: createApiKey.secret });
    expect([wrong.status, none.status, lacking.status]).toEqual([401, 401, 403]);
    expect(wrong.json()).toEqual({ success: false, message: expect.any(String) as string });
  });

  test('SEG-K-3 MUST read no more than a bounded body for a key that may be in it', async () => {
    const large = JSON.stringify({
      ...body,
      writeKey: 'x',
      properties: { x: 'x'.repeat(1_100_000) },
    });
    expect((await post('/v1/track', large)).status).toBe(413);
    expect((await post('/v1/track', '{')).status).toBe(400);
  });
});

describe('SEG-M messages', () => {
  test('SEG-M-1 MUST record a messageId once, whatever the time of sending, and keep other content aside', async () => {
    const { slug, key } = await gateway.workspace();
    const message = { userId: 'u', event: 'e', messageId: 'm-1', timestamp: AT };
    for (const sentAt of ['2026-01-02T03:04:06Z', '2026-01-02T03:05:00Z']) {
      expect((await post('/v1/track', { ...message, sentAt }, basic(key))).status).toBe(200);
    }
    expect(await recorded(slug)).toMatchObject([{ eventId: 'm-1' }]);
    expect(await quarantined(gateway, slug)).toBe(0);
    for (const sentAt of ['2026-01-02T03:06:00Z', '2026-01-02T03:07:00Z']) {
      const other = { ...message, sentAt, event: 'other' };
      expect((await post('/v1/track', other, basic(key))).status).toBe(200);
    }
    expect(await quarantined(gateway, slug)).toBe(1);
  });

  test('SEG-M-2 MUST reckon the time by the clock of the gateway: received − (sent − original)', async () => {
    const { slug, key } = await gateway.workspace();
    const hour = 3_600_000;
    const wrongNow = Date.now() - 24 * hour;
    const sentAt = new Date(wrongNow).toISOString();
    const originalTimestamp = new Date(wrongNow - hour).toISOString();
    await post('/v1/track', { userId: 'u', event: 'a', originalTimestamp, sentAt }, basic(key));
    await post('/v1/track', { userId: 'u', event: 'b', timestamp: AT }, basic(key));
    await post('/v1/track', { userId: 'u', event: 'c' }, basic(key));
    const batch = [{ type: 'track', userId: 'u', event: 'd', timestamp: originalTimestamp }];
    await post('/v1/batch', { batch, sentAt }, basic(key));
    const [a, b, c, d] = await recorded(slug);
    const hourAgo = near(new Date(Date.now() - hour).toISOString());
    expect([a?.occurredAt, b?.occurredAt]).toEqual([hourAgo, AT]);
    expect([c?.occurredAt, d?.occurredAt]).toEqual([near(new Date().toISOString()), hourAgo]);
  });

  test('SEG-M-3 MUST acknowledge what is no event, and keep it aside with the reason', async () => {
    const { slug, key } = await gateway.workspace();
    const user = { userId: 'u' };
    const batch = [
      { type: 'track', event: 'no user' },
      { ...user, type: 'track' },
      { ...user, type: 'nothing' },
      { ...user, type: 'group' },
      { ...user, type: 'alias' },
      { ...user, type: 'track', event: 'e', properties: [1] },
      { ...user, type: 'track', event: 'e', timestamp: '2016-12-31T23:59:60Z' },
      'text',
      { ...user, type: 'track', event: 'good' },
    ];
    const answer = await post('/v1/batch', { batch }, basic(key));
    expect([answer.status, answer.json()]).toEqual([200, { success: true }]);
    expect((await recorded(slug)).map(({ type }) => type)).toEqual(['good']);
    expect(await problems(slug)).toEqual([
      ...['', '/event', '/groupId', '/previousId', '/properties', '/timestamp', '/type', '/userId'],
    ]);
  });

  test('SEG-M-6 MUST record what was kept aside, once somebody says so, at the time that it came', async () => {
    const { slug, key } = await gateway.workspace();
    const message = { event: 'no user', messageId: 'm', properties: { n: 1 } };
    await post('/v1/track', message, basic(key));
    await post('/v1/track', { ...message, sentAt: AT }, basic(key));
    const { workspace } = await gateway.data<{
      workspace: { quarantinedEvents: { nodes: { id: string }[] } };
    }>(`query($slug: String!) { workspace(slug: $slug) { quarantinedEvents { nodes { id } } } }`, {
      slug,
    });
    const ids = workspace.quarantinedEvents.nodes.map(({ id }) => id);
    expect(ids).toHaveLength(1);
    await gateway.data(
      `mutation($ids: [ID!]!) {
        resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { __typename } } }`,
      { ids },
    );
    const now = near(new Date().toISOString());
    expect(await recorded(slug)).toMatchObject([
      { eventId: 'm', type: 'no user', payload: { n: 1 }, occurredAt: now },
    ]);
  });

  test('SEG-M-4 MUST give a batch’s context and integrations to each of its messages, under its own', async () => {
    const { slug, key } = await gateway.workspace();
    const batch = [
      { type: 'track', userId: 'u', event: 'a', context: { ip: '10.0.0.1' } },
      { type: 'track', userId: 'u', event: 'b' },
    ];
    const context = { ip: '10.0.0.2', app: { name: 'shop' } };
    await post('/v1/import', { batch, context }, basic(key));
    expect(await recorded(slug)).toMatchObject([
      { clientIp: '10.0.0.1', source: 'shop' },
      { clientIp: '10.0.0.2', source: 'shop' },
    ]);
  });

  test('SEG-M-5 MUST hold a type with a schema to its schema: properties are the payload', async () => {
    const { slug, key } = await gateway.workspace();
    await gateway.data(
      `mutation($slug: String!) { defineEvent(input: {
        workspace: $slug, name: "Order Placed", validation: QUARANTINE
        payloadSchema: { required: ["total"], additionalProperties: false, properties: { total: { type: "number" } } }
      }) { definition { id } } }`,
      { slug },
    );
    for (const properties of [{ total: 1 }, { total: 'x' }, { total: 1, more: 1 }]) {
      await post('/v1/track', { userId: 'u', event: 'Order Placed', properties }, basic(key));
    }
    expect((await recorded(slug)).map(({ payload }) => payload)).toEqual([{ total: 1 }]);
    expect(await quarantined(gateway, slug)).toBe(2);
  });
});

describe('SEG-E refusing, always as {success: false, message}', () => {
  const user = { userId: 'u', type: 'track', event: 'e' };
  const sized = (bytes: number) => ({ ...user, properties: { text: 'x'.repeat(bytes) } });

  test.each<[string, string, unknown, number, string | RegExp]>([
    ['SEG-E-1 a message over 32 KB', '/v1/track', sized(32_768), 400, 'Exceed payload limit'],
    [
      'SEG-E-2 one in a batch',
      '/v1/batch',
      { batch: [sized(32_768)] },
      400,
      'Exceed payload limit',
    ],
    [
      ...(['SEG-E-3 a batch over 500 KB', '/v1/batch'] as const),
      ...([{ batch: Array(17).fill(sized(31_000)) }, 400, 'Exceed payload limit'] as const),
    ],
    ['SEG-E-4 what is not JSON', '/v1/track', '{', 400, /JSON/],
    ['SEG-E-5 no object', '/v1/track', [], 400, /JSON object/],
    ['SEG-E-6 no batch', '/v1/batch', { batch: {} }, 400, /list/],
    [
      ...(['SEG-E-7 a context that unfolds too far', '/v1/batch'] as const),
      { batch: Array(9_000).fill({}), context: { text: 'x'.repeat(30_000) } },
      ...([400, 'Exceed payload limit'] as const),
    ],
  ])('%s', async (_row, path, body, status, message) => {
    const { slug, key } = await gateway.workspace();
    const answer = await post(path, body, basic(key));
    const told = typeof message === 'string' ? message : (expect.stringMatching(message) as string);
    expect([answer.status, answer.json()]).toEqual([status, { success: false, message: told }]);
    expect(await recorded(slug)).toEqual([]);
  });

  test('SEG-E-8 a message of nearly 32 KB and a batch of nearly 500 KB are taken', async () => {
    const { slug, key } = await gateway.workspace();
    expect((await post('/v1/track', sized(32_600), basic(key))).status).toBe(200);
    const batch = Array(16).fill(sized(31_000)) as unknown[];
    expect((await post('/v1/batch', { batch }, basic(key))).status).toBe(200);
    expect(await recorded(slug)).toHaveLength(17);
  });
});
