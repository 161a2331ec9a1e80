/** Rows of OTLP over HTTP for logs, by raw requests in both formats. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { logRecord, logsRequest, readResponse, readStatus } from '../../unit/doors/otlp-proto.ts';
import { bearer, quarantined } from './call.ts';

let gateway: TestGateway;
let workspace: { slug: string; key: string };
beforeAll(async () => {
  gateway = await startTestGateway();
  workspace = await gateway.workspace();
});
afterAll(() => gateway[Symbol.asyncDispose]());

type Json = Record<string, unknown>;

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

const PROTOBUF = 'application/x-protobuf';

async function post(
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
  { url, key } = { url: gateway.url, key: workspace.key },
): Promise<Answered> {
  const init = { method: 'POST', body, headers: { ...bearer(key), ...headers } };
  const response = await fetch(`${url}/v1/logs`, init);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

function postJson(request: unknown): Promise<Answered> {
  return post(JSON.stringify(request));
}

function postProtobuf(bytes: Buffer): Promise<Answered> {
  return post(Buffer.from(bytes), { 'content-type': PROTOBUF });
}

/** The message of an answer, in whichever format it is. */
function told({ headers, bytes, status }: Answered): unknown {
  if (headers.get('content-type') !== PROTOBUF) return JSON.parse(bytes.toString());
  return status === 200 ? readResponse(bytes) : readStatus(bytes);
}

const NANOS = '1767322245678901234';
const RESOURCE = {
  attributes: [
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'process.pid', value: { intValue: '4242' } },
  ],
};
const SCOPE = { name: 'checkout', version: '1.2' };

function requestOf(...logRecords: readonly unknown[]): Json {
  return { resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ scope: SCOPE, logRecords }] }] };
}

