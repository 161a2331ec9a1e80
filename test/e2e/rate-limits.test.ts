/** Rates of keys and addresses, from outside: every way in, and what each client is told. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const SIGN = '{ viewer { scopes } }';

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { errors?: { message: string; extensions: Record<string, unknown> }[] };
}

async function ask(
  on: TestGateway,
  key: string | null,
  { headers = {}, query = SIGN }: { headers?: Record<string, string>; query?: string } = {},
): Promise<Sent> {
  const response = await fetch(`${on.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: JSON.stringify({ query }),
  });
  const { status, headers: told } = response;
  const isStream = told.get('content-type')?.startsWith('text/event-stream') === true;
  if (isStream) await response.body?.cancel();
  return { status, headers: told, body: isStream ? {} : ((await response.json()) as never) };
}

const codeOf = ({ body }: Sent) => body.errors?.[0]?.extensions['code'];

/** A window may end while requests are sent: then the next one is used up. */
async function untilLimited<T extends { status: number }>(send: () => Promise<T>): Promise<T> {
  for (let sent = 0; sent < 200; sent++) {
    const answer = await send();
    if (answer.status === 429) return answer;
  }
  throw new Error('no limit was met');
}

describe('a gateway as it comes', () => {
  test('has no rates of keys and addresses, and says nothing of them', async () => {
    await using gateway = await startTestGateway();
    const { key } = await gateway.workspace();
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(gateway, key)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers[0]?.headers.get('ratelimit')).toBeNull();
  });
});

describe('a rate of keys', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      config: { keyRequestsPerSecond: 2, keyEventsPerSecond: 5 },
    });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test('lets ten seconds’ worth pass at once, tells what is left, then refuses with 429', async () => {
    const { key } = await gateway.workspace();
    const first = await ask(gateway, key);
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"key";q=20;w=10');
    expect(first.headers.get('ratelimit')).toMatch(/^"key";r=19;t=\d+$/);
    const refused = await untilLimited(() => ask(gateway, key));
    expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+$/);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(10);
    expect(refused.body).toEqual({
      errors: [
        {
          message: expect.stringContaining('2 requests a second') as string,
          extensions: { code: 'RATE_LIMITED', retryAfterS: retryAfter },
        },
      ],
    });
  });

  test('is each key’s own', async () => {
    const [one, other] = [await gateway.workspace(), await gateway.workspace()];
    await untilLimited(() => ask(gateway, one.key));
    expect((await ask(gateway, other.key)).status).toBe(200);
  });

  test('counts streams that are opened, over either transport', async () => {
    const { key } = await gateway.workspace();
    const query = 'subscription { events { kind } }';
    const accept = { accept: 'text/event-stream' };
    const stream = await untilLimited(() => ask(gateway, key, { query, headers: accept }));
    expect(codeOf(stream)).toBe('RATE_LIMITED');

    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
      retryAttempts: 0,
    });
    const open = async () => {
      const opened = client.iterate({ query });
      await opened.next();
      await opened.return?.();
      return { status: 200 };
    };
    // Where the key has used up its rate a socket is closed for now, not for good.
    const closed = ({ code }: { code: unknown }) => ({ status: code === 1013 ? 429 : 500 });
    await untilLimited(() => open().catch(closed));
    await client.dispose();
  });

  test('is told by doors in the words of their vendors', async () => {
    const { key } = await gateway.workspace();
    const logsh = await untilLimited(() =>
      fetch(`${gateway.url}/api/event`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ workspace: 'w', event: 'e' }),
      }),
    );
    expect(logsh.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await logsh.json()).toMatchObject({ status: false, name: 'rate_limit_exceeded' });
  });

  test('bounds the events that a key records, in batches of any size', async () => {
    const { key } = await gateway.workspace();
    const batch = (count: number) => ({
      query: `mutation { recordEvents(input: { events: [${'{ type: "a" }'.repeat(count)}] }) {
        recordedCount } }`,
    });
    const first = await ask(gateway, key, batch(80));
    expect(first.body).toEqual({ data: { recordEvents: { recordedCount: 80 } } });
    const refused = await untilLimited(() => ask(gateway, key, batch(1)));
    expect(codeOf(refused)).toBe('RATE_LIMITED');
    expect(refused.body.errors?.[0]?.message).toContain('5 events a second');
  });
});

