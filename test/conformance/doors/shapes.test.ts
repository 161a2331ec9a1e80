/**
 * What every door answers in its vendor's shape, whatever goes wrong: one row for each door and
 * status. The rows of what only one door refuses stand in its own file.
 */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { BODY_BYTES_MAX, TOO_LARGE } from './call.ts';

let gateway: TestGateway;
/** Whose keys may send ten requests in ten seconds. */
let strict: TestGateway;
/** Whose database is not what it was. */
let broken: TestGateway;
let slug: string;
let key: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { bodyBytesMax: BODY_BYTES_MAX } });
  const { databaseUrl } = gateway;
  strict = await startTestGateway({ databaseUrl, config: { keyRequestsPerSecond: 1 } });
  broken = await startTestGateway();
  await broken.db.write.query('alter table api_keys rename to nobody_knows');
  ({ slug, key } = await gateway.workspace());
});
afterAll(async () => {
  await broken[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

interface Shape {
  readonly id: string;
  /** One that writes, or asks with a body. */
  readonly path: () => string;
  readonly method: string;
  readonly body: string;
  /** One that records an event, where `body` records none; null where the door only reads. */
  readonly event?: (() => string) | null;
  readonly type?: string;
  readonly credential: (secret: string) => Record<string, string>;
  readonly noPath: string;
  readonly wrongMethod: string;
  readonly allow: string;
  /** One that is read, for HEAD. */
  readonly readPath: () => string;
  readonly contentType?: string;
  /** Its errors are sentences, not JSON. */
  readonly isText?: boolean;
  /** The body of an error of this status; `text` is any. */
  readonly error: (status: number, code: string) => unknown;
  /** What is sent with this media type is refused; absent: every type is taken. */
  readonly wrongType?: string;
}

const EVENT_ID = '0197a000-0000-7000-8000-000000000001';
const TIME = '2026-01-01T00:00:00Z';
const text = expect.any(String) as string;
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const EVENTS = '/api/v2/usage/events';

const SHAPES: readonly Shape[] = [
  {
    ...{ id: 'SPK', method: 'POST', body: '[]', credential: s => ({ 'x-api-key': s }) },
    path: () => `/v1/workspace/${slug}/events`,
    readPath: () => `/v1/workspace/${slug}/events`,
    ...{ noPath: '/v1/workspace/x/y', wrongMethod: 'PATCH', allow: 'POST, GET, HEAD, OPTIONS' },
    error: status => ({ message: text, status_code: status }),
    wrongType: 'text/plain',
    event: () =>
      JSON.stringify([
        {
          ...{ id: EVENT_ID, interaction_type: 'CLI_EXEC', execution_id: EVENT_ID, success: true },
          ...{ created_at: TIME, local_started_at: TIME, workspace_id: slug },
          ...{ speakeasy_api_key_name: 'k', speakeasy_version: '1' },
        },
      ]),
  },
  {
    ...{ id: 'LS', method: 'PUT', body: '[]' },
    credential: s => ({ 'logspace.space-token': s }),
    ...{ path: () => '/api/events', readPath: () => '/events' },
    ...{ noPath: '/events/x', wrongMethod: 'DELETE', allow: 'PUT, POST, GET, HEAD, OPTIONS' },
    error: (_status, type) => ({ type, message: text, parameters: expect.any(Object) as object }),
    event: () => JSON.stringify([{ id: 'e', system: 'host', 'agent-id': 'a', timestamp: TIME }]),
  },
  {
    ...{ id: 'GEN', method: 'POST', body: '{"interval":"2026-01-01/2026-01-02"}' },
    ...{
      credential: bearer,
      path: () => `${EVENTS}/query`,
      readPath: () => `${EVENTS}/definitions`,
    },
    ...{ noPath: '/api/v2/users', wrongMethod: 'PUT', allow: 'POST, OPTIONS' },
    error: (status, code) => ({
      ...{ message: text, code, status, messageWithParams: text, contextId: text },
      ...{ messageParams: expect.any(Object) as object, details: [], errors: [] },
    }),
    wrongType: 'text/plain',
    event: null,
  },
  {
    ...{ id: 'AK', method: 'POST', body: '{"action":"login","app":"a"}', credential: bearer },
    path: () => '/api/v3/events/events/',
    readPath: () => '/api/v3/events/events/actions/',
    ...{ noPath: '/api/v3/core/users/', wrongMethod: 'PUT', allow: 'POST, GET, HEAD, OPTIONS' },
    error: () => ({ detail: text }),
    wrongType: 'text/plain',
  },
  {
    ...{ id: 'LSH', method: 'POST', credential: bearer, path: () => '/api/event' },
    ...{ body: '{"workspace":"w","event":"e"}', readPath: () => '' },
    ...{ noPath: '/api/event/list', wrongMethod: 'GET', allow: 'POST, OPTIONS' },
    error: (_status, name) => ({ status: false, name, message: text }),
    wrongType: 'text/plain',
    event: () => JSON.stringify({ workspace: slug, event: 'e' }),
  },
  {
    ...{ id: 'CE', method: 'POST', body: '[]', credential: bearer },
    type: 'application/cloudevents-batch+json',
    ...{ path: () => '/cloudevents', readPath: () => '/cloudevents' },
    ...{ noPath: '/cloudevents/x', wrongMethod: 'PUT', allow: 'POST, GET, HEAD, OPTIONS' },
    contentType: 'application/problem+json',
    error: (status, code) => ({ type: 'about:blank', status, title: text, code }),
    wrongType: 'text/plain',
    event: () => JSON.stringify([{ specversion: '1.0', id: 'e', source: '/s', type: 't' }]),
  },
  {
    ...{ id: 'OTLP', method: 'POST', body: '{}', credential: bearer, path: () => '/v1/logs' },
    ...{ readPath: () => '', noPath: '/v1/logs/x', wrongMethod: 'GET', allow: 'POST, OPTIONS' },
    error: (_status, code) => ({ code: Number(code), message: text }),
    wrongType: 'text/plain',
    event: () =>
      JSON.stringify({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'b' } }] }] }],
      }),
  },
  {
    ...{ id: 'SEG', method: 'POST', body: '{"userId":"u","event":"e"}', path: () => '/v1/track' },
    credential: s => ({ authorization: `Basic ${Buffer.from(`${s}:`).toString('base64')}` }),
    ...{ readPath: () => '', noPath: '/v1/track/x', wrongMethod: 'GET', allow: 'POST, OPTIONS' },
    error: () => ({ success: false, message: text }),
  },
  {
    ...{ id: 'PH', method: 'POST', body: '{"event":"e","distinct_id":"a"}', credential: bearer },
    ...{ path: () => '/capture/', readPath: () => '', noPath: '/capture/x' },
    ...{ wrongMethod: 'GET', allow: 'POST, OPTIONS', contentType: 'text/plain; charset=utf-8' },
    ...{ error: () => text, isText: true },
  },
  {
    ...{ id: 'SNAG', method: 'POST', credential: bearer, path: () => '/v1/log' },
    ...{ body: '{"project":"p","channel":"c","event":"e"}', readPath: () => '' },
    event: () => JSON.stringify({ project: slug, channel: 'c', event: 'e' }),
    ...{ noPath: '/v1/log/x', wrongMethod: 'GET', allow: 'POST, OPTIONS' },
    ...{ error: () => ({ message: text }), wrongType: 'text/plain' },
  },
  {
    ...{ id: 'RT', method: 'POST', readPath: () => '', wrongMethod: 'GET', allow: 'POST, OPTIONS' },
    path: () => `/publisher/v1/project/${slug}/event`,
    body: '{"action":"a","crud":"c","is_anonymous":true}',
    credential: s => ({ authorization: `token=${s}` }),
    noPath: '/publisher/v1/project/x/y',
    error: status => ({ status, type: 'Error', error: text }),
    wrongType: 'text/plain',
  },
];

