/**
 * One row for each MUST of the HQ event API, with a stable id. The agents' own bytes are in
 * `test/fixtures/doors/logspace`.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/doors/logspace/json.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
/** Of the space `default`. */
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation { createApiKey(input: {
      name: "controllers", workspace: "default", scopes: [EVENTS_READ, EVENTS_WRITE]
    }) { secret } }`,
  );
  token = createApiKey.secret;
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

interface Sent {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

async function call(path: string, { method = 'GET', body, key = token, headers }: Sent = {}) {
  const response = await fetch(gateway.url + path, {
    method,
    ...(body === undefined ? {} : { body: body as BodyInit }),
    headers: { ...(key === null ? {} : { 'logspace.space-token': key }), ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const put = (body: unknown, key?: string) =>
  call('/events', { method: 'PUT', body: textOf(body), ...(key === undefined ? {} : { key }) });
const post = (path: string, body: unknown, key?: string) =>
  call(path, { method: 'POST', body: textOf(body), ...(key === undefined ? {} : { key }) });

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

let ids = 0;
function event(fields: Record<string, unknown> = {}) {
  const id = `conformance-${(ids += 1)}`;
  const timestamp = new Date(Date.UTC(2020, 0, 1) + ids * 1_000).toISOString();
  return { id, type: 'test/agent', system: 'host', 'agent-id': 'agent', timestamp, ...fields };
}

async function retrieve(filter: unknown, query = '', key?: string) {
  const { status, text } = await post(`/events${query}`, filter, key);
  expect(status, text).toBe(200);
  return JSON.parse(text) as {
    totalCount: number;
    nextCursorMark: string;
    events: Record<string, unknown>[];
  };
}

const withId = (id: string) => ({ elements: [{ property: 'id', value: id }] });

async function quarantined(slug: string) {
  const { workspace } = await gateway.data<{
    workspace: { quarantinedEvents: { nodes: { event: object; problems: { code: string }[] }[] } };
  }>(
    `query($slug: String!) { workspace(slug: $slug) {
      quarantinedEvents(first: 100) { nodes { event problems { code pointer } } } } }`,
    { slug },
  );
  return workspace.quarantinedEvents.nodes;
}

async function keyOf(scopes: string): Promise<string> {
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation { createApiKey(input: { name: "x", workspace: "default", scopes: ${scopes} }) { secret } }`,
  );
  return createApiKey.secret;
}

