import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { KEY, startEdge } from '../graphql-http/kit/edge.ts';

const BODY_BYTES_MAX = 2_000_000;
const edge = await startEdge({ bodyBytesMax: BODY_BYTES_MAX });
afterAll(() => edge[Symbol.asyncDispose]());

beforeEach(() => {
  edge.seen.resolved = 0;
});

const RESPONSE_JSON = { accept: 'application/graphql-response+json' };
const utf8 = (text: string) => new TextEncoder().encode(text);
const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'string' ? [...utf8(part)] : part)));
const HELLO = JSON.stringify({ query: '{ hello }' });

function nested(open: string, close: string, levels: number): string {
  return `{"query":"{ hello }","variables":{"a":${open.repeat(levels)}1${close.repeat(levels)}}}`;
}

interface Row {
  readonly name: string;
  readonly body: unknown;
  readonly headers?: Record<string, string | null>;
  readonly status: number;
  readonly code: string;
}

function row(name: string, body: unknown, status = 400, code = 'BAD_REQUEST'): Row {
  return { name, body, status, code };
}

const TEXTS: Row[] = [
  row('an empty body', ''),
  row('null', 'null'),
  row('a scalar', '42'),
  row('truncated JSON', '{"query": "{ hel'),
  row('trailing JSON', `${HELLO} {}`),
  row('NaN', '{"query": "{ hello }", "variables": {"a": NaN}}'),
  row('comments', '{"query": "{ hello }" /* why */}'),
  row('single quotes', "{'query': '{ hello }'}"),
  row('a batch', `[${HELLO},${HELLO}]`),
  row('an empty batch', '[]'),
  row('invalid UTF-8', bytes('{"query":"{ hello }","operationName":"', [0xff], '"}')),
  row('overlong UTF-8', bytes('{"query":"{ hello }","operationName":"', [0xc0, 0xaf], '"}')),
  row('surrogate bytes', bytes('{"query":"{ hello }","operationName":"', [0xed, 0xa0, 0x80], '"}')),
  row('UTF-16', new Uint8Array(Buffer.from(HELLO, 'utf16le'))),
  row('100,000 lists', nested('[', ']', 100_000)),
  row('100,000 objects', nested('{"a":', '}', 100_000)),
  row('__proto__ beside the parameters', '{"query":"{ hello }","__proto__":{"query":"{ boom }"}}'),
  row('no query', '{}'),
  row('a null query', '{"query":null}'),
  row('an unknown parameter', { query: '{ hello }', querry: '' }),
  row(
    '200,000 unknown parameters',
    Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [n, n])),
  ),
  ...[1, true, [], {}].map(value => row(`a query of ${JSON.stringify(value)}`, { query: value })),
  ...[1, 'a', ['a'], true].map(value =>
    row(`variables of ${JSON.stringify(value)}`, { query: '{ hello }', variables: value }),
  ),
  row(
    'two operations, none named',
    { query: 'query A { hello } query B { hello }' },
    400,
    'OPERATION_RESOLUTION_FAILURE',
  ),
  row(
    'an unknown operation name',
    { query: 'query A { hello }', operationName: 'B' },
    400,
    'OPERATION_RESOLUTION_FAILURE',
  ),
];

const MEDIA: Row[] = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  'application/jsonp',
  'application/json; charset=latin1',
  'application/json; charset=utf-16',
  '',
].map(type => ({
  ...row(`Content-Type "${type}"`, HELLO, 415, 'UNSUPPORTED_MEDIA_TYPE'),
  headers: { 'content-type': type },
}));

const ENCODINGS: Row[] = ['br', 'zstd', 'gzip, gzip', 'rot13'].map(encoding => ({
  ...row(`Content-Encoding "${encoding}"`, HELLO, 415, 'UNSUPPORTED_MEDIA_TYPE'),
  headers: { 'content-encoding': encoding },
}));

