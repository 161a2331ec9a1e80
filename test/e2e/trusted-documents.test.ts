import { createClient } from 'graphql-ws';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { readTrustedDocuments } from '../../src/graphql-http/trusted-documents.ts';
import { schema } from '../../src/graphql/schema.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

const LIST = 'query List { events(first: 3) { nodes { type } } }';
const RECORD = `mutation Record($type: String!) {
  recordEvent(input: { event: { type: $type } }) { receipt { status } } }`;
const WATCH = 'subscription Watch { events(start: BEGINNING) { node { type } } }';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const folder = mkdtempSync(join(tmpdir(), 'sluice-trusted-'));
const file = (name: string, content: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

let gateway: TestGateway;
beforeAll(async () => {
  const trustedDocuments = file('documents.json', { list: LIST, record: RECORD, watch: WATCH });
  gateway = await startTestGateway({ config: { trustedDocuments } });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function post(body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${ADMIN_KEY}`,
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const byHash = (text: string) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: sha256(text) } },
});

describe('a trusted document is executed', () => {
  test.for([
    ['by its id', { documentId: 'list' }],
    ['by its hash', { documentId: `sha256:${sha256(LIST)}` }],
    ['by its hash, as Apollo’s clients send it', byHash(LIST)],
    ['by its text', { query: LIST }],
    ['by its text beside a hash of another spelling', { query: LIST, ...byHash(`${LIST} `) }],
  ] as const)('%s', async ([, body]) => {
    for (let n = 0; n < 2; n++) {
      const { status, text } = await post(body);
      expect(status, text).toBe(200);
      expect(JSON.parse(text)).toHaveProperty('data.events.nodes');
    }
  });

  test('with variables, as often as one likes', async () => {
    for (let n = 0; n < 3; n++) {
      const { text } = await post({ documentId: 'record', variables: { type: 'a' } });
      expect(text).toBe('{"data":{"recordEvent":{"receipt":{"status":"RECORDED"}}}}');
    }
  });

  test('by GET', async () => {
    const response = await fetch(`${gateway.url}/graphql?documentId=list`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(await response.json()).toHaveProperty('data.events');
  });

  test('as a stream, over either transport', async () => {
    const stream = await fetch(`${gateway.url}/graphql?documentId=watch`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}`, accept: 'text/event-stream' },
    });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await stream.body?.cancel();
    const client = ws();
    const first = await client.iterate({ query: '', ...byHash(WATCH) }).next();
    expect(first.value).toHaveProperty('data.events');
    await client.dispose();
  });
});

function ws() {
  return createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${ADMIN_KEY}` },
    retryAttempts: 0,
  });
}

describe('any other is refused with its code', () => {
  test.for([
    ['a text', { query: '{ __typename }' }],
    ['a text that differs by a space', { query: `${LIST} ` }],
    ['an unknown id', { documentId: 'other' }],
    ['a text beside its hash', { query: '{ __typename }', ...byHash('{ __typename }') }],
    ['a text beside a trusted hash', { query: '{ __typename }', ...byHash(LIST) }],
    ['a text beside an unknown id', { documentId: 'other', query: LIST }],
    ['introspection', { query: '{ __schema { queryType { name } } }' }],
  ] as const)('%s', async ([, body]) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const { status, text } = await post(body, { accept });
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({
        errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }],
      });
    }
  });

  test('as a stream, over either transport', async () => {
    const query = 'subscription { events { position } }';
    const { text } = await post({ query }, { accept: 'text/event-stream' });
    expect(text).toContain('DOCUMENT_NOT_TRUSTED');
    const client = ws();
    await expect(client.iterate({ query }).next()).rejects.toMatchObject([
      { extensions: { code: 'DOCUMENT_NOT_TRUSTED' } },
    ]);
    await client.dispose();
  });

  test('and a key is still asked for', async () => {
    const { status } = await post({ documentId: 'list' }, { authorization: 'Bearer wrong' });
    expect(status).toBe(401);
  });
});

describe('the file', () => {
  test('may be one that Apollo’s tools write', () => {
    const operations = [{ id: 'x1', name: 'List', type: 'query', body: LIST }];
    const path = file('apollo.json', { format: 'apollo-persisted-query-manifest', operations });
    const documents = readTrustedDocuments(path, schema);
    expect([documents.byId('x1'), documents.has(LIST)]).toEqual([LIST, true]);
  });

  test.for([
    ['no JSON', '{', 'documents'],
    ['a list', [], 'an object of texts'],
    ['no texts', { a: 1 }, 'an object of texts'],
    ['no GraphQL', { a: '{' }, '"a": Syntax Error'],
    [
      'what can’t even be judged',
      { watch: 'subscription { events @skip { position } }' },
      '"watch": Argument "if" of required type',
    ],
    ['another schema’s', { good: LIST, bad: '{ nothing }' }, '"bad": Cannot query field'],
  ] as const)('that holds %s keeps the gateway from starting', ([, content, why]) => {
    const path = file('faulty-documents.json', content);
    expect(() => readTrustedDocuments(path, schema)).toThrow(why);
    expect(() => readTrustedDocuments(path, schema)).toThrow('SLUICE_TRUSTED_DOCUMENTS');
  });

  test('that is not there keeps the gateway from starting', () => {
    expect(() => readTrustedDocuments(join(folder, 'none.json'), schema)).toThrow('none.json');
  });
});
