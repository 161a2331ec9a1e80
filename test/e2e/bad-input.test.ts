import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/db/verify.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const RECORD = `mutation($e: EventInput!) {
  recordEvent(input: { event: $e }) { receipt { status problems { code pointer } } }
}`;

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly receipt: { status: string; problems: { code: string; pointer: string }[] } | undefined;
}

/** Posts variables as the JSON text that they are, so that nothing is mended on the way. */
async function record(event: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: `{"query":${JSON.stringify(RECORD)},"variables":{"e":${event}}}`,
  });
  const body = (await response.json()) as {
    data?: { recordEvent: { receipt: Answer['receipt'] } } | null;
    errors?: { extensions: { code: string } }[];
  };
  return {
    status: response.status,
    code: body.errors?.[0]?.extensions.code,
    receipt: body.data?.recordEvent.receipt,
  };
}

const withPayload = (payload: string) => `{"type":"t","payload":${payload}}`;
const nested = (depth: number) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

/** Refused in the receipt, with the code and the place of the problem. */
const PROBLEMS: readonly (readonly [string, string, string, string | RegExp])[] = [
  ['a type of blanks', '{"type":"  "}', 'TYPE_REQUIRED', '/type'],
  ['U+0000 in a text', '{"type":"t","subject":"a\\u0000b"}', 'TEXT_INVALID', '/subject'],
  ['a lone surrogate', '{"type":"t","actor":"\\ud800"}', 'TEXT_INVALID', '/actor'],
  ['U+0000 in the payload', withPayload('{"a":"\\u0000"}'), 'TEXT_INVALID', '/payload/a'],
  ['a key with U+0000', withPayload('{"a\\u0000":1}'), 'TEXT_INVALID', '/payload/a\u0000'],
  ['a key of 257 bytes', withPayload(`{"${'k'.repeat(257)}":1}`), 'KEY_INVALID', /^\/payload\/k+$/],
  ['a number beyond doubles', withPayload('{"n":1e400}'), 'NUMBER_NOT_EXACT', '/payload/n'],
  ['a number next to zero', withPayload('{"a":[0,1e-400]}'), 'NUMBER_NOT_EXACT', '/payload/a/1'],
  [
    'a number of 401 digits',
    withPayload(`{"n":0.${'1'.repeat(400)}}`),
    'NUMBER_NOT_EXACT',
    '/payload/n',
  ],
  [
    'numbers that are large once they are written out',
    withPayload(`{"n":[${Array(2_000).fill('1e308').join()}]}`),
    'PAYLOAD_TOO_LARGE',
    '/payload',
  ],
  ['33 levels', withPayload(nested(40)), 'PAYLOAD_TOO_DEEP', `/payload${'/a'.repeat(32)}`],
  [
    '33 levels beside a long number',
    withPayload(`{"n":12345678901234567890,"a":${nested(40)}}`),
    'PAYLOAD_TOO_DEEP',
    `/payload${'/a'.repeat(32)}`,
  ],
  [
    '2,001 properties',
    JSON.stringify({
      type: 't',
      properties: Array.from({ length: 2_001 }, (_, i) => ({
        integer: { name: `k${i}`, value: i },
      })),
    }),
    'PAYLOAD_TOO_LARGE',
    '/payload',
  ],
  [
    '2,001 keys',
    withPayload(
      JSON.stringify(Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [`k${i}`, 1]))),
    ),
    'PAYLOAD_TOO_LARGE',
    '/payload',
  ],
  [
    'a payload of 300 kB',
    withPayload(JSON.stringify({ a: 'x'.repeat(300_000) })),
    'PAYLOAD_TOO_LARGE',
    '/payload',
  ],
  ['an id over 256 bytes', `{"type":"t","id":"${'é'.repeat(129)}"}`, 'TEXT_TOO_LONG', '/id'],
  [
    'a subject over 256 bytes',
    `{"type":"t","subject":"${'x'.repeat(257)}"}`,
    'TEXT_TOO_LONG',
    '/subject',
  ],
  ['an empty id', '{"type":"t","id":""}', 'ID_EMPTY', '/id'],
  ['an address that is none', '{"type":"t","clientIp":"string"}', 'IP_INVALID', '/clientIp'],
  ['two emojis', '{"type":"t","icon":"👤👤"}', 'ICON_INVALID', '/icon'],
  [
    'a long of 2^63',
    '{"type":"t","properties":[{"long":{"name":"l","value":"9223372036854775808"}}]}',
    'PROPERTY_INVALID',
    '/properties/0',
  ],
  [
    'a name in payload and properties',
    '{"type":"t","payload":{"a":1},"properties":[{"integer":{"name":"a","value":1}}]}',
    'PROPERTY_CONFLICT',
    '/payload/a',
  ],
];

