/**
 * LogSnag: its published client, unchanged. It knows one address alone: here `fetch` sends what is
 * meant for it to the gateway, and nothing else of the client or of its requests is touched.
 */
import { LogSnag } from '@logsnag/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, call, quarantined } from './call.ts';

const VENDOR = 'https://api.logsnag.com';
const realFetch = globalThis.fetch;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  globalThis.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return realFetch(url.startsWith(VENDOR) ? url.replace(VENDOR, gateway.url) : input, init);
  };
});
afterAll(async () => {
  globalThis.fetch = realFetch;
  await gateway[Symbol.asyncDispose]();
});

function post(path: string, body: unknown, key: string, method = 'POST') {
  const init = { method, headers: bearer(key), body: JSON.stringify(body) };
  return call(gateway.url + path, init);
}

type Seen = Readonly<Record<string, unknown>>;

async function recorded(slug: string): Promise<Seen[]> {
  const { workspace } = await gateway.data<{ workspace: { events: { nodes: Seen[] } } }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 100, order: { field: POSITION, direction: ASC }) { nodes {
        eventId door type actor subject source description icon notify occurredAt payload
      } } } }`,
    { slug },
  );
  return workspace.events.nodes;
}

const AT = '2026-01-02T03:04:05.000Z';

describe('SNAG-W the published client', () => {
  test('SNAG-W-1 MUST have every call taken', async () => {
    const { slug, key } = await gateway.workspace();
    const logsnag = new LogSnag({ token: key, project: slug });
    await logsnag.track({
      ...{ channel: 'payments', event: 'New Subscription', user_id: 'u-1', icon: '💰' },
      ...{ description: 'The first one.', notify: true, parser: 'markdown' },
      ...{ tags: { plan: 'premium', trial: false, seats: 3 }, timestamp: new Date(AT) },
    });
    await logsnag.identify({ user_id: 'u-1', properties: { name: 'Ada', plan: 'pro' } });
    await logsnag.group({ user_id: 'u-1', group_id: 'g-1', properties: { seats: 3 } });
    await logsnag.group({ user_id: 'u-1', group_id: 'g-1' });
    const { insight } = logsnag as unknown as {
      insight: Record<'track' | 'increment', (options: object) => Promise<boolean>>;
    };
    await insight.track({ title: 'Users', value: '100', icon: '👨' });
    expect(await insight.increment({ title: 'Users', value: -2 })).toBe(true);
    const user = { actor: 'u-1', door: 'LOGSNAG' };
    expect(await recorded(slug)).toMatchObject([
      {
        ...{ ...user, type: 'New Subscription', source: 'payments', icon: '💰', notify: true },
        ...{ description: 'The first one.', occurredAt: AT },
        payload: { plan: 'premium', trial: false, seats: 3 },
      },
      { ...user, type: 'identify', payload: { name: 'Ada', plan: 'pro' } },
      { ...user, type: 'group', subject: 'g-1', payload: { seats: 3 } },
      { ...user, type: 'group', subject: 'g-1', payload: {} },
      { type: 'insight', subject: 'Users', icon: '👨', payload: { value: '100' } },
      { type: 'insight.increment', subject: 'Users', payload: { increment: -2 } },
    ]);
  });

  test('SNAG-W-2 MUST be told what is wrong', async () => {
    const { slug, key } = await gateway.workspace();
    const event = { channel: 'c', event: 'e' };
    const failing = (token: string, project: string, options: object) =>
      new LogSnag({ token, project })
        .track(options as never)
        .catch((error: Error) => error.message);
    const { slug: other } = await gateway.workspace();
    expect(await failing(key, slug, { ...event, icon: 'two words' })).toBe(
      '[LogSnag] Failed to publish: icon: Expects exactly one emoji.',
    );
    expect(await failing(key, slug, { channel: 'c' })).toMatch(/^\[LogSnag\] .*event: /);
    for (const project of [other, 'nowhere']) {
      expect(await failing(key, project, event)).toMatch(/^\[LogSnag\] Failed/);
    }
    expect(await failing('wrong', slug, event)).toMatch(/^\[LogSnag\] Failed/);
    expect(await recorded(slug)).toEqual([]);
  });

  test('SNAG-W-3 MUST have each call taken for a new event', async () => {
    const { slug, key } = await gateway.workspace();
    const body = { project: slug, channel: 'c', event: 'e', timestamp: 1767322245 };
    const ids = [await post('/v1/log', body, key), await post('/v1/log', body, key)].map(
      answer => (answer.json() as { id: string }).id,
    );
    expect((await recorded(slug)).map(({ eventId }) => eventId)).toEqual(ids);
  });

  test('SNAG-W-4 MUST find the workspace of the project that the key covers, whatever its case', async () => {
    const { slug, key } = await gateway.workspace();
    const { slug: other } = await gateway.workspace();
    const body = { channel: 'c', event: 'e' };
    const answers = [
      await post('/v1/log', { ...body, project: slug.toUpperCase() }, key),
      await post('/v1/log', { ...body, project: other }, key),
      await post('/v1/log', { ...body, project: 'nowhere' }, key),
      await post('/v1/log', { ...body, project: slug }, 'wrong'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 401]);
    expect(answers[0]?.json()).toMatchObject({ project: slug.toUpperCase() });
  });
});

describe('SNAG-M mapping', () => {
  test('SNAG-M-1 MUST take null for absent', async () => {
    const { slug, key } = await gateway.workspace();
    const nulls = { description: null, icon: null, user_id: null, tags: null, notify: null };
    const body = { project: slug, channel: 'c', event: 'e', ...nulls, timestamp: null };
    expect((await post('/v1/log', body, key)).status).toBe(200);
    expect(await recorded(slug)).toMatchObject([{ icon: null, notify: false, payload: {} }]);
  });

  test('SNAG-M-2 MUST take an emoji by its name, and seconds with a fraction', async () => {
    const { slug, key } = await gateway.workspace();
    const body = { project: slug, channel: 'c', event: 'e', icon: ':moneybag:' };
    await post('/v1/log', { ...body, timestamp: 1767323045.25 }, key);
    expect(await recorded(slug)).toMatchObject([
      { icon: '💰', occurredAt: '2026-01-02T03:04:05.250Z' },
    ]);
  });

  test('SNAG-M-3 MUST hold a type with a schema to its schema: tags are the payload', async () => {
    const { slug, key } = await gateway.workspace();
    await gateway.data(
      `mutation($slug: String!) { defineEvent(input: {
        workspace: $slug, name: "Order", validation: REJECT
        payloadSchema: { required: ["total"], properties: { total: { type: "number" } } }
      }) { definition { id } } }`,
      { slug },
    );
    const body = { project: slug, channel: 'c', event: 'Order' };
    expect((await post('/v1/log', { ...body, tags: { total: 1 } }, key)).status).toBe(200);
    expect((await post('/v1/log', { ...body, tags: { total: 'x' } }, key)).status).toBe(400);
    expect(await recorded(slug)).toHaveLength(1);
    expect(await quarantined(gateway, slug)).toBe(0);
  });

  test('SNAG-M-4 MUST be told from Segment at the paths that both have', async () => {
    const { slug, key } = await gateway.workspace();
    const body = {
      project: slug,
      user_id: 'u',
      properties: { a: 1 },
      userId: 'u',
      traits: { b: 1 },
    };
    const segment = {
      'content-type': 'application/json',
      authorization: `Basic ${btoa(`${key}:`)}`,
    };
    const url = `${gateway.url}/v1/identify`;
    const init = { method: 'POST', body: JSON.stringify(body) };
    await call(url, { ...init, headers: bearer(key) });
    await call(url, { ...init, headers: segment });
    await call(url, { ...init, body: JSON.stringify({ ...body, writeKey: key }) });
    expect((await recorded(slug)).map(({ door, payload }) => [door, payload])).toEqual([
      ['LOGSNAG', { a: 1 }],
      ['SEGMENT', { b: 1 }],
      ['SEGMENT', { b: 1 }],
    ]);
  });
});

describe('SNAG-E refusing with {message, validation: {body: [{message}]}}', () => {
  const event = { channel: 'c', event: 'e' };

  test.each<[string, string, object, readonly (string | RegExp)[]]>([
    ['SNAG-E-1 no channel, no event', '/v1/log', {}, [/^channel: /, /^event: /]],
    ['SNAG-E-2 tags of a list', '/v1/log', { ...event, tags: [1] }, [/^tags: /]],
    ['SNAG-E-3 tags with objects', '/v1/log', { ...event, tags: { a: {} } }, [/^tags.a: /]],
    ['SNAG-E-4 a time of text', '/v1/log', { ...event, timestamp: AT }, [/^timestamp: /]],
    [
      'SNAG-E-5 a time beyond all years',
      '/v1/log',
      { ...event, timestamp: 1e15 },
      [/^occurredAt: /],
    ],
    ['SNAG-E-6 no properties', '/v1/identify', { user_id: 'u' }, [/^properties: /]],
    [
      'SNAG-E-7 another mutation',
      '/v1/insight',
      { title: 't', value: { $dec: 1 } },
      [/^value/, /./],
    ],
  ])('%s', async (row, path, body, messages) => {
    const { slug, key } = await gateway.workspace();
    const method = row.startsWith('SNAG-E-7') ? 'PATCH' : 'POST';
    const answer = await post(path, { project: slug, ...body }, key, method);
    expect([answer.status, answer.json()]).toEqual([
      400,
      {
        message: 'Validation Failed',
        validation: {
          body: messages.map(each => ({ message: expect.stringMatching(each) as string })),
        },
      },
    ]);
    expect(await recorded(slug)).toEqual([]);
  });
});
