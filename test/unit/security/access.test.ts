import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { startEdge } from '../graphql-http/kit/edge.ts';

const edge = await startEdge();
afterAll(() => edge[Symbol.asyncDispose]());

const INTROSPECTION = '{ __schema { queryType { name } } }';

describe('without a key', () => {
  test.for([
    '{ hello }',
    INTROSPECTION,
    '{ __type(name: "Query") { name } }',
    'mutation { noop }',
    '{ __typename ...F } fragment F on Query { hello }',
  ])('%s is refused before any resolver', async query => {
    edge.seen.resolved = 0;
    const answer = await edge.post({ query }, { authorization: null });
    expect(answer).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.json).not.toHaveProperty('data');
    expect(edge.seen.resolved).toBe(0);
  });

  test('a sign of life is given', async () => {
    const answer = await edge.post({ query: '{ __typename }' }, { authorization: null });
    expect(answer).toMatchObject({ status: 200, json: { data: { __typename: 'Query' } } });
  });

  test('the schema is shown where the setting says so', async () => {
    await using open = await startEdge({ introspection: 'open' });
    expect((await open.post({ query: INTROSPECTION }, { authorization: null })).codes).toEqual([]);
    expect((await open.post({ query: '{ hello }' }, { authorization: null })).status).toBe(401);
  });
});

describe('a caller is known before its body is looked at', () => {
  const heavy = `{"query":"{ __typename }","variables":{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`).join()}}}`;

  test.for([
    ['a wrong key', 'Bearer wrong', heavy, 401],
    ['a wrong key and a body that is none', 'Bearer wrong', '{"quer', 401],
    ['no key and much to read', null, heavy, 401],
    ['no key and little', null, '{"quer', 400],
  ] as const)('%s', async ([, authorization, body, status]) => {
    const answer = await edge.post(body, { authorization });
    expect(answer.status).toBe(status);
    expect(answer.codes).toEqual([status === 401 ? 'UNAUTHENTICATED' : 'BAD_REQUEST']);
  });

  test('so a wrong key is refused while its body is still to come', async () => {
    const socket = edge.socket();
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
        'authorization: Bearer wrong\r\ncontent-length: 1000\r\n\r\n{',
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^HTTP\/1.1 401 /);
  });
});

test('a wrong key is refused, also for a sign of life', async () => {
  const answer = await edge.post({ query: '{ __typename }' }, { authorization: 'Bearer wrong' });
  expect(answer).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
});

test('with a key the context carries its principal and the schema can be read', async () => {
  expect((await edge.post({ query: '{ keyId }' })).json).toEqual({ data: { keyId: 7 } });
  expect((await edge.post({ query: INTROSPECTION })).status).toBe(200);
});

test('where keys cannot be looked up, the answer is 503 with Retry-After', async () => {
  const answer = await edge.post({ query: '{ hello }' }, { authorization: 'Bearer database-away' });
  expect(answer).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
  expect(answer.headers.get('retry-after')).toBe('1');
});

describe('CORS', () => {
  const ask = (on: typeof edge, method: string, origin: string) =>
    on.send('/graphql', { method, headers: { origin, 'access-control-request-method': 'POST' } });
  const allowed = (answer: { headers: Headers }) =>
    answer.headers.get('access-control-allow-origin');

  test('is off by default', async () => {
    const answer = await ask(edge, 'OPTIONS', 'https://app.example');
    expect(answer.status).toBe(405);
    expect(allowed(answer)).toBeNull();
    expect(allowed(await ask(edge, 'GET', 'https://app.example'))).toBeNull();
  });

  test('names the one origin that asks, if it is configured, and never null or credentials', async () => {
    const corsOrigins = ['https://app.example', 'https://other.example'];
    await using some = await startEdge({ corsOrigins });
    for (const origin of corsOrigins) {
      const answer = await ask(some, 'OPTIONS', origin);
      expect(answer.status).toBe(204);
      expect(allowed(answer)).toBe(origin);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      expect(answer.headers.get('vary')).toContain('Origin');
      expect(allowed(await ask(some, 'GET', origin))).toBe(origin);
    }
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil']) {
      expect(allowed(await ask(some, 'OPTIONS', origin))).toBeNull();
      expect(allowed(await ask(some, 'GET', origin))).toBeNull();
    }
  });
});