describe('a rate of addresses', () => {
  test('holds for whoever comes from there, and a proxy’s word tells who that is', async () => {
    await using gateway = await startTestGateway({
      config: { addressRequestsPerSecond: 1, trustedProxies: 1 },
    });
    const from = (address: string) =>
      ask(gateway, null, {
        query: '{ __typename }',
        headers: { 'x-forwarded-for': `203.0.113.1, ${address}` },
      });
    const refused = await untilLimited(() => from('198.51.100.1'));
    expect(codeOf(refused)).toBe('RATE_LIMITED');
    expect(refused.headers.get('ratelimit-policy')).toBe('"address";q=10;w=10');
    expect((await from('198.51.100.2')).status).toBe(200);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  });

  test.each([
    ['speakeasy', 'POST /v1/workspace/default/events', 401, { status_code: 429 }],
    ['logsh', 'POST /api/event', 401, { status: false, name: 'rate_limit_exceeded' }],
    ['cloudevents', 'POST /cloudevents', 401, { status: 429, code: 'RATE_LIMITED' }],
    ['logspace', 'PUT /events', 403, { type: 'RATE_LIMITED' }],
    ['genesys', 'GET /api/v2/usage/events/definitions', 401, { status: 429 }],
    [
      ...(['authentik', 'GET /api/v3/events/events/', 403] as const),
      { detail: expect.stringContaining('Request was throttled') as string },
    ],
  ])('holds at the door %s for who brings no key', async (_door, route, status, body) => {
    await using gateway = await startTestGateway({ config: { addressRequestsPerSecond: 1 } });
    const [method = '', path = ''] = route.split(' ');
    const send = () => fetch(gateway.url + path, { method });
    const first = await send();
    expect(first.status).toBe(status);
    expect(first.headers.get('ratelimit')).toMatch(/^"address";r=9;t=\d+$/);
    const refused = await untilLimited(send);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await refused.json()).toMatchObject(body);
  });
});

describe('wrong keys', () => {
  test('are none where no key is sent, at every way in', async () => {
    await using gateway = await startTestGateway({ config: { wrongKeysPerMinute: 3 } });
    const { key } = await gateway.workspace();
    for (const path of ['/metrics', '/cloudevents', '/graphql?query={viewer{scopes}}']) {
      for (let n = 0; n < 5; n++) expect((await fetch(gateway.url + path)).status).toBe(401);
    }
    expect((await ask(gateway, key)).status).toBe(200);
  });

  test('end in 429 for the address, also for a right guess, but not for keys in use', async () => {
    await using gateway = await startTestGateway({ config: { wrongKeysPerMinute: 5 } });
    const [busy, idle] = [await gateway.workspace(), await gateway.workspace()];
    expect((await ask(gateway, busy.key)).status).toBe(200);
    const guesses = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(gateway, `a-guess-of-a-key-${n}`)),
    );
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(15);

    const guessed = await ask(gateway, idle.key);
    expect([guessed.status, codeOf(guessed)]).toEqual([429, 'RATE_LIMITED']);
    expect(Number(guessed.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await ask(gateway, busy.key)).status).toBe(200);
    // A header that anybody can write gives no other address.
    const disguised = await ask(gateway, idle.key, {
      headers: { 'x-forwarded-for': '198.51.100.7' },
    });
    expect(disguised.status).toBe(429);
  });

  test('are counted one address for itself, where a proxy tells it', async () => {
    await using gateway = await startTestGateway({
      config: { wrongKeysPerMinute: 3, trustedProxies: 1 },
    });
    const { key } = await gateway.workspace();
    const from = (address: string, secret: string) =>
      ask(gateway, secret, { headers: { 'x-forwarded-for': address } });
    await untilLimited(() => from('198.51.100.1', 'a-guess-of-a-key'));
    expect((await from('198.51.100.1', key)).status).toBe(429);
    expect((await from('198.51.100.2', key)).status).toBe(200);
    // What is right there passes at once, however many keys it is.
    for (let n = 0; n < 6; n++) {
      const { key: another } = await gateway.workspace();
      expect((await from('198.51.100.3', another)).status).toBe(200);
    }
  });
});
