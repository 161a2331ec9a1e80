/** Rows of the CloudEvents HTTP binding 1.0, driven by the published SDK where it can say them. */
import { CloudEvent, HTTP, type CloudEventV1, type Message } from 'cloudevents';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, BODY_BYTES_MAX, call, quarantined, TOO_LARGE } from './call.ts';

let gateway: TestGateway;
let workspace: { slug: string; key: string };
let url: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { bodyBytesMax: BODY_BYTES_MAX } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** Each group of rows has a workspace of its own. */
async function open() {
  workspace = await gateway.workspace();
  url = `${gateway.url}/cloudevents`;
}

function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  key = workspace.key,
) {
  return call(url, { method: 'POST', body, headers: { ...bearer(key), ...headers } });
}

function send({ headers, body }: Message) {
  return post(body as string, headers as Record<string, string>);
}

/** As bytes on the wire: `fetch` takes no header beyond latin1. */
async function postRaw(headers: Record<string, string | Buffer>): Promise<number> {
  const own = {
    ...{ 'ce-specversion': '1.0', 'ce-source': '/s', 'ce-type': 't' },
    ...{ authorization: `Bearer ${workspace.key}`, 'content-length': '0' },
  };
  const lines = Object.entries({ ...own, ...headers }).flatMap(([name, value]) => [
    ...[Buffer.from(`${name}: `), Buffer.from(value), Buffer.from('\r\n')],
  ]);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const head = Buffer.from('POST /cloudevents HTTP/1.1\r\nhost: localhost\r\n');
  socket.write(Buffer.concat([head, ...lines, Buffer.from('\r\n')]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(String(answer).split(' ')[1]);
}

async function read(query = ''): Promise<CloudEventV1<unknown>[]> {
  const answer = await call(`${url}?${query}`, { headers: bearer(workspace.key) });
  return answer.json() as CloudEventV1<unknown>[];
}

const EVENT = {
  ...{ id: '1', source: '/door', type: 'door.opened', subject: 'front' },
  ...{ time: '2026-01-02T03:04:05.678Z', dataschema: 'https://example.org/schema' },
  ...{ datacontenttype: 'application/json', data: { by: 'Ada', at: [1, 2.5] } },
};
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };

describe('CE-W writing', () => {
  beforeAll(open);

  test('CE-W-1 MUST take the binary mode of the published SDK, with extensions', async () => {
    const sent = new CloudEvent({ ...EVENT, id: 'binary', traceparent: '00-ü €' });
    const encoded = HTTP.binary(sent);
    encoded.headers['ce-traceparent'] = encodeURIComponent('00-ü €');
    expect(await send(encoded)).toMatchObject({ status: 204, text: '' });
    expect((await read()).at(-1)).toMatchObject({ ...EVENT, id: 'binary', traceparent: '00-ü €' });
  });

  test('CE-W-2 MUST take the structured mode of the published SDK, with extensions', async () => {
    const sent = new CloudEvent({ ...EVENT, id: 'structured', sampled: true, priority: 7 });
    expect((await send(HTTP.structured(sent))).status).toBe(204);
    const given = (await read()).at(-1);
    expect(given).toEqual({
      ...EVENT,
      id: 'structured',
      sampled: true,
      priority: 7,
      specversion: '1.0',
    });
    expect(new CloudEvent(given!)).toMatchObject({ id: 'structured', data: EVENT.data });
  });

  test('CE-W-3 MUST take a batch in its order, and an empty one', async () => {
    const events = ['b1', 'b2'].map(id => ({ ...EVENT, id, specversion: '1.0' }));
    expect((await post(JSON.stringify(events), BATCH)).status).toBe(204);
    expect((await post('[]', BATCH)).status).toBe(204);
    expect((await read()).slice(-2)).toEqual(events);
  });

  test('CE-W-4 MUST keep bytes that are no text', async () => {
    const bytes = Buffer.from([0, 1, 254, 255]);
    const { headers } = HTTP.binary(new CloudEvent({ ...EVENT, id: 'bytes', data: 'x' }));
    await post(bytes, { ...(headers as Record<string, string>), 'content-type': 'image/png' });
    expect((await read()).at(-1)).toMatchObject({ data_base64: bytes.toString('base64') });
  });

  test('CE-W-5 MUST keep an event without time and data as it is, and every digit of a number', async () => {
    await post('{"specversion":"1.0","id":"bare","source":"s","type":"t"}', STRUCTURED);
    await post(
      '{"specversion":"1.0","id":"long","source":"s","type":"t","data":12345678901234567890}',
      STRUCTURED,
    );
    const answer = await call(url, { headers: bearer(workspace.key) });
    expect(answer.text).toContain('{"specversion":"1.0","id":"bare","source":"s","type":"t"}');
    expect(answer.text).toContain('"data":12345678901234567890');
  });

  test('CE-W-9 MUST read JSON that begins with a byte order mark, in every mode', async () => {
    const sent = { specversion: '1.0', id: 'marked', source: '/bom', type: 't' };
    const marked = (body: unknown) => `\ufeff${JSON.stringify(body)}`;
    expect((await post(marked(sent), STRUCTURED)).status).toBe(204);
    expect((await post(marked([sent]), BATCH)).status).toBe(204);
  });

  test.each([
    ['raw', 'Zürich 東京 🔥'],
    ['percent-encoded', encodeURIComponent('Zürich 東京 🔥')],
    ['both', `${encodeURIComponent('Zürich')} 東京%20🔥`],
    ['quoted', '"Zürich \\\\東京 🔥"'.replace('\\\\', '\\')],
  ])('CE-W-10 MUST take headers in UTF-8: %s', async (how, subject) => {
    const id = `utf8-${how}`;
    expect(await postRaw({ 'ce-id': id, 'ce-subject': subject, 'ce-ext': subject })).toBe(204);
    expect((await read('limit=1000')).at(-1)).toMatchObject({
      ...{ id, subject: 'Zürich 東京 🔥', ext: 'Zürich 東京 🔥' },
    });
  });

  test.each([
    ...['%FF', '%C0%80', '%ED%A0%80', '%F0%9F%94', 'a%E2%82b', '%F4%90%80%80'],
    ...[Buffer.from([0xff]), Buffer.from('Zürich', 'latin1'), Buffer.from([0xed, 0xa0, 0x80])],
  ])('CE-W-11 MUST refuse a header that is not UTF-8: %j', async subject => {
    const before = (await read('limit=1000')).length;
    expect(await postRaw({ 'ce-id': 'bad', 'ce-subject': subject })).toBe(400);
    expect(await read('limit=1000')).toHaveLength(before);
  });

  test.each(['ce-data', 'ce-data_base64'])(
    'CE-W-12 MUST refuse data in a header: %s',
    async name => {
      expect(await postRaw({ 'ce-id': 'data', [name]: 'eA==' })).toBe(400);
    },
  );

  test.each([
    ['ce-subject', ['a', 'b'], 400],
    ['CE-Id', ['a', 'a'], 400],
    ['content-type', ['text/plain', 'application/json'], 400],
    ['ce-datacontenttype', ['text/plain'], 400],
    ['ce-subject', ['a'], 204],
  ])(
    'CE-W-14 MUST NOT choose between two values of a header: %s %j',
    async (name, values, status) => {
      const lines = values.map(
        (value, at) => [at === 0 ? name : name.toUpperCase(), value] as const,
      );
      const id = name.toLowerCase() === 'ce-id' ? {} : { 'ce-id': `${name} ${values.join()}` };
      expect(await postRaw({ ...id, ...Object.fromEntries(lines) })).toBe(status);
      const said = { 'ce-id': 'said', 'content-type': 'text/plain' };
      expect(await postRaw({ ...said, 'ce-datacontenttype': 'text/plain' })).toBe(204);
    },
  );

  test.each([
    ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02t03:04:05.678+01:00', '2026-01-02T02:04:05.678Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2016-12-31T23:59:60Z', null],
    ['2016-12-31t23:59:60z', null],
    ['2026-01-02T03:04:05', null],
    ['2026-02-30T03:04:05Z', null],
  ])(
    'CE-W-13 MUST take an instant as RFC 3339 has it, but no leap second: %s',
    async (time, at) => {
      const event = { ...{ specversion: '1.0', id: time, source: '/s', type: 't' }, time };
      const answer = await post(JSON.stringify(event), STRUCTURED);
      expect(answer.status).toBe(at === null ? 400 : 204);
      if (at === null) return void expect(answer.text).toContain('without a leap second');
      expect((await read('limit=1000')).at(-1)).toMatchObject({ id: time, time });
      const { workspace: found } = await gateway.data<{
        workspace: { events: { nodes: { occurredAt: string }[] } };
      }>(
        'query($slug: String!) { workspace(slug: $slug) { events(first: 1) { nodes { occurredAt } } } }',
        { slug: workspace.slug },
      );
      expect(found.events.nodes).toEqual([{ occurredAt: at }]);
    },
  );

  test('CE-W-6 MUST take a retry for the same event, another source for another one', async () => {
    const before = (await read('limit=1000')).length;
    const sent = { specversion: '1.0', id: 'again', source: '/a', type: 't' };
    for (const event of [sent, sent, { ...sent, source: '/b' }]) {
      expect((await post(JSON.stringify(event), STRUCTURED)).status).toBe(204);
    }
    expect(await read('limit=1000')).toHaveLength(before + 2);
  });

  test('CE-W-7 MUST answer a conflict as a success and keep it aside', async () => {
    const before = await quarantined(gateway, workspace.slug);
    const sent = { specversion: '1.0', id: 'conflict', source: '/a', type: 't' };
    const batch = [sent, { ...sent, type: 'other' }, { ...sent, id: 'beside' }];
    for (const _again of [1, 2]) {
      expect((await post(JSON.stringify(batch), BATCH)).status).toBe(204);
    }
    expect(await quarantined(gateway, workspace.slug)).toBe(before + 1);
    expect((await read('limit=1000')).slice(-2).map(({ id }) => id)).toEqual([
      'conflict',
      'beside',
    ]);
  });

  test('CE-W-8 MUST store nothing of a batch with an invalid event', async () => {
    const before = (await read('limit=1000')).length;
    const valid = { specversion: '1.0', id: 'valid', source: '/a', type: 't' };
    for (const invalid of [
      { ...valid, id: '' },
      { ...valid, id: 'x', type: 'y'.repeat(1_001) },
    ]) {
      expect((await post(JSON.stringify([valid, invalid]), BATCH)).status).toBe(400);
    }
    expect(await read('limit=1000')).toHaveLength(before);
  });
});

describe('CE-R reading', () => {
  beforeAll(async () => {
    await open();
    await gateway.data(
      `mutation($slug: String!) { recordEvents(input: { workspace: $slug, events: [
        { id: "g1", type: "login", source: "Vienna edge", actor: "ada", success: false, payload: { n: 1 } }
      ] }) { recordedCount } }`,
      { slug: workspace.slug },
    );
    const events = [1, 2, 3, 4].map(id => ({ ...EVENT, id: String(id), specversion: '1.0' }));
    await post(JSON.stringify(events), BATCH);
  });

  test('CE-R-1 MUST give the events of a workspace in their order, from every door, and go on at the cursor', async () => {
    const seen: unknown[] = [];
    let next: string | null = `/cloudevents?limit=2&workspace=${workspace.slug}`;
    let cursor = '';
    while (next !== null) {
      const answer = await call(`${gateway.url}${next}`, { headers: bearer(workspace.key) });
      expect(answer.headers.get('content-type')).toMatch(/^application\/cloudevents-batch\+json/);
      seen.push(...(answer.json() as { id: string }[]).map(({ id }) => id));
      cursor = answer.headers.get('sluice-cursor')!;
      next = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? null;
    }
    expect(seen).toEqual(['g1', '1', '2', '3', '4']);
    expect(await read(`after=${cursor}`)).toEqual([]);
    await post(JSON.stringify({ ...EVENT, id: '5', specversion: '1.0' }), STRUCTURED);
    expect((await read(`after=${cursor}`)).map(({ id }) => id)).toEqual(['5']);
  });

  test('CE-R-2 MUST give events that the published SDK takes for valid', async () => {
    const answer = await call(`${url}?limit=1`, { headers: bearer(workspace.key) });
    const message = { headers: { ...BATCH }, body: answer.text };
    const [event] = HTTP.toEvent<{ n: number }>(message) as CloudEventV1<{ n: number }>[];
    expect(event).toMatchObject({
      id: 'g1',
      source: 'Vienna%20edge',
      actor: 'ada',
      data: { n: 1 },
    });
  });

  test('CE-R-3 MUST give a cursor to begin at where nothing is yet', async () => {
    await open();
    const answer = await call(url, { headers: bearer(workspace.key) });
    expect(answer.json()).toEqual([]);
    await post(JSON.stringify({ ...EVENT, specversion: '1.0' }), STRUCTURED);
    expect(await read(`after=${answer.headers.get('sluice-cursor')}`)).toHaveLength(1);
  });
});

describe('CE-E refusing, as problem details', () => {
  beforeAll(open);

  test.each<[string, number, string, () => ReturnType<typeof call>]>([
    ['CE-E-1 no key', 401, 'UNAUTHENTICATED', () => call(url)],
    ['CE-E-2 a wrong key', 401, 'UNAUTHENTICATED', () => post('[]', BATCH, 'wrong')],
    [
      'CE-E-3 another workspace',
      404,
      'NOT_FOUND',
      () => call(`${url}?workspace=default`, { headers: bearer(workspace.key) }),
    ],
    ['CE-E-4 no CloudEvent', 415, 'UNSUPPORTED_MEDIA_TYPE', () => post('{}', {})],
    ['CE-E-5 version 0.3', 400, 'BAD_USER_INPUT', () => post('{"specversion":"0.3"}', STRUCTURED)],
    ['CE-E-6 what is not JSON', 400, 'BAD_REQUEST', () => post('{', STRUCTURED)],
    ['CE-E-7 a body over the limit', 413, 'PAYLOAD_TOO_LARGE', () => post(TOO_LARGE, BATCH)],
    ['CE-E-8 another method', 405, 'METHOD_NOT_ALLOWED', () => call(url, { method: 'PUT' })],
    ['CE-E-9 no such path', 404, 'NOT_FOUND', () => call(`${url}/x`)],
    [
      'CE-E-10 a limit out of range',
      400,
      'BAD_USER_INPUT',
      () => call(`${url}?limit=1001`, { headers: bearer(workspace.key) }),
    ],
    [
      'CE-E-11 a cursor that was never given',
      400,
      'CURSOR_INVALID',
      () => call(`${url}?after=x`, { headers: bearer(workspace.key) }),
    ],
  ])('%s', async (_row, status, code, answer) => {
    const answered = await answer();
    expect(answered.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answered.json()).toEqual({
      type: 'about:blank',
      status,
      code,
      title: expect.any(String) as string,
    });
    expect(answered.status).toBe(status);
  });

  test('CE-E-12 OPTIONS answers the handshake of webhooks', async () => {
    const headers = { 'webhook-request-origin': 'events.example.org' };
    const answer = await call(url, { method: 'OPTIONS', headers });
    expect({
      status: answer.status,
      allowed: answer.headers.get('webhook-allowed-origin'),
    }).toEqual({ status: 204, allowed: '*' });
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS');
  });
});