const padded = JSON.stringify({
  query: '{ hello }',
  variables: { pad: 'x'.repeat(BODY_BYTES_MAX) },
});
const SIZES: Row[] = [
  row('a declared body over the limit', padded, 413, 'PAYLOAD_TOO_LARGE'),
  {
    ...row(
      'a small gzip that inflates beyond the limit',
      new Uint8Array(gzipSync(padded)),
      413,
      'PAYLOAD_TOO_LARGE',
    ),
    headers: { 'content-encoding': 'gzip' },
  },
  {
    ...row(
      'a small deflate that inflates beyond the limit',
      new Uint8Array(deflateSync(padded)),
      413,
      'PAYLOAD_TOO_LARGE',
    ),
    headers: { 'content-encoding': 'deflate' },
  },
  {
    ...row('a broken gzip', new Uint8Array(gzipSync(HELLO).subarray(0, 20))),
    headers: { 'content-encoding': 'gzip' },
  },
];

const DOCUMENTS: Row[] = [
  row('a syntax error', { query: '{' }, 400, 'GRAPHQL_PARSE_FAILED'),
  row('an empty document', { query: '' }, 400, 'GRAPHQL_PARSE_FAILED'),
  row('U+0000 in a comment', { query: '{ hello } # \0' }, 400, 'GRAPHQL_PARSE_FAILED'),
  row(
    'half a surrogate pair',
    '{"query":"{ echo(text: \\"\\ud800\\") }"}',
    400,
    'GRAPHQL_PARSE_FAILED',
  ),
  row('an unknown field', { query: '{ helo }' }, 400, 'GRAPHQL_VALIDATION_FAILED'),
  row(
    'an unknown type',
    { query: '{ hello ... on Nothing { a } }' },
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ),
  row('an unknown directive', { query: '{ hello @nothing }' }, 400, 'GRAPHQL_VALIDATION_FAILED'),
  row(
    'a circle of fragments',
    { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' },
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ),
  row('64,001 characters', { query: `{ hello } #${'x'.repeat(64_000)}` }, 400, 'QUERY_TOO_LARGE'),
  row('5,000 tokens', { query: `{ ${'hello '.repeat(5_000)} }` }, 400, 'QUERY_TOO_LARGE'),
  row(
    '5,000 nested selections',
    { query: `{ thing ${'{ self '.repeat(5_000)}${'}'.repeat(5_001)}` },
    400,
    'QUERY_TOO_DEEP',
  ),
  row(
    '2,000 nested lists',
    { query: `{ echo(text: ${'['.repeat(2_000)}${']'.repeat(2_000)}) }` },
    400,
    'QUERY_TOO_DEEP',
  ),
  row(
    '16 levels',
    { query: `{ thing ${'{ self '.repeat(14)} { id } ${'}'.repeat(15)}` },
    400,
    'QUERY_TOO_DEEP',
  ),
  row(
    '16 levels by way of fragments',
    {
      query: `{ thing { ...F0 } } ${Array.from({ length: 14 }, (_, n) => `fragment F${n} on Thing { self { ${n === 13 ? 'id' : `...F${n + 1}`} } }`).join(' ')}`,
    },
    400,
    'QUERY_TOO_DEEP',
  ),
  row(
    '31 aliases',
    { query: `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: hello`).join(' ')} }` },
    400,
    'TOO_MANY_ALIASES',
  ),
  row(
    '31 aliases of __typename',
    { query: `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(' ')} }` },
    400,
    'TOO_MANY_ALIASES',
  ),
  row(
    '51 directives',
    { query: `{ hello ${'@skip(if: false) '.repeat(51)} }` },
    400,
    'TOO_MANY_DIRECTIVES',
  ),
  row(
    '21 fields at the root',
    { query: `{ ${'__typename '.repeat(21)} }` },
    400,
    'QUERY_TOO_COMPLEX',
  ),
  row(
    'fragments that unfold to 2^14 fields',
    {
      query: `{ thing { ...F0 } } ${Array.from({ length: 13 }, (_, n) => `fragment F${n} on Thing { a${n}: self { ...F${n + 1} } b${n}: self { ...F${n + 1} } }`).join(' ')} fragment F13 on Thing { id }`,
    },
    400,
    'QUERY_TOO_COMPLEX',
  ),
];

const values: [string, string, unknown][] = [
  ['Int', '1', '1'],
  ['Int', '0.5', 0.5],
  ['Int', '2^31', 2 ** 31],
  ['Int', '2^53+1', 2 ** 53],
  ['Int!', 'null', null],
  ['Color', 'an unknown name', 'BLUE'],
  ['Color', 'a list', ['RED']],
  ['Even', 'what a scalar refuses', 3],
  ['ThingInput', 'a missing field', {}],
  ['ThingInput', 'an unknown field', { name: 'a', nmae: 'b' }],
];
const ARGUMENT: Record<string, string> = {
  Int: 'size',
  'Int!': 'size',
  Color: 'color',
  Even: 'even',
  ThingInput: 'input',
};
const VALUES: Row[] = [
  row(
    'a missing variable',
    { query: 'query ($v: Int!) { thing(size: $v) { id } }' },
    400,
    'BAD_USER_INPUT',
  ),
  row(
    '1e400 as a variable',
    '{"query":"query ($v: Int) { thing(size: $v) { id } }","variables":{"v":1e400}}',
    400,
    'BAD_USER_INPUT',
  ),
  ...values.map(([type, name, value]) =>
    row(
      `${name} as a variable of type ${type}`,
      {
        query: `query ($v: ${type}) { thing(${ARGUMENT[type]}: $v) { id } }`,
        variables: { v: value },
      },
      400,
      'BAD_USER_INPUT',
    ),
  ),
  ...[
    'size: "1"',
    'size: 0.5',
    'size: 2147483648',
    'color: BLUE',
    'color: "RED"',
    'input: {}',
    'input: {name: "a", nmae: 1}',
    'even: 3',
  ].map(literal =>
    row(`the literal ${literal}`, { query: `{ thing(${literal}) { id } }` }, 400, 'BAD_USER_INPUT'),
  ),
];

describe('a POST is refused with a status, a code and a sentence', () => {
  const rows = [...TEXTS, ...MEDIA, ...ENCODINGS, ...SIZES, ...DOCUMENTS, ...VALUES];
  test.for(rows)('$name → $status $code', async ({ body, headers, status, code }) => {
    const answer = await edge.post(body, { ...RESPONSE_JSON, ...headers });
    expect(answer).toMatchObject({ status, codes: expect.arrayContaining([code]) });
    expect(new Set(answer.codes)).toEqual(new Set([code]));
    for (const { extensions } of answer.json.errors ?? []) expect(extensions).toEqual({ code });
    expect(edge.seen.resolved).toBe(0);
    for (const error of answer.json.errors ?? []) {
      expect(error.message.length).toBeLessThanOrEqual(500);
      expect(error.message).not.toMatch(/in JSON at position|node_modules/);
      // What is meant by a field of an input is said: see errors.test.ts.
      expect(error.message).not.toMatch(/(?<!by type "ThingInput"\.) Did you mean/);
    }
  });
});

describe('over application/json', () => {
  test.for([...DOCUMENTS.slice(0, 8), ...VALUES])(
    'a fault of the document or its values keeps status 200: $name',
    async ({ body, code }) => {
      const answer = await edge.post(body, { accept: 'application/json' });
      expect(answer).toMatchObject({ status: 200, codes: expect.arrayContaining([code]) });
      expect(answer.json).not.toHaveProperty('data');
    },
  );
});

test.for([
  ['with a key', KEY, 413, 'PAYLOAD_TOO_LARGE'],
  ['without', null, 401, 'UNAUTHENTICATED'],
] as const)('a chunked body over the limit is refused %s', async ([, key, status, code]) => {
  const chunk = utf8('x'.repeat(100_000));
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 40) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const init = {
    method: 'POST',
    body: stream,
    duplex: 'half',
    headers: {
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    },
  };
  const answer = await edge.send('/graphql', init as RequestInit);
  expect(answer).toMatchObject({ status, codes: [code] });
});

test.for([
  'subscription { wait @skip }',
  'subscription { wait @skip(if: true) }',
  'subscription($no: Boolean! = false) { wait @include(if: $no) }',
  'subscription { ... @skip(if: true) { wait } }',
  'subscription { ...F @include(if: false) } fragment F on Subscription { wait }',
  'subscription { ...F } fragment F on Subscription { wait @skip(if: true) }',
])('%s is refused: there may be nothing to subscribe to', async query => {
  const body = { query };
  const answer = await edge.post(body, { accept: '*/*' });
  expect(new Set(answer.codes)).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
});

test('what is at its bound is taken', async () => {
  const taken = [
    { query: `{ hello } #${'x'.repeat(63_989)}` },
    { query: `{ thing ${'{ self '.repeat(13)} { id } ${'}'.repeat(14)}` },
    { query: `{ ${Array.from({ length: 20 }, (_, n) => `a${n}: hello`).join(' ')} }` },
    { query: '{ echo(text: "' + '[({'.repeat(200) + '") }' },
    { query: '{ echo(text: """' + '{'.repeat(200) + ' \\""" """) } # {{{{' },
    {
      query: '{ hello }',
      variables: JSON.parse('{"__proto__":{"a":1}}'),
      extensions: {},
      operationName: null,
    },
  ];
  for (const body of taken) expect(await edge.post(body)).toMatchObject({ status: 200, codes: [] });
});

