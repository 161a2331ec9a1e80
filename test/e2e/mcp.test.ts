/** The Model Context Protocol, over HTTP and over `sluice mcp`, by its own client. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { sluiceProgram } from '../kit/program.ts';
import { sluice } from './cli/run.ts';

let gateway: TestGateway;
let mine: { slug: string; key: string };
let theirs: { slug: string; key: string };
/** Of mine, for reading alone and for recording alone. */
let readKey: string;
let writeKey: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { bodyBytesMax: 300_000 } });
  mine = await gateway.workspace();
  theirs = await gateway.workspace();
  [readKey, writeKey] = await Promise.all([keyFor('EVENTS_READ'), keyFor('EVENTS_WRITE')]);
  await gateway.data(
    `mutation($slug: String!) {
      defineEvent(input: { workspace: $slug, name: "order.placed", title: "Order placed",
        description: "A customer has paid.", measures: ["total"],
        payloadSchema: { type: "object", required: ["total"] } }) { definition { name } } }`,
    { slug: mine.slug },
  );
  await record(mine.slug, [
    event('o-1', '2026-01-01T10:00:00Z', { subject: 'c-1', payload: { total: 10, plan: 'pro' } }),
    event('o-2', '2026-01-01T11:00:00Z', { subject: 'c-2', payload: { total: 20, plan: 'free' } }),
    event('o-3', '2026-01-02T10:00:00Z', { subject: 'c-1', payload: { total: 30, plan: 'pro' } }),
    event('p-1', '2026-01-02T10:01:00Z', { type: 'parcel.sent', parentId: 'o-3' }),
    event('p-2', '2026-01-02T10:02:00Z', { type: 'parcel.sent', parentId: 'o-3' }),
  ]);
  await record(theirs.slug, [event('secret', '2026-01-01T10:00:00Z', { subject: 'theirs-alone' })]);
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function keyFor(scope: string): Promise<string> {
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation($slug: String!) { createApiKey(input: {
      name: "agent", workspace: $slug, scopes: [${scope}] }) { secret } }`,
    { slug: mine.slug },
  );
  return createApiKey.secret;
}

function event(id: string, occurredAt: string, more: object): object {
  return { id, type: 'order.placed', occurredAt, source: 'shop', ...more };
}

async function record(workspace: string, events: readonly object[]): Promise<void> {
  await gateway.data(
    'mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }',
    { input: { workspace, events, atomic: true } },
  );
}

async function connected(transport: Transport): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return client;
}

function byHttp(key: string, url = gateway.url): Promise<Client> {
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit });
  return connected(transport as Transport);
}

function byStdio(key: string, url = gateway.url): Promise<Client> {
  const [args, env] = [[...sluiceProgram(), 'mcp'], { SLUICE_URL: url, SLUICE_KEY: key }];
  const command = process.execPath;
  return connected(
    new StdioClientTransport({ command, args, env: { ...(process.env as typeof env), ...env } }),
  );
}

interface Told {
  readonly isError: boolean;
  readonly text: string;
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<Told> {
  const { isError = false, content } = await client.callTool({ name, arguments: args });
  const [{ text }] = content as [{ text: string }];
  return { isError: isError as boolean, text };
}

async function read<T>(client: Client, name: string, args: Record<string, unknown>): Promise<T> {
  const { isError, text } = await call(client, name, args);
  expect(isError, text).toBe(false);
  return JSON.parse(text) as T;
}

const READING = [
  ...['list_workspaces', 'list_event_types', 'get_event_type'],
  ...['query_events', 'get_event', 'aggregate_events'],
];

describe.each([
  ['HTTP', byHttp],
  ['sluice mcp', byStdio],
] as const)('MCP over %s', (_, connect) => {
  test('shows a key the tools of its scopes: a key for reading alone can only read', async () => {
    const reader = await connect(readKey);
    const { tools } = await reader.listTools();
    expect(tools.map(({ name }) => name)).toEqual(READING);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
    expect(await call(reader, 'record_events', { events: [{ type: 't' }] })).toMatchObject({
      ...{ isError: true, text: expect.stringContaining('not found') as string },
    });
    const writer = await connect(writeKey);
    expect((await writer.listTools()).tools).toMatchObject([
      { name: 'record_events', annotations: { readOnlyHint: false } },
    ]);
  });

  test('answers every tool', async () => {
    const client = await connect(readKey);
    expect(await read(client, 'list_workspaces', {})).toMatchObject({
      workspaces: [{ slug: mine.slug }],
    });
    expect(await read(client, 'list_event_types', { namePrefix: 'order.' })).toMatchObject({
      eventTypes: [{ name: 'order.placed', title: 'Order placed', eventCount: 3 }],
    });
    expect(await read(client, 'get_event_type', { name: 'order.placed' })).toMatchObject({
      ...{ description: 'A customer has paid.', measures: ['total'] },
      payloadSchema: { required: ['total'] },
    });
    const found = await read(client, 'query_events', {
      ...{ types: ['order.placed'], from: '2026-01-01T00:00:00Z' },
      payload: [{ path: ['total'], greaterThan: 10 }],
    });
    expect(found).toEqual({
      events: [
        {
          ...{ eventId: 'o-3', type: 'order.placed', occurredAt: '2026-01-02T10:00:00.000Z' },
          ...{ source: 'shop', subject: 'c-1', payload: { total: 30, plan: 'pro' } },
        },
        expect.objectContaining({ eventId: 'o-2' }),
      ],
    });
    expect(await read(client, 'get_event', { eventId: 'o-3', children: 1 })).toMatchObject({
      ...{ eventId: 'o-3', payload: { total: 30, plan: 'pro' }, childrenAfter: expect.any(String) },
      children: [{ eventId: 'p-1', parentId: 'o-3' }],
    });
    expect(await read(client, 'get_event', { eventId: 'p-1' })).toMatchObject({
      parent: { eventId: 'o-3' },
    });
    const counted = await read(client, 'aggregate_events', {
      ...{ types: ['order.placed'], from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' },
      ...{ granularity: 'DAY', timeZone: 'UTC', groupBy: ['TYPE', ['plan']] },
      measures: [{ function: 'SUM', payloadPath: ['total'] }],
    });
    expect(counted).toMatchObject({
      rows: expect.arrayContaining([
        expect.objectContaining({
          ...{ start: '2026-01-02T00:00:00.000Z', count: 1, measures: { 'SUM total': 30 } },
          group: { TYPE: 'order.placed', plan: 'pro' },
        }),
      ]) as object[],
    });
    const top = { last: 'P36500D', groupBy: ['SUBJECT'], top: true, first: 1 };
    expect(await read(client, 'aggregate_events', top)).toMatchObject({
      rows: [{ group: { SUBJECT: 'c-1' }, count: 2 }],
    });
  });

  test('records for a key that may, and tells what it refuses', async () => {
    const { slug, key } = await gateway.workspace();
    const client = await connect(key);
    const events = [
      { type: 'seen', id: 's-1', payload: { n: 1 } },
      { type: 'seen', occurredAt: '2026-01-01T00:00:00Z', id: 'x'.repeat(300) },
    ];
    expect(await read(client, 'record_events', { events })).toMatchObject({
      receipts: [
        { status: 'RECORDED', eventId: 's-1' },
        { status: 'REJECTED', problems: [{ code: 'TEXT_TOO_LONG', pointer: '/id' }] },
      ],
    });
    expect(await read(client, 'query_events', { workspace: slug })).toMatchObject({
      events: [{ eventId: 's-1', payload: { n: 1 } }],
    });
  });

  test('answers for another workspace as for one that is not there', async () => {
    const client = await connect(readKey);
    for (const [name, args] of [
      ['list_event_types', {}],
      ['get_event_type', { name: 'order.placed' }],
      ['query_events', {}],
      ['get_event', { eventId: 'secret' }],
      ['aggregate_events', { last: 'P36500D' }],
    ] as const) {
      const about = (workspace: string) => call(client, name, { ...args, workspace });
      const [other, none] = [await about(theirs.slug), await about('not-there')];
      expect(other.isError, name).toBe(true);
      expect(other.text.replace(theirs.slug, '')).toBe(none.text.replace('not-there', ''));
      expect(other.text).toMatch(/^NOT_FOUND: /);
    }
    expect((await call(client, 'get_event', { eventId: 'secret' })).text).toMatch(/^NOT_FOUND: /);
  });

  test('tells a model what is wrong with its arguments', async () => {
    const client = await connect(readKey);
    const wrong = async (name: string, args: Record<string, unknown>) => {
      const { isError, text } = await call(client, name, args);
      expect(isError).toBe(true);
      return text;
    };
    expect(await wrong('query_events', { type: 'a' })).toContain('type');
    expect(await wrong('query_events', { first: 1_000 })).toContain('first');
    expect(await wrong('query_events', { from: 'yesterday' })).toMatch(/^BAD_USER_INPUT: /);
    expect(await wrong('aggregate_events', {})).toMatch(/^BAD_USER_INPUT: /);
    expect(await wrong('query_events', { after: 'x' })).toMatch(/^CURSOR_INVALID: /);
  });

  test('answers in the size of a model’s attention, and leads on to the rest', async () => {
    const { slug, key } = await gateway.workspace();
    const long = 'x'.repeat(1_500);
    const events = Array.from({ length: 60 }, (_, n) => ({
      id: `l-${n}`,
      type: 'l',
      payload: { long },
    }));
    await record(slug, events);
    await record(slug, [{ id: 'huge', type: 'huge', payload: { long: 'x'.repeat(100_000) } }]);
    const client = await connect(key);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const { text } = await call(client, 'query_events', {
        ...{ first: 100, types: ['l'], ...(after === undefined ? {} : { after }) },
      });
      expect(text.length).toBeLessThan(41_000);
      const page = JSON.parse(text) as { events: { eventId: string }[]; nextAfter?: string };
      seen.push(...page.events.map(({ eventId }) => eventId));
      after = page.nextAfter;
    } while (after !== undefined);
    expect(seen.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
    const listed = await call(client, 'query_events', { types: ['huge'] });
    expect(listed.text).toMatch(/"payloadBegins":"\{\\"long\\":\\"x{400,500}…"/);
    const whole = await call(client, 'get_event', { eventId: 'huge' });
    expect(whole.text.length).toBeGreaterThan(15_000);
    expect(whole.text.length).toBeLessThan(41_000);
  });
});

describe('MCP over HTTP, by raw requests', () => {
  const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

  async function post(body: unknown, headers: Record<string, string> = {}, url = gateway.url) {
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', authorization: `Bearer ${readKey}` },
        ...{ accept: 'application/json, text/event-stream', ...headers },
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  test.each<[string, unknown, Record<string, string>, number, string]>([
    ['no key', LIST, { authorization: '' }, 401, 'UNAUTHENTICATED'],
    ['a wrong key', LIST, { authorization: 'Bearer slc_nobody' }, 401, 'UNAUTHENTICATED'],
    ['several messages', [LIST, LIST], {}, 400, 'BAD_REQUEST'],
    ['what is not JSON', '{', {}, 400, 'BAD_REQUEST'],
    ['too large a body', 'x'.repeat(300_001), {}, 413, 'PAYLOAD_TOO_LARGE'],
    ['JSON that is too deep', '['.repeat(200), {}, 400, 'BAD_REQUEST'],
    ['another encoding', LIST, { 'content-encoding': 'br' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('refuses %s with an error of JSON-RPC', async (_, body, headers, status, code) => {
    const answer = await post(body, headers);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      status,
      { jsonrpc: '2.0', id: null, error: { code: -32_000, data: { code } } },
    ]);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  });

  test('refuses GET, DELETE, another media type and foreign pages', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await fetch(`${gateway.url}/mcp`, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
    expect((await post(LIST, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(LIST, { accept: 'text/html' })).status).toBe(406);
    expect((await post(LIST, { origin: 'https://example.org' })).status).toBe(403);
  });

  test('counts in the rates of a key, and says when to come again', async () => {
    const { databaseUrl } = gateway;
    await using strict = await startTestGateway({
      databaseUrl,
      config: { keyRequestsPerSecond: 0.1 },
    });
    expect((await post(LIST, {}, strict.url)).status).toBe(200);
    const refused = await post(LIST, {}, strict.url);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('keeps to the budget of queries', async () => {
    const { databaseUrl } = gateway;
    await using poor = await startTestGateway({ databaseUrl, config: { queryCostMax: 100 } });
    const client = await byHttp(readKey, poor.url);
    const { isError, text } = await call(client, 'query_events', { first: 100 });
    expect([isError, text]).toEqual([true, expect.stringMatching(/^QUERY_TOO_COMPLEX: /)]);
  });

  test('masks what is unexpected', async () => {
    await using broken = await startTestGateway();
    const client = await byHttp(ADMIN_KEY, broken.url);
    await broken.db.write.query('alter table event_definitions rename to nobody_knows');
    const { isError, text } = await call(client, 'list_event_types', {});
    expect([isError, text]).toEqual([
      true,
      expect.stringMatching(/^INTERNAL_SERVER_ERROR: Internal/),
    ]);
    expect(text).not.toMatch(/nobody_knows|relation/);
  });

  test('keeps every digit of what is recorded', async () => {
    const { slug, key } = await gateway.workspace();
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record_events",
      "arguments":{"events":[{"id":"exact","type":"t","payload":{"n":12345678901234567890}}]}}}`;
    const answer = await post(body, { authorization: `Bearer ${key}` });
    expect(answer.text).toContain('RECORDED');
    const { event } = await gateway.data<{ event: { properties: unknown } }>(
      `query($slug: String!) { event(workspace: $slug, eventId: "exact") {
        properties { values } } }`,
      { slug },
    );
    expect(event.properties).toEqual([{ values: ['12345678901234567890'] }]);
  });
});

test('sluice mcp answers for a gateway that does not, and ends with its input', async () => {
  const environment = { SLUICE_URL: 'http://127.0.0.1:9', SLUICE_KEY: 'k' };
  const request = `${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list' })}\n`;
  const { code, out, err } = await sluice(['mcp'], environment, request);
  expect(JSON.parse(out)).toMatchObject({ id: 7, error: { code: -32_000 } });
  expect(err).toContain('The gateway did not answer');
  expect(code).toBe(0);
});