/** The vendor's word for a status, where it has one. */
const CODES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  LS: {
    ...{ 404: 'NOT_FOUND', 405: 'METHOD_NOT_ALLOWED', 413: 'PAYLOAD_TOO_LARGE' },
    ...{ 415: 'UNSUPPORTED_MEDIA_TYPE', 429: 'RATE_LIMITED', 500: 'EVENT_STORAGE_FAILED' },
  },
  GEN: {
    ...{ 404: 'not.found', 405: 'method.not.allowed', 413: 'request.entity.too.large' },
    ...{ 415: 'unsupported.media.type', 429: 'too.many.requests.retry.after' },
    500: 'internal.server.error',
  },
  LSH: {
    ...{ 404: 'not_found', 405: 'method_not_allowed', 413: 'payload_too_large' },
    ...{ 415: 'unsupported_media_type', 429: 'rate_limit_exceeded', 500: 'internal_server_error' },
  },
  CE: {
    ...{ 404: 'NOT_FOUND', 405: 'METHOD_NOT_ALLOWED', 413: 'PAYLOAD_TOO_LARGE' },
    ...{ 415: 'UNSUPPORTED_MEDIA_TYPE', 429: 'RATE_LIMITED', 500: 'INTERNAL_SERVER_ERROR' },
  },
  // Of google.rpc.Code.
  OTLP: { 404: '5', 405: '12', 413: '3', 415: '3', 429: '8', 500: '13' },
};

/** Where it is another one for a quota than for a rate. */
const QUOTA_CODES: Readonly<Record<string, string>> = {
  ...{ LS: 'QUOTA_EXCEEDED', CE: 'QUOTA_EXCEEDED' },
};

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Without any header of fetch's own. */
function send(
  url: string,
  method: string,
  { body = '', headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method, headers }, answer => {
      let read = '';
      answer.setEncoding('utf8').on('data', chunk => (read += String(chunk)));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: read }),
      );
    });
    sending.on('error', reject).end(body);
  });
}