/** The bytes as they stand, with our token and port, over a socket. */
async function replay(agent: string): Promise<string> {
  const raw = readFileSync(`test/fixtures/doors/logspace/${agent}.http`, 'utf8');
  const { hostname, port } = new URL(gateway.url);
  const request = raw
    .replace('logspace.space-token: development', `logspace.space-token: ${token}`)
    .replace('Connection: Keep-Alive', 'Connection: close');
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setEncoding('utf8').on('data', chunk => (answer += chunk));
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

describe('storing', () => {
  test.each([
    ['LS-STORE-01', 'agent-0.2.0'],
    ['LS-STORE-02', 'agent-0.3.2'],
    ['LS-STORE-03', 'agent-master'],
  ])(
    '%s: what %s sends is accepted with 202 and no body, and comes out again',
    async (_, agent) => {
      const answer = await replay(agent);
      expect(answer).toMatch(/^HTTP\/1\.1 202 /);
      expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe('');

      const raw = readFileSync(`test/fixtures/doors/logspace/${agent}.http`, 'utf8');
      const sent = raw.slice(raw.indexOf('\r\n\r\n') + 4);
      const [first] = /"id":"([^"]+)"/.exec(sent)!.slice(1);
      const { text } = await post('/events?form=sent', withId(first!));
      const came = parseJson(text.slice(text.indexOf('"events":[') + 10, -2));
      expect(numbersByValue(came)).toEqual(numbersByValue((parseJson(sent) as never[])[0]!));
      expect(text.includes('9223372036854775807')).toBe(agent !== 'agent-0.2.0');
    },
  );

  test('LS-STORE-04: PUT and POST of an array store on both paths', async () => {
    for (const path of ['/events', '/api/events']) {
      for (const method of ['PUT', 'POST']) {
        const sent = event();
        const answer = await call(path, { method, body: JSON.stringify([sent]) });
        expect([answer.status, answer.text]).toEqual([202, '']);
        expect((await retrieve(withId(sent.id))).events).toEqual([sent]);
      }
    }
  });

  test('LS-STORE-05: an empty array is accepted', async () => {
    expect(await put('[]')).toMatchObject({ status: 202, text: '' });
    expect(await post('/events', ' []')).toMatchObject({ status: 202, text: '' });
  });

  test('LS-STORE-06: the same events again are accepted and stored once', async () => {
    const sent = event();
    expect((await put([sent])).status).toBe(202);
    expect((await put([sent, sent])).status).toBe(202);
    expect((await retrieve(withId(sent.id))).totalCount).toBe(1);
  });

  test('LS-STORE-07: what can’t be recorded is accepted into quarantine, the rest recorded', async () => {
    const { slug, key } = await gateway.workspace();
    const good = event();
    const sent = [
      good,
      { ...good, system: 'other' },
      event({ 'integer-properties': { i: 2_147_483_648 } }),
      event({ foo: 1 }),
      event({ 'string-properties': { s: 'a\u0000b' } }),
      event({ 'string-properties': { s: '\ud800' } }),
      event({ 'string-properties': { s: 'x'.repeat(32_769) } }),
      { id: 'only' },
      7,
    ];
    expect((await put(sent, key)).status).toBe(202);
    expect((await retrieve({}, '', key)).events).toEqual([good]);
    const kept = await quarantined(slug);
    expect(kept.map(({ problems }) => problems[0]!.code).sort()).toEqual([
      'EVENT_INVALID',
      'FIELD_REQUIRED',
      'FIELD_UNKNOWN',
      'ID_CONFLICT',
      'PROPERTY_INVALID',
      'PROPERTY_INVALID',
      'TEXT_INVALID',
      'TEXT_INVALID',
    ]);
    const unstorable = kept.filter(({ problems }) => problems[0]!.code === 'TEXT_INVALID');
    expect(JSON.stringify(unstorable)).toContain(String.raw`a\\u0000b`);
    expect((await put(sent, key)).status).toBe(202);
    expect(await quarantined(slug)).toHaveLength(kept.length);
  });

  test('LS-STORE-08: a fraction of an integer is cut off, numbers become texts', async () => {
    const body = JSON.stringify([
      event({ 'integer-properties': { i: 4.7 }, 'string-properties': { s: 1 } }),
    ]);
    expect((await put(body.replace('"s":1', '"s":1.50'))).status).toBe(202);
    const { events } = await retrieve(withId(`conformance-${ids}`));
    expect(events).toMatchObject([
      { 'integer-properties': { i: [4] }, 'string-properties': { s: ['1.50'] } },
    ]);
  });

  test('LS-STORE-09: a name under two types, repeated keys and several values are kept', async () => {
    const body = JSON.stringify([event()]).replace(
      '}]',
      ',"long-properties":{"x":1,"x":[9007199254740993,2]},"double-properties":{"x":1,"n":NaN}}]',
    );
    expect((await put(body)).status).toBe(202);
    const { text } = await post('/events', withId(`conformance-${ids}`));
    expect(text).toContain('"double-properties":{"n":["NaN"],"x":[1]}');
    expect(text).toContain('"long-properties":{"x":[1,9007199254740993,2]}');
  });

  test.each([
    ['[{"id":1,]', 'Could not parse'],
    ['[1] x', 'Could not parse'],
    ['{"a":1}', 'Expected an array of events.'],
    ['', 'Could not parse'],
    [Buffer.from([0x5b, 0xff, 0x5d]), 'The body is not UTF-8.'],
    ['['.repeat(100), 'at most 64 levels'],
  ])('LS-STORE-10: %s is refused with 400 in HQ’s shape', async (body, message) => {
    const answer = await call('/events', { method: 'PUT', body });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/json');
    const error = JSON.parse(answer.text) as { message: string };
    expect(error).toMatchObject({ type: 'UNPARSABLE_PARAMETER_VALUE', parameters: {} });
    expect(error.message).toContain(message);
  });

  test('LS-STORE-11: an event is read through GraphQL as any other, its properties with their types', async () => {
    const { slug, key } = await gateway.workspace();
    const sent = event({
      pid: 'p-1',
      gid: 'g-1',
      'long-properties': { l: [1] },
      'date-properties': { d: ['2015-05-18T14:07:00.123Z'] },
    });
    await put([sent], key);
    const { workspace } = await gateway.data<{ workspace: unknown }>(
      `query($slug: String!) { workspace(slug: $slug) { events(first: 5) { nodes {
        eventId type source subject parentId groupId door occurredAt
        properties { name type values } } } } }`,
      { slug },
    );
    expect(workspace).toEqual({
      events: {
        nodes: [
          {
            ...{ eventId: sent.id, type: 'test/agent', source: 'host', subject: 'agent' },
            ...{ parentId: 'p-1', groupId: 'g-1', door: 'LOGSPACE', occurredAt: sent.timestamp },
            properties: [
              { name: 'd', type: 'DATE', values: ['2015-05-18T14:07:00.123Z'] },
              { name: 'l', type: 'LONG', values: ['1'] },
            ],
          },
        ],
      },
    });
  });
});

