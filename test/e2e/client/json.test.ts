/** What JavaScript holds and JSON does not is told, with its place, before anything is sent. */
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, SluiceError, type JsonObjectInput } from '../../../src/client/index.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from '../cli/run.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function start() {
  const { slug, key } = await gateway.workspace();
  const bodies: string[] = [];
  const client = createClient({
    ...{ url: gateway.url, key },
    fetch: (url, init) => {
      bodies.push(init.body as string);
      return fetch(url, init);
    },
  });
  const payloads = async () => {
    const rows = await gateway.db.read.query<{ payload: string }>(
      `select e.payload::text as payload from events e join workspaces w on w.id = e.workspace_id
       where w.slug = $1 order by e.position`,
      [slug],
    );
    return rows.map(({ payload }) => payload);
  };
  return { client, bodies, payloads, slug };
}

class Money {
  readonly #cents = 5;
  readonly currency = 'EUR';
  get cents() {
    return this.#cents;
  }
}

const cyclic: Record<string, unknown> = {};
cyclic['self'] = { list: [cyclic] };
let deep: unknown = 0;
for (let level = 0; level < 100_000; level += 1) deep = [deep];

const NO_JSON: readonly (readonly [what: string, value: unknown, path: string, said: RegExp])[] = [
  ['NaN', NaN, '', /finite number, got NaN/],
  ['Infinity', [Infinity], '/0', /got Infinity/],
  ['-Infinity', { 'a/b~c': -Infinity }, '/a~1b~0c', /got -Infinity/],
  ['an Invalid Date', new Date(NaN), '', /got a Date that is no value/],
  ['a Map', { a: new Map([['b', 1]]) }, '/a', /got a Map .*Object\.fromEntries/],
  ['a Set', new Set([1]), '', /got a Set .*Array\.from/],
  ['an Error', new Error('no'), '', /got an Error/],
  ['a WeakMap', new WeakMap(), '', /got a WeakMap/],
  ['a pattern', /a/, '', /got a RegExp/],
  ['a promise', Promise.resolve(1), '', /got a Promise/],
  ['bytes', new Uint8Array(3), '', /got an? Uint8Array/],
  ['an object of a class', new Money(), '', /got a Money/],
  ['a boxed number', Object(5), '', /got a Number/],
  ['a function', () => 1, '', /got a function/],
  ['a symbol', Symbol('a'), '', /got a symbol/],
  ['undefined in a list', [1, undefined], '/1', /got undefined/],
  ['a hole in a list', Array(1), '/0', /got undefined/],
  ['a bigint out of range', 10n ** 309n, '', /got a bigint of 310 digits/],
  ['an integer that was rounded', 2 ** 53, '', /Use a bigint/],
  ['a cycle', cyclic, '/self/list/0', /holds itself/],
  ['levels without an end', deep, '', /at most 500 levels/],
  ['what gives no JSON', { toJSON: () => undefined }, '', /no value of its kind/],
  ['what gives NaN', { toJSON: () => [NaN] }, '/0', /got NaN/],
];

test.each(NO_JSON)(
  '%s in a payload is INVALID_EVENT with its place',
  async (_what, value, path, said) => {
    const { client, bodies } = await start();
    const error = (await client
      .record({ type: 'a', payload: { v: value } as JsonObjectInput })
      .catch((reason: unknown) => reason)) as SluiceError;
    expect(error).toBeInstanceOf(SluiceError);
    expect(error.code).toBe('INVALID_EVENT');
    expect(error.message).toMatch(said);
    expect(error.message.startsWith(`/payload/v${path}`)).toBe(true);
    await client.close();
    expect(bodies).toEqual([]);
  },
);

test('a field or property that is no JSON is INVALID_EVENT, and costs no other event', async () => {
  const { client, payloads } = await start();
  const events = [
    { type: 'a', occurredAt: new Date('no date') },
    { type: 'a', expiresAt: new Date(NaN) },
    { type: 'a', properties: [{ double: { name: 'x', value: NaN } }] },
    { type: 'a', properties: [{ long: { name: 'x', value: (2 ** 60) as unknown as string } }] },
    { type: 'a', properties: [{ date: { name: 'x', value: new Date(NaN) } }] },
    { type: 'a', payload: { good: true } },
  ];
  const answers = await Promise.allSettled(events.map(event => client.record(event)));
  expect(
    answers.slice(0, -1).map(answer => (answer as PromiseRejectedResult).reason.message),
  ).toEqual([
    expect.stringMatching(/^\/occurredAt expects/),
    expect.stringMatching(/^\/expiresAt expects/),
    expect.stringMatching(/^\/properties\/0\/double\/value expects/),
    expect.stringMatching(/^\/properties\/0\/long\/value may have lost digits/),
    expect.stringMatching(/^\/properties\/0\/date\/value expects/),
  ]);
  expect(answers.at(-1)).toMatchObject({ value: { status: 'RECORDED' } });
  expect(await payloads()).toEqual(['{"good": true}']);
  await client.close();
});

