/** Attacks by web pages that somebody opens beside a gateway on their machine. Each must fail. */
import { request, type OutgoingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const WRONG_KEYS = 5;
const ATTEMPTS = 3 * WRONG_KEYS;
const EVIL = 'https://evil.example';
const APP = 'https://app.example';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    config: { wrongKeysPerMinute: WRONG_KEYS, corsOrigins: [APP] },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** As `fetch`, which itself may not set what only a browser sets. */
function send(
  path: string,
  headers: OutgoingHttpHeaders,
  {
    method = 'GET',
    body = '',
    at = gateway,
  }: { method?: string; body?: string; at?: TestGateway } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(at.url, { path, method, headers }, res => {
      let text = '';
      res.on('data', chunk => (text += String(chunk)));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text, headers: res.headers }));
    });
    sent.on('error', reject).end(body);
  });
}

const authorized = { authorization: `Bearer ${ADMIN_KEY}` };
const isLockedOut = async () => {
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    'mutation { createApiKey(input: { name: "k", scopes: [EVENTS_READ] }) { secret } }',
  );
  // One that was not used lately: an address that sent too many wrong keys may not use it.
  const headers = { authorization: `Bearer ${createApiKey.secret}` };
  return (await send('/cloudevents', headers)).status === 429;
};

describe('a page of a foreign origin can’t lock out the address of whoever looks at it', () => {
  const page = { origin: EVIL, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' };
  const form = 'application/x-www-form-urlencoded';

  test.for<[string, string, OutgoingHttpHeaders, { method?: string; body?: string }?]>([
    ['by fetch', '/graphql?ticket=x', page],
    ['by an older browser’s fetch', '/graphql?ticket=x', { origin: EVIL }],
    ['from a sandboxed frame', '/graphql?ticket=x', { origin: 'null' }],
    ['from another port of this machine', '/graphql?ticket=x', { origin: 'http://127.0.0.1:1' }],
    ['by an EventSource', '/graphql?ticket=x', { ...page, accept: 'text/event-stream' }],
    [
      ...(['by an image', '/graphql?ticket=x'] as const),
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', accept: 'image/*' },
    ],
    [
      ...(['by an image from another port', '/graphql?ticket=x'] as const),
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', accept: 'image/*' },
    ],
    [
      ...(['by a window it opens', '/graphql?ticket=x&query=x'] as const),
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', accept: 'text/html' },
    ],
    [
      ...(['by a POST of plain text', '/graphql?ticket=x'] as const),
      { ...page, 'content-type': 'text/plain;charset=utf-8' },
      { method: 'POST', body: '{"query":"{ __typename }"}' },
    ],
    [
      ...(['by a POST without a type', '/graphql?ticket=x'] as const),
      page,
      { method: 'POST', body: '{"query":"{ __typename }"}' },
    ],
    [
      ...(['by a form', '/oauth/token'] as const),
      { ...page, 'content-type': form },
      { method: 'POST', body: 'grant_type=client_credentials' },
    ],
    ['at a door', '/cloudevents', { ...page, ...{ authorization: 'Bearer wrong' } }],
    ['at the metrics', '/metrics', { ...page, ...{ authorization: 'Bearer wrong' } }],
  ])('%s', async ([, path, headers, init]) => {
    for (let n = 0; n < ATTEMPTS; n++) {
      const answer = await send(path, headers, init);
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('"code":"ORIGIN_NOT_ALLOWED"');
      expect(answer.headers['ratelimit']).toBeUndefined();
    }
    expect(await isLockedOut()).toBe(false);
  });

  test('by WebSockets', async () => {
    for (let n = 0; n < ATTEMPTS; n++) {
      expect(await openWebSocket(EVIL)).toBe(403);
    }
    expect(await isLockedOut()).toBe(false);
  });

  async function openWebSocket(origin: string): Promise<number> {
    const url = `${gateway.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', { origin });
    return new Promise((resolve, reject) => {
      socket.once('unexpected-response', (_req, res) => resolve(res.resume().statusCode ?? 0));
      socket.once('error', reject);
      socket.once('open', () => {
        socket.close();
        resolve(101);
      });
    });
  }

  test('while pages of the gateway, of listed origins and programs are served', async () => {
    const own = new URL(gateway.url).origin;
    expect(await openWebSocket(own)).toBe(101);
    expect(await openWebSocket(APP)).toBe(101);
    const json = { ...authorized, 'content-type': 'application/json' };
    const post = { method: 'POST', body: '{"query":"{ __typename }"}' };
    const get = '/graphql?query=%7B__typename%7D';
    const served: readonly [string, OutgoingHttpHeaders, { method?: string; body?: string }?][] = [
      [get, { ...authorized, origin: own }],
      [get, { ...authorized, origin: APP, 'sec-fetch-site': 'cross-site' }],
      // Behind a proxy that puts another Host in place of the one the browser knows.
      [get, { ...authorized, origin: 'https://public.example', 'sec-fetch-site': 'same-origin' }],
      [get, { ...authorized, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
      [get, authorized],
      ['/cloudevents', { ...authorized, origin: own }],
      // A browser would have asked first: this is a program that names an origin.
      ['/graphql', { ...json, origin: 'electron://altair' }, post],
      ['/graphql', { ...json, origin: own, 'sec-fetch-site': 'same-origin' }, post],
      ['/health/live', { origin: EVIL }],
    ];
    for (const [path, headers, init] of served) {
      expect((await send(path, headers, init)).status, JSON.stringify(headers)).toBe(200);
    }
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const page = await send('/graphql', { ...link, accept: 'text/html,*/*;q=0.8' });
    expect(page.headers['content-type']).toContain('text/html');
    expect([200, 404]).toContain((await send('/', { ...link, accept: 'text/html' })).status);
  });
});

describe('a name that an attacker points at this machine (DNS rebinding)', () => {
  /** What a browser sends of a page that it takes for the gateway's own. */
  const rebound = (name: string) => ({
    ...{ host: `${name}:4000`, origin: `http://${name}:4000`, 'sec-fetch-site': 'same-origin' },
  });
  const NAMES = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.local'];

  test.for(NAMES)('reaches nothing of a gateway on loopback: %s', async name => {
    const paths = ['/', '/graphql?ticket=x', '/health/ready', '/cloudevents', '/metrics', '/x'];
    for (const path of paths) {
      for (let n = 0; n < ATTEMPTS; n++) {
        const answer = await send(path, rebound(name));
        expect(answer.status).toBe(421);
        expect(answer.text).toContain('SLUICE_ALLOWED_HOSTS');
        expect(answer.text).toContain('"code":"HOST_NOT_ALLOWED"');
      }
    }
    expect(await isLockedOut()).toBe(false);
    const json = { ...rebound(name), ...authorized, 'content-type': 'application/json' };
    const answer = await send('/graphql', json, {
      method: 'POST',
      body: '{"query":"{__typename}"}',
    });
    expect(answer.status).toBe(421);
    const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    expect((await send('/graphql', { ...rebound(name), ...upgrade, ...key })).status).toBe(421);
    expect((await send(`http://${name}/health/live`, { host: 'localhost' })).status).toBe(421);
  });

  test.for([
    ...['localhost', 'localhost:4000', 'LOCALHOST.', 'sluice.localhost:4000', '127.0.0.1'],
    ...['127.1:4000', '[::1]:4000', '192.168.1.5:4000', 'host.docker.internal:4000'],
  ])('is not what %s is', async host => {
    expect((await send('/health/live', { host })).status).toBe(200);
  });

  test('reaches a gateway that lists its names, by these alone', async () => {
    await using listed = await startTestGateway({
      config: { host: '0.0.0.0', allowedHosts: ['Events.Example', 'gateway'] },
    });
    const statusOf = async (host: string) =>
      (await send('/health/live', { host }, { at: listed })).status;
    for (const host of ['events.example', 'EVENTS.example:443', 'gateway:4000', 'localhost:8080']) {
      expect(await statusOf(host)).toBe(200);
    }
    for (const name of NAMES) expect(await statusOf(name)).toBe(421);
  });

  test.for([
    ['on all addresses, as in a container', { host: '0.0.0.0' }],
    ['behind a proxy of ours', { trustedProxies: 1 }],
    ['that is told to take any', { allowedHosts: ['*'] }],
  ] as const)('is no other than any at a gateway %s', async ([, config]) => {
    await using open = await startTestGateway({ config });
    const { status } = await send('/health/live', { host: 'events.example' }, { at: open });
    expect(status).toBe(200);
  });
});

test('no answer sets a cookie', async () => {
  const paths = [
    ...['/', '/graphql', '/graphql?query={viewer{scopes}}', '/health/live', '/metrics', '/nothing'],
    ...['/api/v3/events/events/', '/api/v2/usage/events/definitions', '/cloudevents', '/mcp'],
  ];
  for (const path of paths) {
    for (const headers of [{}, authorized, { accept: 'text/html' }]) {
      const answer = await fetch(gateway.url + path, { headers });
      await answer.text();
      expect(answer.headers.getSetCookie(), path).toEqual([]);
    }
  }
});

describe('the address of an export', () => {
  const forged = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' };
  const exported = async (at: TestGateway, headers: OutgoingHttpHeaders) => {
    const path = '/api/v3/events/events/export/';
    const { status, text } = await send(
      path,
      { ...authorized, ...headers },
      { method: 'POST', at },
    );
    if (status !== 201) return status;
    return (JSON.parse(text) as { file_url: string }).file_url.replace(/\/api\/.*/, '');
  };

  test('is where the client reached the gateway, whatever headers say that no proxy of ours wrote', async () => {
    expect(await exported(gateway, forged)).toBe(gateway.url);
    expect(await exported(gateway, { ...forged, host: 'evil.example' })).toBe(421);
    expect(await exported(gateway, { host: 'localhost:4000' })).toBe('http://localhost:4000');
  });

  test('is https where a proxy of ours says so, and nobody before it', async () => {
    await using behind = await startTestGateway({ config: { trustedProxies: 1 } });
    const host = 'events.example';
    const at = (proto: string) => exported(behind, { host, 'x-forwarded-proto': proto });
    expect(await at('https')).toBe('https://events.example');
    expect(await at('https, http')).toBe('http://events.example');
    expect(await at('http, https')).toBe('https://events.example');
    expect(await exported(behind, { ...forged, host })).toBe('https://events.example');
  });
});