/** Refused before any event is looked at. */
const ERRORS: readonly (readonly [string, string])[] = [
  ['a missing type', '{}'],
  ['null for the type', '{"type":null}'],
  ['a number for a text', '{"type":1}'],
  ['an unknown field', '{"type":"t","colour":"red"}'],
  ['a list for the payload', withPayload('[]')],
  ['29 February of another year', '{"type":"t","occurredAt":"2023-02-29T00:00:00Z"}'],
  ['a leap second', '{"type":"t","occurredAt":"2016-12-31T23:59:60Z"}'],
  ['a time without a zone', '{"type":"t","occurredAt":"2024-01-01T00:00:00"}'],
  ['an offset of 99:99', '{"type":"t","occurredAt":"2024-01-01T00:00:00+99:99"}'],
  ['the year 0000', '{"type":"t","occurredAt":"0000-01-01T00:00:00Z"}'],
  ['the year 294277', '{"type":"t","occurredAt":"+294277-01-01T00:00:00Z"}'],
  ['infinity for a time', '{"type":"t","occurredAt":"infinity"}'],
  [
    'two values in one property',
    '{"type":"t","properties":[{"integer":{"name":"a","value":1},"string":{"name":"a","value":"x"}}]}',
  ],
  ['1e400 for a double', '{"type":"t","properties":[{"double":{"name":"a","value":1e400}}]}'],
  ['half an integer', '{"type":"t","properties":[{"integer":{"name":"a","value":0.5}}]}'],
  ['an integer of 2^31', '{"type":"t","properties":[{"integer":{"name":"a","value":2147483648}}]}'],
];

/** Strange, and taken as it is. */
const ODDITIES: readonly string[] = [
  withPayload('{"":1,"a":{"":{"":null}}}'),
  '{"type":"\\u0001\\u001b[31m"}',
  '{"type":"İı","subject":"\\u202eabc\\u200d\\u0301"}',
  '{"type":"\\uffff","source":"𝒳😀"}',
  withPayload('{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":null}'),
  withPayload('{"b":1e-320,"c":0.1,"d":[],"e":{},"f":null,"g":[null,{"h":[1]}]}'),
];

describe('an event that is refused', () => {
  test.each(PROBLEMS)('%s is named in the receipt', async (_name, event, code, pointer) => {
    const answer = await record(event);
    expect(answer).toMatchObject({ status: 200, receipt: { status: 'REJECTED' } });
    const place = typeof pointer === 'string' ? pointer : expect.stringMatching(pointer);
    expect(answer.receipt?.problems).toContainEqual({ code, pointer: place });
  });

  test.each(ERRORS)('%s is BAD_USER_INPUT', async (_name, event) => {
    const answer = await record(event);
    expect(answer).toMatchObject({ code: 'BAD_USER_INPUT', receipt: undefined });
    expect(answer.status).toBeLessThan(500);
  });
});

test('what is only odd is recorded and read back unchanged', async () => {
  const { slug, key } = await gateway.workspace();
  for (const event of ODDITIES) {
    const sent = JSON.parse(event) as Record<string, unknown>;
    await gateway.data(
      'mutation($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status } } }',
      { e: sent },
      key,
    );
    const { events } = await gateway.data<{ events: { nodes: Record<string, unknown>[] } }>(
      `{ events(workspace: "${slug}", first: 1) { nodes { type subject source payload } } }`,
      {},
      key,
    );
    expect(events.nodes[0]).toEqual({ subject: null, source: null, payload: {}, ...sent });
  }
});

