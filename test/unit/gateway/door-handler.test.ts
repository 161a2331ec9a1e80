import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/core/errors.ts';
import { NO_TENANT } from '../../../src/core/fairness.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import type { Door, DoorAnswer, DoorRoute } from '../../../src/doors/door.ts';
import { createDoors } from '../../../src/doors/index.ts';
import { createDoorHandler, type DoorHandlerOptions } from '../../../src/gateway/door-handler.ts';
import { createRoutes } from '../../../src/gateway/door-routes.ts';
import { Admission } from '../../../src/http/admission.ts';
import { HttpCall } from '../../../src/http/call.ts';
import { SERVER_DEFAULTS } from '../../../src/http/settings.ts';

const logged: object[] = [];
const closing: (() => void)[] = [];
afterAll(() => closing.forEach(close => close()));

const admission = new Admission(LIMITS);
const SETTINGS = { ...SERVER_DEFAULTS, bodyBytesMax: 100 };

/** A door alone behind a listener; `access` is the first that a route asks of services. */
async function open(
  door: Door,
  access: () => Promise<never>,
  {
    settings = SETTINGS,
    onSecret = () => undefined,
  }: { settings?: typeof SETTINGS; onSecret?: (secret: string | null) => unknown } = {},
): Promise<string> {
  const authenticate = async (secret: string | null) => {
    onSecret(secret);
    if (secret === null) return null;
    return { keyId: 1, scopes: secret === 'none' ? [] : ['ADMIN'], workspaceId: null };
  };
  const services = {
    rateLimits: { countEvents: async () => undefined, tenantOf: () => NO_TENANT },
    ...{ authenticate, confirm: authenticate },
    live: { hold: () => () => undefined },
    access,
  } as unknown as DoorHandlerOptions['services'];
  const log = {
    error: (facts: object) => logged.push(facts),
    warn: (facts: object) => logged.push(facts),
  } as unknown as DoorHandlerOptions['log'];
  const handler = createDoorHandler(door, { services, admission, log, settings });
  const server = createServer((req, res) => {
    void handler.handle(new HttpCall(req, res, 'r-1'));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const doors = createDoors({ logshEventsPerSecond: 1_000, logspaceOrder: null }, {
  notesOf: () => null,
} as never);
const CALLS: Readonly<
  Record<Exclude<Door['name'], 'GRAPHQL' | 'IMPORT'>, readonly [string, string, string]>
> = {
  SPEAKEASY: ['POST', '/v1/workspace/a/events', '[]'],
  LOGSH: ['POST', '/api/event', '{"workspace":"w","event":"e"}'],
  CLOUDEVENTS: ['POST', '/cloudevents', '[]'],
  OTLP: ['POST', '/v1/logs', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'],
  LOGSPACE: ['PUT', '/events', '[]'],
  RETRACED: ['POST', '/publisher/v1/project/a/event', '{"action":"a","crud":"c"}'],
  LOGSNAG: ['POST', '/v1/log', '{"project":"p","channel":"c","event":"e"}'],
  POSTHOG: ['POST', '/capture', '{"event":"e","distinct_id":"a"}'],
  SEGMENT: ['POST', '/v1/track', '{"userId":"u","event":"e"}'],
  GENESYS: ['POST', '/api/v2/usage/events/query', '{"interval":"2026-01-01/2026-01-02"}'],
  AUTHENTIK: ['POST', '/api/v3/events/events', '{"action":"login","app":"a"}'],
};
const called = doors.map(door => ({ door, call: CALLS[door.name as keyof typeof CALLS] }));

describe.each(called)('the door $door.name', ({ door, call: [method, path, body] }) => {
  const headers = {
    ...{ authorization: 'Bearer key', 'content-type': 'application/json' },
    'logspace.space-token': 'key',
  };

  test.each(['SERVICE_UNAVAILABLE', 'OVERLOADED'] as const)(
    'answers %s in its own shape, and when to try again, and logs what is behind it',
    async code => {
      const cause = new Error('secret');
      const error = new GatewayError(code, 'Wait.', { retryAfterS: 7, cause });
      const url = await open(door, () => Promise.reject(error));
      const answer = await fetch(url + path, { method, headers, body });
      expect(answer.status).toBe(door.name === 'LOGSPACE' ? 500 : 503);
      expect(answer.headers.get('retry-after')).toBe('7');
      const request = { method, path, headers, body: Buffer.from(body), requestId: 'r-1' };
      expect(await answer.text()).toBe(door.encodeError(error, request as never).body);
      expect(logged.at(-1)).toEqual({ requestId: 'r-1', code, err: cause });
    },
  );

  test('masks what is unexpected, and logs it', async () => {
    const url = await open(door, () => Promise.reject(new TypeError('secret')));
    const answer = await fetch(url + path, { method, headers, body });
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).toContain('r-1');
    expect(text).not.toContain('secret');
    expect(logged.at(-1)).toMatchObject({ requestId: 'r-1', err: { message: 'secret' } });
  });
});

describe('a mounted door', () => {
  const answers = new Map<string, DoorAnswer>();
  const door: Door = {
    name: 'GENESYS',
    owns: () => true,
    credential: ({ headers }) => headers['x-key'] ?? null,
    encodeError: ({ status, code }) => ({ status, body: code }),
    routes: ['GET', 'POST'].map(method => ({
      ...{ method: method as 'GET', path: '/x/:name', scope: 'EVENTS_READ' as const },
      handle: async ({ params, body }) => answers.get(params['name']!) ?? { status: 200, body },
    })),
  };
  const ready = open(door, () => Promise.reject(new Error('not asked')));
  const call = async (path: string, init: RequestInit = {}) =>
    fetch((await ready) + path, { ...init, headers: { 'x-key': 'k', ...init.headers } });

  test('streams an answer of many parts, and cuts one whose source fails', async () => {
    async function* parts(fails: boolean) {
      yield 'a';
      yield 'b';
      if (fails) throw new Error('source');
    }
    answers.set('whole', {
      status: 200,
      headers: { 'content-type': 'text/csv' },
      body: parts(false),
    });
    answers.set('cut', { status: 200, body: parts(true) });
    const whole = await call('/x/whole');
    expect([await whole.text(), whole.headers.get('content-type')]).toEqual(['ab', 'text/csv']);
    await expect(call('/x/cut').then(cut => cut.text())).rejects.toThrow();
  });

  test('refuses without a credential before the body is read, and gets it across', async () => {
    const body = 'x'.repeat(1_000_000);
    const answer = await fetch(`${await ready}/x/a`, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('refuses a key without the scope of the route', async () => {
    const answer = await call('/x/a', { headers: { 'x-key': 'none' } });
    expect([answer.status, await answer.text()]).toEqual([403, 'FORBIDDEN']);
  });

  test('reads a body up to the limit', async () => {
    const fitting = await call('/x/a', { method: 'POST', body: 'x'.repeat(100) });
    expect(await fitting.text()).toBe('x'.repeat(100));
    const larger = await call('/x/a', { method: 'POST', body: 'x'.repeat(101) });
    expect([larger.status, await larger.text()]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});

describe('a door whose key may stand in the body', () => {
  const door: Door = {
    name: 'GENESYS',
    owns: () => true,
    credential: ({ headers }) => headers['x-key'] ?? null,
    keyInBody: request => (request.json() as { key?: string }).key ?? null,
    encodingOf: ({ query }) => (query.has('packed') ? 'gzip' : undefined),
    encodeError: ({ status, code }) => ({ status, body: code }),
    routes: [
      {
        ...{ method: 'POST', path: '/x', scope: 'EVENTS_WRITE' },
        handle: async ({ body }) => ({ status: 200, body: String(body.length) }),
      },
    ],
  };
  const large = 2 * LIMITS.strangerBodyBytesMax;
  const asked: (string | null)[] = [];
  const ready = open(door, () => Promise.reject(new Error('not asked')), {
    settings: { ...SETTINGS, bodyBytesMax: 2 * large },
    onSecret: secret => asked.push(secret),
  });
  const call = async (body: string | Uint8Array<ArrayBuffer>, headers = {}, query = '') => {
    asked.length = 0;
    const answer = await fetch(`${await ready}/x${query}`, { method: 'POST', body, headers });
    return [answer.status, await answer.text()];
  };
  const padded = (key: object) => JSON.stringify({ ...key, text: 'x'.repeat(large) });

  test('reads a bounded body for it, and asks for it then', async () => {
    expect(await call('{"key":"k"}')).toEqual([200, '11']);
    expect(asked[0]).toBe('k');
    expect(await call(padded({ key: 'k' }))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(asked).toEqual([null]);
  });

  test('takes a larger one from a sender whose key is in its other place', async () => {
    const body = padded({});
    expect(await call(body, { 'x-key': 'k' })).toEqual([200, String(body.length)]);
    expect(asked[0]).toBe('k');
  });

  test('counts a sender without a key, whatever its body is like', async () => {
    expect(await call('{}')).toEqual([401, 'UNAUTHENTICATED']);
    expect(asked).toEqual([null]);
    expect(await call('{')).toEqual([400, 'BAD_REQUEST']);
    expect(asked).toEqual([null]);
  });

  test('bounds what it inflates to, also where no header says that it is packed', async () => {
    const packed = new Uint8Array(gzipSync('{"key":"k"}'));
    expect(await call(packed, {}, '?packed')).toEqual([200, '11']);
    const bomb = new Uint8Array(gzipSync(padded({ key: 'k' })));
    expect(await call(bomb, {}, '?packed')).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});

describe('routes', () => {
  const route = (method: DoorRoute['method'], path: string): DoorRoute => ({
    ...{ method, path, scope: 'EVENTS_READ' },
    handle: async () => ({ status: 200 }),
  });
  const find = createRoutes([
    route('GET', '/a/:id/events'),
    route('POST', '/a/:id/events'),
    route('GET', '/a/mine/events'),
  ]);

  test('a literal segment wins over a named one', () => {
    expect(find('GET', '/a/mine/events').route?.path).toBe('/a/mine/events');
    expect(find('POST', '/a/mine/events')).toMatchObject({ params: { id: 'mine' } });
  });

  test('segments are decoded after splitting, and never empty', () => {
    expect(find('HEAD', '/a/x%2Fy%20%C3%BC/events').params).toEqual({ id: 'x/y ü' });
    expect(find('GET', '/a//events')).toEqual({ route: null, params: {}, allow: '' });
    expect(() => find('GET', '/a/%ff/events')).toThrow(GatewayError);
  });

  test('a path without the method says which it takes', () => {
    expect(find('DELETE', '/a/b/events').allow).toBe('GET, POST, HEAD, OPTIONS');
  });
});