describe.each(SHAPES)('$id', shape => {
  const { id, method, path, body, type = 'application/json', contentType } = shape;
  const headers = (extra: Record<string, string> = {}, secret = key) => ({
    ...{ 'content-type': type, ...shape.credential(secret) },
    ...extra,
  });
  const expectError = (answered: Answered, status: number, code = CODES[id]?.[status] ?? '') => {
    expect(answered.status, answered.text).toBe(status);
    expect(answered.headers['content-type']).toBe(contentType ?? 'application/json');
    const told: unknown = shape.isText === true ? answered.text : JSON.parse(answered.text);
    expect(told).toEqual(shape.error(status, code));
  };

  test(`${id}-SHAPE-404 no such path`, async () => {
    for (const given of ['GET', 'POST', 'OPTIONS']) {
      expectError(await send(gateway.url + shape.noPath, given), 404);
    }
  });

  test(`${id}-SHAPE-405 another method, and what the path takes`, async () => {
    const refused = await send(gateway.url + path(), shape.wrongMethod, { headers: headers() });
    expectError(refused, 405);
    expect(refused.headers['allow']).toBe(shape.allow);
  });

  test(`${id}-SHAPE-413 a body over the limit, declared or chunked`, async () => {
    const init = { body: TOO_LARGE, headers: headers() };
    expectError(await send(gateway.url + path(), method, init), 413);
    const chunked = headers({ 'transfer-encoding': 'chunked' });
    expectError(await send(gateway.url + path(), method, { ...init, headers: chunked }), 413);
  });

  test(`${id}-SHAPE-415 another media type or encoding`, async () => {
    const br = headers({ 'content-encoding': 'br' });
    expectError(await send(gateway.url + path(), method, { body, headers: br }), 415);
    if (shape.wrongType === undefined) return;
    const odd = headers({ 'content-type': shape.wrongType });
    expectError(await send(gateway.url + path(), method, { body, headers: odd }), 415);
  });

  test(`${id}-SHAPE-429 over the rate of a key, with Retry-After`, async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) { createApiKey(input: {
        name: "busy", workspace: $slug, scopes: [EVENTS_READ, EVENTS_WRITE] }) { secret } }`,
      { slug },
    );
    const init = { body, headers: headers({}, createApiKey.secret) };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => send(strict.url + path(), method, init)),
    );
    const refused = answers.find(({ status }) => status === 429) as Answered;
    expectError(refused, 429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    if (id === 'LSH')
      expect(refused.text).toMatch(/Rate limit exceeded. Try again after \d+ seconds./);
  });

  test(`${id}-SHAPE-QUOTA a key over its quota is told when that renews, and reads`, async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) { createApiKey(input: { name: "limited", workspace: $slug,
        scopes: [EVENTS_READ, EVENTS_WRITE], eventsPerDay: 1 }) { secret } }`,
      { slug },
    );
    const init = { body: shape.event?.() ?? body, headers: headers({}, createApiKey.secret) };
    if (shape.event === null) {
      const used =
        'mutation { recordEvent(input: { event: { type: "a" } }) { receipt { status } } }';
      await gateway.data(used, {}, createApiKey.secret);
    } else {
      const first = await send(gateway.url + path(), method, init);
      expect(first.status, first.text).toBeLessThan(300);
      expect(first.headers['ratelimit']).toMatch(/^"events-per-day";r=0;t=\d+$/);
      const refused = await send(gateway.url + path(), method, init);
      expectError(refused, 429, QUOTA_CODES[id]);
      expect(refused.text).toMatch(/quota of this key is 1 event a day/);
      expect(refused.text).toMatch(/renews at \d{4}-\d\d-\d\dT00:00:00\.000Z/);
      const retryAfter = Number(refused.headers['retry-after']);
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(86_400);
      if (id === 'SEG') expect(refused.headers['x-ratelimit-reset']).toBe(String(retryAfter));
    }
    if (shape.readPath() === '') return;
    const read = await send(gateway.url + shape.readPath(), 'GET', { headers: init.headers });
    expect(read.status, read.text).toBe(200);
  });

  test(`${id}-SHAPE-500 a fault of ours, and nothing of the insides`, async () => {
    const init = { body, headers: headers({}, randomUUID()) };
    const answered = await send(broken.url + path(), method, init);
    expectError(answered, 500);
    expect(answered.text).not.toMatch(/api_keys|nobody|relation|select/i);
  });

  test(`${id}-SHAPE-HEAD as GET, without a body`, async () => {
    if (shape.readPath() === '') {
      const refused = await send(gateway.url + path(), 'HEAD', { headers: headers() });
      expect([refused.status, refused.text, refused.headers['allow']]).toEqual([
        405,
        '',
        shape.allow,
      ]);
      return;
    }
    const url = gateway.url + shape.readPath();
    const [head, get] = [
      await send(url, 'HEAD', { headers: headers() }),
      await send(url, 'GET', { headers: headers() }),
    ];
    expect([head.status, head.text]).toEqual([200, '']);
    expect(get.text.length).toBeGreaterThan(0);
    for (const name of ['content-type', 'content-length']) {
      expect(head.headers[name]).toBe(get.headers[name]);
    }
  });

  test(`${id}-SHAPE-OPTIONS what the path takes, without a key`, async () => {
    const answered = await send(gateway.url + path(), 'OPTIONS');
    expect([answered.status, answered.text, answered.headers['allow']]).toEqual([
      ...[204, '', shape.allow],
    ]);
  });
});
