/** Clients that send the hash of a document before they send its text. */
import { cacheExchange, Client, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient } from 'graphql-ws';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const TRUSTED = 'query Trusted { events(first: 1) { totalCount } }';
const QUERY = '{ events(first: 2) { totalCount } }';
const AUTHORIZED = { authorization: `Bearer ${ADMIN_KEY}` };
const JSON_TYPES = ['application/json', 'application/graphql-response+json', '*/*'];

const folder = mkdtempSync(join(tmpdir(), 'sluice-persisted-'));
let any: TestGateway;
let trusting: TestGateway;
beforeAll(async () => {
  const trustedDocuments = join(folder, 'documents.json');
  writeFileSync(trustedDocuments, JSON.stringify({ trusted: TRUSTED }));
  any = await startTestGateway();
  trusting = await startTestGateway({ config: { trustedDocuments } });
});
afterAll(async () => {
  await any[Symbol.asyncDispose]();
  await trusting[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const hashed = (text: string) => ({
  persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(text).digest('hex') },
});

function post({ url }: TestGateway, body: object, accept: string): Promise<Response> {
  const headers = { ...AUTHORIZED, accept, 'content-type': 'application/json' };
  return fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
}

function get({ url }: TestGateway, extensions: object, accept: string): Promise<Response> {
  const search = new URLSearchParams({ extensions: JSON.stringify(extensions) });
  return fetch(`${url}/graphql?${search}`, { headers: { ...AUTHORIZED, accept } });
}

const NOT_SUPPORTED = {
  errors: [
    {
      message: 'PersistedQueryNotSupported',
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
    },
  ],
};

describe.each([
  ['where any document is executed', () => any],
  ['beside trusted documents', () => trusting],
] as const)('a hash alone, %s, tells the client to send its text', (_where, gateway) => {
  test.for(JSON_TYPES)('for Accept %s', async accept => {
    const bodies = [
      { extensions: hashed(QUERY) },
      { query: '', extensions: hashed(QUERY) },
      { query: null, extensions: hashed(QUERY), variables: {}, operationName: null },
      { extensions: { persistedQuery: { version: 1 } } },
    ];
    const answers = bodies.map(body => post(gateway(), body, accept));
    for (const answer of await Promise.all([...answers, get(gateway(), hashed(QUERY), accept)])) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual(NOT_SUPPORTED);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('by WebSocket', async () => {
    const client = createClient({
      url: `${gateway().url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: AUTHORIZED,
      retryAttempts: 0,
    });
    const asked = client.iterate({ query: '', extensions: hashed(QUERY) }).next();
    await expect(asked).rejects.toMatchObject(NOT_SUPPORTED.errors);
    await client.dispose();
  });
});

test('a text beside its hash is executed, and its hash is still not known', async () => {
  for (let n = 0; n < 2; n++) {
    const body = { query: QUERY, extensions: hashed(QUERY) };
    const answer = await post(any, body, 'application/json');
    expect(await answer.json()).toEqual({ data: { events: { totalCount: 0 } } });
    const again = await get(any, hashed(QUERY), 'application/json');
    expect(await again.json()).toEqual(NOT_SUPPORTED);
  }
});

test('neither text nor hash is a malformed request', async () => {
  for (const body of [{}, { extensions: {} }, { extensions: { persistedQuery: null } }]) {
    const answer = await post(any, body, 'application/json');
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('is expected to be a string'),
    ]);
  }
});

test.each([
  ['by POST', false],
  ['by GET', true],
] as const)(
  'urql with persisted queries goes on with texts after one hash, %s',
  async (_how, byGet) => {
    const sent: string[] = [];
    const client = new Client({
      url: `${any.url}/graphql`,
      preferGetMethod: byGet,
      exchanges: [
        cacheExchange,
        persistedExchange({ preferGetForPersistedQueries: byGet, enableForMutation: true }),
        fetchExchange,
      ],
      fetchOptions: { headers: AUTHORIZED },
      fetch: (url, init) => {
        const said = `${decodeURIComponent(String(url))} ${String(init?.body ?? '')}`;
        sent.push(/query=|"query":"/.test(said) ? 'text' : 'hash');
        return fetch(url, init);
      },
    });
    for (const first of [1, 2, 3]) {
      const query = gql(`query Q${first} { events(first: ${first}) { totalCount } }`);
      const { data, error } = await client.query(query, {}).toPromise();
      expect(error).toBeUndefined();
      expect(data).toMatchObject({ events: { totalCount: 0 } });
    }
    expect(sent).toEqual(['hash', 'text', 'text', 'text']);
  },
);