const RECORD = {
  ...{ timeUnixNano: NANOS, observedTimeUnixNano: NANOS, severityNumber: 9, severityText: 'INFO' },
  ...{ eventName: 'order.placed', body: { stringValue: 'An order was placed.' } },
  attributes: [
    { key: 'order.id', value: { intValue: '9007199254740993' } },
    { key: 'total', value: { doubleValue: 12 } },
    { key: 'paid', value: { boolValue: true } },
    {
      key: 'tags',
      value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
    },
    { key: 'n', value: { intValue: '5' } },
  ],
  ...{ traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174' },
};

interface Recorded {
  readonly eventId: string;
  readonly type: string;
  readonly payload: Json;
  readonly properties: readonly {
    readonly name: string;
    readonly type: string;
    readonly values: readonly string[];
  }[];
}

async function recorded(type?: string): Promise<Recorded[]> {
  const { workspace: read } = await gateway.data<{ workspace: { events: { nodes: Recorded[] } } }>(
    `query($slug: String!, $filter: EventFilter) { workspace(slug: $slug) {
      events(first: 100, filter: $filter, order: { field: POSITION, direction: ASC }) { nodes {
        eventId door type occurredAt source description groupId payload
        properties { name type values }
      } } } }`,
    { slug: workspace.slug, filter: type === undefined ? null : { types: [type] } },
  );
  return read.events.nodes;
}

describe.each([
  ['JSON', postJson],
  ['protobuf', (request: Json) => postProtobuf(logsRequest(request))],
] as const)('OTLP by %s', (name, send) => {
  const typed = (type: string) => `${type}.${name.toLowerCase()}`;

  test('OTLP-W-1 MUST record a log record with its resource and scope, every type and the trace it belongs to', async () => {
    const type = typed('order.placed');
    const answer = await send(requestOf({ ...RECORD, eventName: type }));
    expect([answer.status, told(answer)]).toEqual([200, {}]);
    expect(await recorded(type)).toMatchObject([
      {
        ...{ door: 'OTLP', type, occurredAt: '2026-01-02T02:50:45.678Z', source: 'shop' },
        ...{ description: 'An order was placed.', groupId: RECORD.traceId },
        payload: {
          ...{ total: 12, paid: true, tags: ['a', 'b'], n: 5, spanId: RECORD.spanId },
          ...{ severityNumber: 9, severityText: 'INFO', scope: SCOPE },
          resource: { 'service.name': 'shop', 'process.pid': 4242 },
        },
      },
    ]);
    const [event] = await recorded(type);
    expect(event!.properties).toEqual(
      expect.arrayContaining([
        { name: 'order.id', type: 'LONG', values: ['9007199254740993'] },
        { name: 'n', type: 'LONG', values: ['5'] },
        { name: 'total', type: 'DOUBLE', values: ['12'] },
        { name: 'paid', type: 'BOOLEAN', values: ['true'] },
        { name: 'tags', type: 'STRING', values: ['a', 'b'] },
      ]),
    );
    const [row] = await gateway.db.read.query<{ wire: string }>(
      'select wire::text wire from events where event_id = $1',
      [event!.eventId],
    );
    // What no column has to the nanosecond.
    expect(JSON.parse(row!.wire)).toEqual({
      sent: { timeUnixNano: NANOS, observedTimeUnixNano: NANOS },
    });
  });

  test('OTLP-W-2 MUST take a retry of the same bytes once, and a record that stands twice in a request twice', async () => {
    const record = { ...RECORD, eventName: typed('again') };
    const request = requestOf(record, record);
    expect(told(await send(request))).toEqual({});
    expect(told(await send(request))).toEqual({});
    expect(await recorded(typed('again'))).toHaveLength(2);
    const elsewhere = { attributes: [{ key: 'service.name', value: { stringValue: 'other' } }] };
    const [{ scopeLogs }] = request['resourceLogs'] as [Json];
    await send({ resourceLogs: [{ resource: elsewhere, scopeLogs }] });
    expect(await recorded(typed('again'))).toHaveLength(4);
  });

  test('OTLP-W-3 MUST count and name the records that it refuses, and record the others', async () => {
    const type = typed('mixed');
    const nul = { key: 'k', value: { stringValue: '\0' } };
    const long = { key: 'x'.repeat(300), value: { boolValue: true } };
    const answer = await send(
      requestOf(
        { ...RECORD, eventName: type },
        { ...RECORD, eventName: type, attributes: [nul] },
        { ...RECORD, eventName: type, attributes: [long] },
      ),
    );
    expect(answer.status).toBe(200);
    const { partialSuccess } = told(answer) as { partialSuccess: Json };
    expect(partialSuccess['rejectedLogRecords']).toBe('2');
    const message = String(partialSuccess['errorMessage']);
    expect(message).toMatch(/^2 of 3 log records were refused\. /);
    expect(message).toContain('/resourceLogs/0/scopeLogs/0/logRecords/1: TEXT_INVALID');
    expect(message).toContain('/resourceLogs/0/scopeLogs/0/logRecords/2: KEY_INVALID');
    expect(await recorded(type)).toHaveLength(1);
  });

  test('OTLP-W-4 MUST refuse a request that is not a message of OTLP with a Status in its format', async () => {
    const type = name === 'JSON' ? 'application/json' : PROTOBUF;
    const answer = await post(Buffer.from('{"resourceLogs":7}'), { 'content-type': type });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, type]);
    expect(told(answer)).toEqual({
      code: 3,
      message: expect.stringMatching(/^BAD_REQUEST: /) as string,
    });
  });

  test('OTLP-W-5 MUST answer 401 and 403 with a Status in its format', async () => {
    const body = name === 'JSON' ? Buffer.from('{}') : Buffer.alloc(0);
    const headers = { 'content-type': name === 'JSON' ? 'application/json' : PROTOBUF };
    const wrong = await post(body, headers, { url: gateway.url, key: 'slc_nobody_has_this' });
    expect([wrong.status, told(wrong)]).toMatchObject([401, { code: 16 }]);
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer');
    const made = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) { createApiKey(input: {
        name: "reader", workspace: $slug, scopes: [EVENTS_READ] }) { secret } }`,
      { slug: workspace.slug },
    );
    const key = made.createApiKey.secret;
    const forbidden = await post(body, headers, { url: gateway.url, key });
    expect([forbidden.status, told(forbidden)]).toMatchObject([403, { code: 7 }]);
  });

  test('OTLP-W-6 MUST answer an empty request with success', async () => {
    const answer = await send({});
    expect([answer.status, told(answer)]).toEqual([200, {}]);
  });
});

describe('OTLP', () => {
  test('OTLP-W-7 MUST take gzip', async () => {
    const zipped = gzipSync(logsRequest(requestOf({ ...RECORD, eventName: 'zipped' })));
    const headers = { 'content-type': PROTOBUF, 'content-encoding': 'gzip' };
    expect((await post(zipped as Buffer<ArrayBuffer>, headers)).status).toBe(200);
    expect(await recorded('zipped')).toHaveLength(1);
  });

  test('OTLP-W-8 a record without a name has the type of its attribute event.name, else log', async () => {
    const former = { key: 'event.name', value: { stringValue: 'former' } };
    await postJson(requestOf({ body: { stringValue: 'b' } }, { attributes: [former] }));
    expect(await recorded('log')).toMatchObject([{ description: 'b' }]);
    expect(await recorded('former')).toMatchObject([{ payload: { 'event.name': 'former' } }]);
  });

  test('OTLP-W-9 a body that is no short text, and an attribute of a field’s name, are in the payload', async () => {
    const body = { kvlistValue: { values: [{ key: 'a', value: { intValue: '1' } }] } };
    const named = { key: 'severityNumber', value: { stringValue: 'mine' } };
    const records = [
      { eventName: 'body', body },
      { eventName: 'body', body: { stringValue: 'x'.repeat(9_000) } },
      { eventName: 'body', severityNumber: 3, attributes: [named] },
    ];
    expect(told(await postJson(requestOf(...records)))).toEqual({});
    expect((await recorded('body')).map(({ payload }) => payload)).toMatchObject([
      { body: { a: 1 } },
      { body: 'x'.repeat(9_000) },
      { severityNumber: 'mine' },
    ]);
  });

  test('OTLP-W-10 MUST pass over fields that a newer version has', async () => {
    const record = { eventName: 'newer', inventedLater: { a: [1] } };
    expect(told(await postJson({ ...requestOf(record), alsoLater: 1 }))).toEqual({});
    // Field 2000 of the request, with text in it.
    const later = Buffer.concat([
      logsRequest(requestOf({ eventName: 'newer', severityNumber: 1 })),
      Buffer.from([0x82, 0x7d, 1, 0x61]),
    ]);
    expect(told(await postProtobuf(later))).toEqual({});
    expect(await recorded('newer')).toHaveLength(2);
  });

  test('OTLP-W-11 MUST name a record whose text is not UTF-8 or whose bytes are none, alone', async () => {
    const bytes = logsRequest(
      requestOf({ eventName: 'broken-name' }, { eventName: 'well', traceId: 'ff'.repeat(16) }),
    );
    bytes[bytes.indexOf('broken-name')] = 0xff;
    const answer = await postProtobuf(bytes);
    expect(told(answer)).toMatchObject({
      partialSuccess: {
        rejectedLogRecords: '1',
        errorMessage: expect.stringContaining('logRecords/0: TEXT_INVALID') as string,
      },
    });
    expect(await recorded('well')).toHaveLength(1);
  });

  test('OTLP-W-12 what a definition wants in quarantine is kept there, and told as a warning', async () => {
    await gateway.data(
      `mutation($slug: String!) { defineEvent(input: { workspace: $slug, name: "strict",
        payloadSchema: { required: ["missing"] }, validation: QUARANTINE }) { definition { name } } }`,
      { slug: workspace.slug },
    );
    const answer = await postJson(requestOf({ eventName: 'strict' }));
    expect(told(answer)).toEqual({
      partialSuccess: {
        errorMessage: expect.stringMatching(/^1 were kept in quarantine\. /) as string,
      },
    });
    expect(await quarantined(gateway, workspace.slug)).toBe(1);
  });

  test('OTLP-W-13 a workspace can be named in the address, if the key covers it', async () => {
    const other = await gateway.workspace();
    const url = `${gateway.url}/v1/logs?workspace=${other.slug}`;
    const init = (key: string) => ({ method: 'POST', headers: bearer(key), body: '{}' });
    expect((await fetch(url, init(other.key))).status).toBe(200);
    expect((await fetch(url, init(workspace.key))).status).toBe(404);
  });

  test('OTLP-W-14 MUST name a double beyond the range of doubles, and record NaN and the infinities', async () => {
    const record = (literal: string) =>
      `{"eventName":"double.range","attributes":[{"key":"d","value":{"doubleValue":${literal}}}]}`;
    const kept = ['"NaN"', '"-Infinity"', '1.7976931348623157e308', '5e-324', '-0.0', '0e999'];
    const refused = ['1e400', '"1e400"', '-1e99999', '1e-400', '"-1e-400"'];
    const records = [...kept, ...refused].map(record).join(',');
    const answer = await post(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`);
    const place = '/resourceLogs/0/scopeLogs/0/logRecords/6: RECORD_INVALID ';
    expect(told(answer)).toEqual({
      partialSuccess: {
        rejectedLogRecords: String(refused.length),
        errorMessage: expect.stringContaining(place) as string,
      },
    });
    const stored = (await recorded('double.range')).map(({ properties: [d] }) => d);
    expect(stored.map(d => [d?.type, Number(d?.values[0])])).toEqual(
      [NaN, -Infinity, 1.7976931348623157e308, 5e-324, 0, 0].map(value => ['DOUBLE', value]),
    );
  });
});