/** What is wrong with an event, and where its problem points to. */
const UNREADABLE: readonly (readonly [string, string])[] = [
  ['{"type":"t","occurredAt":"2024-01-01 00:00:00Z"}', '/occurredAt'],
  ['{"type":"t","expiresAt":17}', '/expiresAt'],
  ['{"type":7}', '/type'],
  ['{"type":"t","subject":["a"]}', '/subject'],
  ['{"type":"t","success":"yes"}', '/success'],
  ['{"type":"t","payload":[1]}', '/payload'],
  [
    '{"type":"t","properties":[{"integer":{"name":"a","value":1}},{"integer":{"name":"b","value":0.5}}]}',
    '/properties/1/integer/value',
  ],
  ['{"type":"t","properties":[{"date":{"name":"d","value":"soon"}}]}', '/properties/0/date/value'],
  ['{"type":"t","properties":[{"double":{"name":1,"value":1}}]}', '/properties/0/double/name'],
];

describe('an event of a batch with a value that its scalar does not take', () => {
  const receipts = 'receipts { status problems { code pointer } }';
  const MANY = `mutation($e: [EventInput!]!) { recordEvents(input: { events: $e }) { ${receipts} } }`;
  type Result = {
    recordEvents: { receipts: { status: string; problems: { code: string; pointer: string }[] }[] };
  };

  test('is rejected with the place of the value, and the others are recorded', async () => {
    const { key } = await gateway.workspace();
    const e = UNREADABLE.flatMap(([event]) => [{ type: 'good' }, JSON.parse(event) as object]);
    // The second time the document is known, and takes the short way.
    for (const _ of [1, 2]) {
      const { recordEvents } = await gateway.data<Result>(MANY, { e }, key);
      const [good, bad] = [0, 1].map(odd =>
        recordEvents.receipts.filter((_r, at) => at % 2 === odd),
      );
      expect(good?.every(({ status }) => status === 'RECORDED')).toBe(true);
      expect(bad).toEqual(
        UNREADABLE.map(([, pointer]) => ({
          status: 'REJECTED',
          problems: [{ code: 'INVALID_VALUE', pointer }],
        })),
      );
    }
  });

  test('is rejected with all that is wrong with it, and an atomic batch with it', async () => {
    const { key } = await gateway.workspace();
    const bad = { type: 't', occurredAt: 'soon', icon: 'two', clientIp: 'none' };
    const atomic = MANY.replace('events: $e', 'events: $e, atomic: true');
    const { recordEvents } = await gateway.data<Result>(atomic, { e: [{ type: 't' }, bad] }, key);
    expect(recordEvents.receipts).toMatchObject([
      { status: 'REJECTED', problems: [{ code: 'ATOMIC_REFUSED' }] },
      {
        status: 'REJECTED',
        problems: [{ pointer: '/occurredAt' }, { pointer: '/clientIp' }, { pointer: '/icon' }],
      },
    ]);
  });

  test('is rejected where it is written in the document; a variable beside it fails by itself', async () => {
    const { key } = await gateway.workspace();
    const events = '[{ type: "t", occurredAt: "soon" }, { type: "t", source: 5 }, { type: "t" }]';
    const { recordEvents } = await gateway.data<Result>(
      `mutation { recordEvents(input: { events: ${events} }) { ${receipts} } }`,
      {},
      key,
    );
    expect(recordEvents.receipts.map(({ status }) => status)).toEqual([
      ...['REJECTED', 'REJECTED', 'RECORDED'],
    ]);
    const byVariable = `mutation($at: DateTime) {
      recordEvents(input: { events: [{ type: "t", occurredAt: $at }] }) { ${receipts} } }`;
    const good = await gateway.data<Result>(byVariable, { at: '2026-01-01T00:00:00Z' }, key);
    expect(good.recordEvents.receipts).toMatchObject([{ status: 'RECORDED' }]);
    const { errors } = await gateway.graphql(byVariable, { at: 'soon' }, key);
    expect(errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  });
});

describe('a batch', () => {
  const many = `mutation($e: [EventInput!]!) { recordEvents(input: { workspace: "default", events: $e }) { recordedCount } }`;

  test('that is empty or over 10,000 events is refused whole', async () => {
    const before = await gateway.data('{ workspace(slug: "default") { headPosition } }');
    const empty = await gateway.graphql(many, { e: [] });
    expect(empty.errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    const over = await gateway.graphql(many, { e: Array(10_001).fill({ type: 't' }) });
    expect(over.errors?.[0]?.extensions['code']).toBe('PAYLOAD_TOO_LARGE');
    expect(await gateway.data('{ workspace(slug: "default") { headPosition } }')).toEqual(before);
  });

  test('over 10 MB is refused with a clear error', async () => {
    const e = Array.from({ length: 60 }, () => ({
      type: 't',
      payload: { a: 'x'.repeat(200_000) },
    }));
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify({ query: many, variables: { e } }),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
    });
  });
});