test('what has an exact JSON is recorded as that', async () => {
  const { client, payloads } = await start();
  const shared = { n: 1 };
  const payload = {
    ...{ absent: undefined, zero: -0, tiny: 5e-324, large: 1.7e308, big: -(10n ** 18n) },
    ...{ at: new Date(0), link: new URL('http://a.example/'), twice: [shared, shared] },
    ...{
      bare: Object.assign(Object.create(null), { a: 1 }),
      foreign: runInNewContext('({ b: [1] })'),
    },
    ['__proto__x']: 1,
  } as unknown as JsonObjectInput;
  const properties = [{ double: { name: 'd', value: 2 ** 60 } }];
  expect(await client.record({ type: 'a', payload, properties })).toMatchObject({
    status: 'RECORDED',
  });
  const [stored] = await payloads();
  expect(stored).toContain('"big": -1000000000000000000');
  expect(JSON.parse(stored!)).toEqual({
    ...{ zero: 0, tiny: 5e-324, large: 1.7e308, big: -1e18, at: '1970-01-01T00:00:00.000Z' },
    ...{ link: 'http://a.example/', twice: [shared, shared], bare: { a: 1 }, foreign: { b: [1] } },
    ...{ ['__proto__x']: 1, d: 2 ** 60 },
  });
  await client.close();
});

test('a variable or filter that is no JSON is told with its place, and nothing is asked', async () => {
  const { client, bodies } = await start();
  const query = 'query ($filter: EventFilter) { events(filter: $filter) { totalCount } }';
  const filter = { payload: [{ path: ['n'], greaterThan: NaN }] };
  await expect(client.query(query, { filter })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    message: 'Variables: /filter/payload/0/greaterThan expects a finite number, got NaN.',
  });
  for (const value of [NaN, 2 ** 53]) {
    const stream = client.subscribe({ filter: { payload: [{ path: ['n'], equals: value }] } });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('/filter/payload/0/equals'),
    });
  }
  expect(bodies).toEqual([]);
  await client.record({ type: 'a', payload: { n: 2n ** 53n + 1n } });
  const counts = [2n ** 53n, 2n ** 53n + 1n].map(async equals => {
    const { events } = await client.query<{ events: { totalCount: number } }>(query, {
      filter: { payload: [{ path: ['n'], equals }] },
    });
    return events.totalCount;
  });
  expect(await Promise.all(counts)).toEqual([0, 1]);
  await client.close();
});

test('send and filters of the command line keep every digit, and tell the place of what is out of range', async () => {
  const { slug, payloads } = await start();
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: (await gateway.workspace()).key };
  const lines = [
    ...['1e400', '-1e999', '1e-400'].map(n => `{"type":"a","payload":{"a":[${n}]}}`),
    '{"type":"a","properties":[{"double":{"name":"x","value":1e400}}]}',
  ];
  const sent = await sluice(['send'], environment, `${lines.join('\n')}\n`);
  expect(sent.code).toBe(1);
  expect(sent.json()).toMatchObject([
    { line: 1, status: 'REJECTED', problems: [{ pointer: '/payload/a/0' }] },
    { line: 2, status: 'REJECTED', problems: [{ pointer: '/payload/a/0' }] },
    { line: 3, status: 'REJECTED', problems: [{ pointer: '/payload/a/0' }] },
    { line: 4, status: 'REJECTED', problems: [{ pointer: '/properties/0/double/value' }] },
  ]);
  const one = await sluice(['send', 'a', '--payload', '{"n":1e400}'], environment);
  expect(one).toMatchObject({ code: 1 });
  expect(one.json()).toMatchObject([{ status: 'REJECTED', problems: [{ pointer: '/payload/n' }] }]);
  const exact = '{"n":9007199254740993,"d":123456789012.123456789}';
  expect((await sluice(['send', 'a', '--payload', exact], environment)).code).toBe(0);
  const found = async (value: string) => {
    const filter = `{"payload":[{"path":["n"],"equals":${value}}]}`;
    return (await sluice(['export', '--filter', filter], environment)).err;
  };
  expect(await found('9007199254740992')).toContain('0 events exported');
  expect(await found('9007199254740993')).toContain('1 events exported');
  expect(await found('1e400')).toContain('BAD_USER_INPUT');
  expect([slug, await payloads()]).toEqual([slug, []]);
});