test.for(['gzip', 'deflate'])('a body in %s is read', async encoding => {
  const zip = encoding === 'gzip' ? gzipSync : deflateSync;
  const answer = await edge.post(new Uint8Array(zip(HELLO)), { 'content-encoding': encoding });
  expect(answer.json).toEqual({ data: { hello: 'world' } });
});

test.for(['a\u0001\u200f\u200d\u0301𝒳\ufffeİı', '\u{10ffff}', 'e\u0301'])(
  'text comes back as it was sent: %j',
  async text => {
    const query = 'query ($text: String) { echo(text: $text) }';
    const answer = await edge.post({ query, variables: { text } });
    expect(answer.json).toEqual({ data: { echo: text } });
  },
);

describe('by GET', () => {
  const get = (search: string, headers = {}) =>
    edge.send(`/graphql?${search}`, {
      headers: { authorization: 'Bearer slc_test_key', ...headers },
    });

  test('a query is answered, as curl sends it', async () => {
    expect((await get('query=%7B+hello+%7D')).json).toEqual({ data: { hello: 'world' } });
    const variables = encodeURIComponent(JSON.stringify({ text: 'ä=b&c' }));
    const answer = await get(
      `query=query(%24text:String)%7Becho(text:%24text)%7D&variables=${variables}&operationName=`,
    );
    expect(answer.json).toEqual({ data: { echo: 'ä=b&c' } });
  });

  test.for([
    ['a mutation', 'query=mutation%7Bnoop%7D', 405, 'BAD_REQUEST'],
    ['no query', '', 400, 'BAD_REQUEST'],
    ['variables that are not JSON', 'query=%7Bhello%7D&variables=%7Bbad', 400, 'BAD_REQUEST'],
    ['variables that are a list', 'query=%7Bhello%7D&variables=%5B1%5D', 400, 'BAD_REQUEST'],
    ['extensions that are not JSON', 'query=%7Bhello%7D&extensions=x', 400, 'BAD_REQUEST'],
    ['an escape that is not UTF-8', 'query=%7Becho(text:%22%FF%22)%7D', 400, 'BAD_REQUEST'],
    ['a broken escape', 'query=%7Bhello%7D%', 400, 'BAD_REQUEST'],
    ['a parameter given twice', 'query=%7Bhello%7D&query=%7Bboom%7D', 400, 'BAD_REQUEST'],
    ['an unknown parameter', 'query=%7Bhello%7D&q=1', 400, 'BAD_REQUEST'],
  ] as const)('%s is refused', async ([, search, status, code]) => {
    expect(await get(search)).toMatchObject({ status, codes: [code] });
  });

  test('an element of a page of another site is refused', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    // fetch itself may not set these.
    const { request } = await import('node:http');
    const status = await new Promise(resolve => {
      request(`${edge.url}?query=%7Bhello%7D`, { headers }, res =>
        resolve(res.resume().statusCode),
      ).end();
    });
    expect(status).toBe(403);
  });
});