test.each([
  [
    'a cursor that is junk',
    'events(workspace: "default", after: "junk") { totalCount }',
    'CURSOR_INVALID',
  ],
  ['an empty cursor', 'events(workspace: "default", after: "") { totalCount }', 'CURSOR_INVALID'],
  [
    'first and last',
    'events(workspace: "default", first: 1, last: 1) { totalCount }',
    'BAD_USER_INPUT',
  ],
  ['a negative page', 'events(workspace: "default", first: -1) { totalCount }', 'BAD_USER_INPUT'],
  [
    'a page of 2^31 - 1',
    'events(workspace: "default", first: 2147483647) { totalCount }',
    'BAD_USER_INPUT',
  ],
  ['an unknown workspace', 'events(workspace: "nowhere") { totalCount }', 'NOT_FOUND'],
  [
    'a filter with U+0000',
    'events(workspace: "default", filter: { search: "\\u0000" }) { totalCount }',
    'BAD_USER_INPUT',
  ],
  [
    'a condition of nothing',
    'events(workspace: "default", filter: { payload: [{ path: ["a"] }] }) { totalCount }',
    'BAD_USER_INPUT',
  ],
])('%s is refused with its code', async (_name, field, code) => {
  const { errors } = await gateway.graphql(`{ ${field} }`);
  expect(errors?.[0]?.extensions['code']).toBe(code);
});

test('a Host that is none is the caller’s fault', async () => {
  const { port, hostname } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    'GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: []\r\nConnection: close\r\n\r\n',
  );
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
});

test.for([
  [
    'literals',
    '{ events(workspace: "default", first: 1000) { nodes { children(first: 250) { nodes { id } } } } }',
    {},
  ],
  [
    'variables',
    'query($a: Int, $b: Int) { events(workspace: "default", first: $a) { nodes { children(first: $b) { nodes { id } } } } }',
    { a: 1000, b: 250 },
  ],
  [
    'lists that are no events',
    `{ workspaces(first: 1000) { nodes {
      eventDefinitions(first: 100) { nodes { id } }
      quarantinedEvents(first: 100) { nodes { id } }
      apiKeys(first: 100) { nodes { id } }
    } } }`,
    {},
  ],
] as const)('pages within pages are bounded before they are read: %s', async ([, query, given]) => {
  const { data, errors } = await gateway.graphql(query, given);
  expect(errors?.[0]?.extensions['code']).toBe('QUERY_TOO_COMPLEX');
  expect(data).toBeUndefined();
  const smaller = query.replaceAll('1000', '100');
  const served = await gateway.graphql(smaller, { ...given, a: 10 });
  expect(served.errors).toBeUndefined();
});

test('none of it has left anything half done', async () => {
  expect((await verify(gateway.db.upkeep)).violations).toEqual([]);
});