describe('batches', () => {
  test('LS-STORE-12: a thousand events are one call, more than ten thousand are 413', async () => {
    const { key } = await gateway.workspace();
    const many = Array.from({ length: 1_000 }, () => event());
    expect((await put(many, key)).status).toBe(202);
    expect((await retrieve({}, '?count=0', key)).totalCount).toBe(1_000);
    const small = { ...event(), id: 'x' };
    const refused = await put(`[${`${JSON.stringify(small)},`.repeat(10_000)}{}]`);
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      413,
      { type: 'PAYLOAD_TOO_LARGE', parameters: {} },
    ]);
    expect((await retrieve(withId('x'))).totalCount).toBe(0);
  });

  test('LS-STORE-13: fields come in any order, and null is as absent', async () => {
    const sent = event({ pid: null, gid: null, marker: null, 'long-properties': null });
    const reversed = Object.fromEntries(Object.entries(sent).reverse());
    expect((await put([reversed])).status).toBe(202);
    const { id, type, system, timestamp } = sent;
    const expected = { id, type, system, 'agent-id': 'agent', timestamp };
    expect((await retrieve(withId(id))).events).toEqual([expected]);
  });
});

/** Numbers by their value, members by name. */
function numbersByValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numbersByValue);
  if (typeof value !== 'object' || value === null) return value;
  if ('literal' in value) return Number(value.literal);
  const { names, values } = value as { names: string[]; values: unknown[] };
  return names.map((name, at) => [name, numbersByValue(values[at])]).sort();
}

describe('tokens', () => {
  test.each([[null], ['  ']])('LS-TOKEN-01: a missing or blank token (%j) is 403', async key => {
    const answer = await call('/events', { method: 'PUT', body: '[]', key });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toEqual({
      type: 'MISSING_SPACE_TOKEN',
      message: "Missing header 'logspace.space-token'.",
      parameters: {},
    });
  });

  test('LS-TOKEN-02: an unknown token is 403 and told back, cut short', async () => {
    const answer = await call('/api/events', { key: 'nobody' });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      403,
      {
        type: 'INVALID_SPACE_TOKEN',
        message: "Unrecognized space-token 'nobody'.",
        parameters: { 'space-token': 'nobody' },
      },
    ]);
    const long = await call('/events', { key: 'x'.repeat(200) });
    const { parameters } = JSON.parse(long.text) as { parameters: Record<string, string> };
    expect(parameters['space-token']).toHaveLength(64);
  });

  test('LS-TOKEN-03: a key sees and writes its own workspace only', async () => {
    const [a, b] = [await gateway.workspace(), await gateway.workspace()];
    const sent = event();
    await put([sent], a.key);
    expect((await retrieve(withId(sent.id), '', a.key)).totalCount).toBe(1);
    expect((await retrieve(withId(sent.id), '', b.key)).totalCount).toBe(0);
  });

  test('LS-TOKEN-04: scopes hold', async () => {
    const [reader, writer] = [await keyOf('[EVENTS_READ]'), await keyOf('[EVENTS_WRITE]')];
    expect((await put([event()], writer)).status).toBe(202);
    expect((await post('/events', [event()], writer)).status).toBe(202);
    expect((await put([event()], reader)).status).toBe(403);
    expect((await post('/events', '{}', writer)).status).toBe(403);
    expect((await post('/events', [event()], reader)).status).toBe(403);
    expect((await post('/events', '{}', reader)).status).toBe(200);
    const refused = await call('/events', { key: writer });
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      403,
      { type: 'FORBIDDEN', parameters: {} },
    ]);
  });

  test('LS-ERROR-01: 404, 405 and 413 have HQ’s shape, OPTIONS and HEAD are answered', async () => {
    const missing = await call('/native-query');
    expect([missing.status, JSON.parse(missing.text)]).toMatchObject([
      404,
      { type: 'NOT_FOUND', parameters: {} },
    ]);
    const method = await call('/events', { method: 'DELETE' });
    expect([method.status, JSON.parse(method.text).parameters]).toEqual([405, {}]);
    expect(method.headers.get('allow')).toContain('PUT');
    const large = await put(`[${' '.repeat(10_485_760)}]`);
    expect([large.status, JSON.parse(large.text)]).toMatchObject([
      413,
      { type: 'PAYLOAD_TOO_LARGE' },
    ]);
    expect((await call('/events', { method: 'OPTIONS' })).status).toBe(204);
    expect(await call('/events', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });
});