describe('OTLP-L the bounds of a request', () => {
  test('OTLP-L-1 MUST refuse more than 10,000 records with 413', async () => {
    const answer = await postJson(requestOf(...Array.from({ length: 10_001 }, () => ({}))));
    expect([answer.status, told(answer)]).toMatchObject([413, { code: 3 }]);
    // Each of two bytes.
    const many = Buffer.alloc(20_002, Buffer.from([0x12, 0]));
    expect((await postProtobuf(part(1, part(2, many)))).status).toBe(413);
    expect((await postProtobuf(Buffer.alloc(50_000, Buffer.from([0x0a, 0])))).status).toBe(413);
  });

  test('OTLP-L-2 MUST refuse records that unfold to more than is held for requests, with their resource', async () => {
    const text = { key: 'k', value: { stringValue: 'x'.repeat(50_000) } };
    const logRecords = Array.from({ length: 1_000 }, () => ({}));
    const resourceLogs = [{ resource: { attributes: [text] }, scopeLogs: [{ logRecords }] }];
    const answer = await postJson({ resourceLogs });
    expect([answer.status, told(answer)]).toMatchObject([413, { code: 3 }]);
  });

  test('OTLP-L-3 MUST refuse a record with too many attributes or too deep a body, and name it', async () => {
    const wide = { attributes: Array.from({ length: 2_001 }, () => ({ key: 'k' })) };
    const refused = (reason: string) => ({
      partialSuccess: {
        rejectedLogRecords: '2',
        errorMessage: expect.stringMatching(
          new RegExp(`logRecords/0: PAYLOAD_TOO_LARGE.*logRecords/1: ${reason}`),
        ) as string,
      },
    });
    // A list in a list, and so on.
    let bytes: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 5_000; depth++) bytes = part(5, part(1, bytes));
    const records = [part(2, logRecord(wide)), part(2, part(5, bytes))];
    const request = part(1, part(2, Buffer.concat(records)));
    expect(told(await postProtobuf(request))).toMatchObject(
      refused('RECORD_INVALID: Messages may be nested'),
    );
    // Of two bytes each.
    const many = part(2, part(5, part(5, Buffer.alloc(600_000, Buffer.from([0x0a, 0])))));
    const large = part(1, part(2, Buffer.concat([records[0]!, many])));
    expect(told(await postProtobuf(large))).toMatchObject(
      refused('PAYLOAD_TOO_LARGE: It has more than'),
    );
    let body: Json = {};
    for (let depth = 0; depth < 35; depth++) body = { arrayValue: { values: [body] } };
    expect(told(await postJson(requestOf(wide, { body })))).toMatchObject(
      refused('PAYLOAD_TOO_DEEP'),
    );
  });
});

/** A message in another. */
function part(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
