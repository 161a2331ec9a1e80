/** PostHog: its published library, unchanged but for its host, and raw calls where it sends none. */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { PostHog } from 'posthog-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
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

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const sent = isText ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body);
  const type = { 'content-type': 'application/json' };
  return call(gateway.url + path, { method: 'POST', headers: { ...type, ...headers }, body: sent });
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
        eventId door type actor subject source groupId clientIp occurredAt payload
      } } } }`,
    { slug },
  );
  return workspace.events.nodes;
}

function library(key: string, host = gateway.url, options: object = {}) {
  const posthog = new PostHog(key, {
    ...{ host, flushAt: 20, flushInterval: 10_000, fetchRetryDelay: 50, ...options },
  });
  onTestFinished(() => posthog.shutdown(5_000));
  return posthog;
}

const AT = '2026-01-02T03:04:05.678Z';
const near = (at: string) => ({
  asymmetricMatch: (seen: string) => Math.abs(Date.parse(seen) - Date.parse(at)) < 20_000,
});
const EVENT = { event: 'e', distinct_id: 'ada' };
const OK = [200, '{"status":"Ok"}'];

describe('PH-W the published library', () => {
  test('PH-W-1 MUST have its events taken, with properties, persons and groups', async () => {
    const { slug, key } = await gateway.workspace();
    const posthog = library(key);
    const uuid = randomUUID();
    const timestamp = new Date(AT);
    const failed: unknown[] = [];
    posthog.on('error', error => failed.push(error));
    posthog.capture({
      ...{ distinctId: 'ada', event: 'order placed', uuid, timestamp },
      properties: { total: 19.9, items: ['a'], $session_id: 's-1', $set: { plan: 'pro' } },
      groups: { company: 'acme' },
    });
    posthog.identify({ distinctId: 'ada', properties: { email: 'ada@example.org' } });
    posthog.alias({ distinctId: 'ada', alias: 'anonymous-1' });
    posthog.groupIdentify({ groupType: 'company', groupKey: 'acme', properties: { seats: 3 } });
    await posthog.shutdown(10_000);
    expect(failed).toEqual([]);
    const seen = await recorded(slug);
    // The library does not keep their order.
    const order = ['order placed', '$identify', '$create_alias', '$groupidentify'];
    seen.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
    expect(seen).toMatchObject([
      {
        ...{ eventId: uuid, door: 'POSTHOG', type: 'order placed', actor: 'ada' },
        ...{ source: 'posthog-node', groupId: 's-1', occurredAt: near(AT) },
        payload: {
          ...{ total: 19.9, items: ['a'], $set: { plan: 'pro' }, $groups: { company: 'acme' } },
          $lib: 'posthog-node',
        },
      },
      { type: '$identify', payload: { $set: { email: 'ada@example.org' } } },
      { type: '$create_alias', payload: { alias: 'anonymous-1' } },
      { type: '$groupidentify', payload: { $group_key: 'acme', $group_set: { seats: 3 } } },
    ]);
    expect(await quarantined(gateway, slug)).toBe(0);
  });

  test.each([true, false])(
    'PH-W-2 MUST have each recorded once when answers get lost (plain: %s)',
    async disableCompression => {
      const { slug, key } = await gateway.workspace();
      const posthog = library(key, proxy.url, { disableCompression });
      const before = proxy.lost;
      proxy.loseAnswers(1);
      for (let n = 0; n < 5; n++) {
        posthog.capture({ distinctId: 'ada', event: 'e', properties: { n } });
      }
      await posthog.shutdown(10_000);
      expect(proxy.lost).toBe(before + 1);
      expect((await recorded(slug)).map(({ payload }) => payload['n'])).toEqual([0, 1, 2, 3, 4]);
      expect(await quarantined(gateway, slug)).toBe(0);
    },
  );

  test('PH-W-3 MUST be told that there are no flags', async () => {
    const { key } = await gateway.workspace();
    const posthog = library(key);
    expect(await posthog.getAllFlags('ada')).toEqual({});
    expect(await posthog.isFeatureEnabled('beta', 'ada')).toBeUndefined();
  });

  test('PH-W-4 MUST be told of a wrong key', async () => {
    // The library says it there as well.
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    onTestFinished(() => told.mockRestore());
    const posthog = library('wrong', gateway.url, { fetchRetryCount: 0, flushAt: 1 });
    const failed = new Promise(resolve => posthog.on('error', resolve));
    posthog.capture({ distinctId: 'ada', event: 'e' });
    expect(await failed).toMatchObject({ status: 401 });
    await posthog.disable();
  });

  test('PH-W-5 MUST send smaller batches when one is too large', async () => {
    const { slug, key } = await gateway.workspace();
    const posthog = library(key, gateway.url, { flushAt: 100 });
    const text = 'x'.repeat(200_000);
    for (let n = 0; n < 8; n++) {
      posthog.capture({ distinctId: 'ada', event: 'e', properties: { n, text } });
    }
    await posthog.shutdown(10_000);
    expect((await recorded(slug)).map(({ payload }) => payload['n'])).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7],
    ]);
  });
});

describe('PH-F forms of requests', () => {
  test('PH-F-1 MUST take an event, a list and a batch at every path, with and without a slash', async () => {
    const { slug, key } = await gateway.workspace();
    const bodies = [
      { ...EVENT, api_key: key },
      { ...EVENT, token: key },
      { ...EVENT, $token: key },
      { ...EVENT, properties: { token: key } },
      [{ ...EVENT, token: key }, EVENT],
      { batch: [EVENT], api_key: key },
      { batch: [EVENT], token: key },
    ];
    for (const path of ['/capture/', '/capture', '/batch/', '/batch', '/i/v0/e/', '/e', '/e/']) {
      for (const body of bodies) {
        const { status, text } = await post(path, body);
        expect([status, text], path).toEqual(OK);
      }
    }
    expect(await recorded(slug)).toHaveLength(7 * 8);
    const rows = await gateway.db.read.query(
      "select payload::text || coalesce(wire::text, '') as kept from events",
      [],
    );
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  test('PH-F-2 MUST take gzip by header and by query, base64, and a form', async () => {
    const { slug, key } = await gateway.workspace();
    const text = JSON.stringify({ ...EVENT, api_key: key, properties: { text: 'ü+/?' } });
    const plain = { 'content-type': 'text/plain' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const base64 = Buffer.from(text).toString('base64');
    const answers = [
      await post('/e/', gzipSync(text), { 'content-encoding': 'gzip' }),
      await post('/e/?compression=gzip-js&ip=1', gzipSync(text), plain),
      await post('/e/?compression=base64', base64, plain),
      await post('/e/?compression=base64', `data=${encodeURIComponent(base64)}`, form),
      await post('/e/', `data=${base64}`, form),
      await post('/e/', `data=${encodeURIComponent(text)}`, form),
      await post('/e/', text, plain),
    ];
    expect(answers.map(each => [each.status, each.text])).toEqual(answers.map(() => OK));
    const seen = await recorded(slug);
    expect(seen.map(({ payload }) => payload)).toEqual(seen.map(() => ({ text: 'ü+/?' })));
    expect(seen).toHaveLength(7);
    const beacon = await post('/e/?beacon=1', text, plain);
    expect([beacon.status, beacon.text]).toEqual([204, '']);
  });

  test('PH-F-3 MUST answer flags in the form of each version', async () => {
    const { key } = await gateway.workspace();
    const body = { token: key, distinct_id: 'ada' };
    const ask = async (path: string) => (await post(path, body)).json();
    const common = { errorsWhileComputingFlags: false, requestId: expect.any(String) as string };
    expect(await ask('/flags/?v=2')).toEqual({ flags: {}, ...common });
    expect(await ask('/decide?v=4')).toEqual({ flags: {}, ...common });
    const none = { featureFlagPayloads: {}, ...common };
    expect(await ask('/decide/?v=3')).toEqual({ featureFlags: {}, ...none });
    expect(await ask('/decide/')).toEqual({ featureFlags: [], ...none });
  });
});

describe('PH-M events', () => {
  test('PH-M-1 MUST record a uuid once, whenever it was sent, and keep other content aside', async () => {
    const { slug, key } = await gateway.workspace();
    const uuid = randomUUID();
    const batch = [{ ...EVENT, uuid: uuid.toUpperCase(), timestamp: AT }];
    for (const sent_at of ['2026-01-02T03:04:06Z', '2026-01-02T03:05:00Z']) {
      await post('/batch/', { batch, sent_at, api_key: key });
    }
    expect(await recorded(slug)).toMatchObject([{ eventId: uuid }]);
    expect(await quarantined(gateway, slug)).toBe(0);
    const answer = await post('/e/', { ...EVENT, uuid, event: 'other', api_key: key });
    expect([answer.status, answer.text]).toEqual(OK);
    expect(await quarantined(gateway, slug)).toBe(1);
  });

  test('PH-M-2 MUST reckon the time by the clock of the gateway', async () => {
    const { slug, key } = await gateway.workspace();
    const hour = 3_600_000;
    const wrongNow = Date.now() - 24 * hour;
    const at = (ms: number) => new Date(ms).toISOString();
    const timestamp = at(wrongNow - hour);
    const batch = [
      { ...EVENT, timestamp },
      { ...EVENT, timestamp, properties: { $ignore_sent_at: true } },
      { ...EVENT, offset: hour },
      EVENT,
    ];
    await post('/batch/', { batch, sent_at: at(wrongNow), api_key: key });
    await post('/batch/', { batch: [{ ...EVENT, timestamp: AT }], api_key: key });
    await post(`/e/?_=${wrongNow}`, { ...EVENT, timestamp, api_key: key });
    const seen = (await recorded(slug)).map(({ occurredAt }) => occurredAt);
    const [hourAgo, now] = [near(at(Date.now() - hour)), near(at(Date.now()))];
    expect(seen).toEqual([hourAgo, timestamp, hourAgo, now, AT, hourAgo]);
  });

  test('PH-M-3 MUST put $set and $set_once among the properties, as the vendor does', async () => {
    const { slug, key } = await gateway.workspace();
    const properties = { $set: { a: 1, b: 1 }, n: 1 };
    const event = { ...EVENT, properties, $set: { b: 2 }, $set_once: { c: 3 } };
    await post('/e/', { ...event, api_key: key });
    expect((await recorded(slug))[0]?.payload).toEqual({
      ...{ $set: { a: 1, b: 2 }, n: 1, $set_once: { c: 3 } },
    });
  });

  test('PH-M-4 MUST take a distinct_id from where the vendor takes it, as text of 200 characters', async () => {
    const { slug, key } = await gateway.workspace();
    const events = [
      { event: 'e', distinct_id: 23.4 },
      { event: 'e', $distinct_id: 'b', properties: { distinct_id: 'c' } },
      { event: 'e', properties: { distinct_id: 'd' } },
      { event: 'e', distinct_id: ['a', 'b'] },
      { event: 'e', distinct_id: 'x'.repeat(222) },
    ];
    await post('/batch/', { batch: events, api_key: key });
    expect((await recorded(slug)).map(({ actor }) => actor)).toEqual([
      ...['23.4', 'b', 'd', '["a","b"]', 'x'.repeat(200)],
    ]);
  });

  test('PH-M-5 MUST hold a type with a schema to its schema: properties are the payload', async () => {
    const { slug, key } = await gateway.workspace();
    await gateway.data(
      `mutation($slug: String!) { defineEvent(input: {
        workspace: $slug, name: "order placed", validation: QUARANTINE
        payloadSchema: { required: ["total"], properties: { total: { type: "number" } } }
      }) { definition { id } } }`,
      { slug },
    );
    const batch = [1, 'x'].map(total => ({
      ...EVENT,
      event: 'order placed',
      properties: { total },
    }));
    const answer = await post('/batch/', { batch, api_key: key });
    expect([answer.status, answer.text]).toEqual(OK);
    expect((await recorded(slug)).map(({ payload }) => payload)).toEqual([{ total: 1 }]);
    expect(await quarantined(gateway, slug)).toBe(1);
  });
});

describe('PH-E refusing, with the vendor’s sentences', () => {
  test.each<[string, unknown, number, string | RegExp]>([
    ['PH-E-1 no event name', { distinct_id: 'a' }, 400, 'event submitted with an empty event name'],
    ['PH-E-2 no distinct_id', { event: 'e' }, 400, 'event submitted without a distinct_id'],
    ['PH-E-3 an empty batch', { batch: [] }, 400, 'request holds no event'],
    [
      ...(['PH-E-4 a time that can’t be read', { ...EVENT, timestamp: 'soon' }, 400] as const),
      'event submitted with invalid timestamp',
    ],
    [
      ...(['PH-E-5 a leap second', { ...EVENT, timestamp: '2016-12-31T23:59:60Z' }, 400] as const),
      'event submitted with invalid timestamp',
    ],
    ['PH-E-6 no uuid', { ...EVENT, uuid: 'x' }, 400, /^failed to parse request: /],
    ['PH-E-7 no properties', { ...EVENT, properties: [1] }, 400, /^failed to parse request: /],
    ['PH-E-8 no batch', { batch: 1 }, 400, /^failed to parse request: /],
    [
      'PH-E-9 one that is wrong among others',
      { batch: [EVENT, { event: 'e' }] },
      400,
      /distinct_id/,
    ],
  ])('%s', async (_row, body, status, sentence) => {
    const { slug, key } = await gateway.workspace();
    const answer = await post('/batch/', { ...(body as object), api_key: key });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    if (typeof sentence === 'string') expect(answer.text).toBe(sentence);
    else expect(answer.text).toMatch(sentence);
    expect(await recorded(slug)).toEqual([]);
  });

  test('PH-E-10 keys: none, wrong ones, several, one that may not', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret } }`,
    );
    const answers = [
      await post('/e/', EVENT),
      await post('/e/', { ...EVENT, api_key: 'wrong' }),
      await post('/e/', { ...EVENT, api_key: createApiKey.secret }),
      await post('/flags/?v=2', { token: 'wrong', distinct_id: 'ada' }),
      await post('/e/', [
        { ...EVENT, token: 'one' },
        { ...EVENT, token: 'other' },
      ]),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(answers[0]?.text).toBe('event submitted without an api_key');
    expect(answers[1]?.text).toMatch(/^API key is not valid: /);
    expect(answers[4]?.text).toBe('batch submitted with inconsistent api_key values');
  });

  test('PH-E-11 no body, what is not JSON, and what is too large for a key in it', async () => {
    expect((await post('/e/', '')).text).toBe('request missing data payload');
    expect((await post('/e/', '{')).text).toMatch(/^failed to parse request: /);
    const large = await post('/e/', { ...EVENT, api_key: 'k', x: 'x'.repeat(1_100_000) });
    expect(large.status).toBe(413);
    const packed = gzipSync(Buffer.alloc(50_000_000, 'x'));
    const bomb = await post('/e/?compression=gzip', packed);
    expect([bomb.status, bomb.text]).toEqual([413, expect.stringMatching(/^maximum event size/)]);
  });
});
