/** What an answer may weigh, and what is read for it. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const BYTES_MAX = 1_000_000;
const EVENTS = 12;
const EVENT_BYTES = 200_000;

let gateway: TestGateway;
let key: string;
beforeAll(async () => {
  gateway = await startTestGateway({ config: { answerBytesMax: BYTES_MAX } });
  ({ key } = await gateway.workspace());
  const payload = { text: 'x'.repeat(EVENT_BYTES) };
  for (let n = 0; n < EVENTS; n++) {
    await gateway.data(
      'mutation($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status } } }',
      { e: { type: 'large', groupId: 'all', payload } },
      key,
    );
  }
});
afterAll(() => gateway[Symbol.asyncDispose]());

const aliases = (count: number, field: string) =>
  Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(' ');

async function ask(query: string) {
  const { data, errors = [] } = await gateway.graphql(query, {}, key);
  return { data, codes: errors.map(({ extensions }) => extensions['code']), errors };
}

test('what fits is answered whole', async () => {
  const { data, codes } = await ask('{ events(first: 3) { nodes { payload } } }');
  expect(codes).toEqual([]);
  expect(JSON.stringify(data).length).toBeGreaterThan(3 * EVENT_BYTES);
});

test('a page that does not fit has fewer events', async () => {
  const { data, codes } = await ask('{ events { nodes { payload } pageInfo { hasNextPage } } }');
  expect(codes).toEqual([]);
  expect(data).toMatchObject({ events: { pageInfo: { hasNextPage: true } } });
  expect(JSON.stringify(data).length).toBeLessThan(BYTES_MAX);
});

test('what is not asked for does not count', async () => {
  const { data, codes } = await ask('{ events { nodes { id } } }');
  expect(codes).toEqual([]);
  expect(JSON.stringify(data).match(/"id"/g)).toHaveLength(EVENTS);
});

describe('too much is refused with QUERY_TOO_EXPENSIVE and advice', () => {
  test('events that are named and do not fit together are not read to their end', async () => {
    const { data } = await ask('{ events { nodes { id } } }');
    const { nodes } = (data as { events: { nodes: { id: string }[] } }).events;
    const named = JSON.stringify(nodes.map(({ id }) => id));
    const { codes, errors } = await ask(`{ nodes(ids: ${named}) { ... on Event { payload } } }`);
    expect(new Set(codes)).toEqual(new Set(['QUERY_TOO_EXPENSIVE']));
    expect(errors[0]?.message).toContain('smaller pages');
  });

  test('several pages count together', async () => {
    const { codes } = await ask(`{ ${aliases(8, 'events(first: 3) { nodes { payload } }')} }`);
    expect(codes.length).toBeGreaterThanOrEqual(1);
    expect(new Set(codes)).toEqual(new Set(['QUERY_TOO_EXPENSIVE']));
  });

  test.for([
    ['payload', aliases(8, 'payload')],
    ['properties', aliases(8, 'properties { values }')],
  ] as const)('%s that stands in it many times counts each time', async ([, fields]) => {
    const { data, codes, errors } = await ask(`{ events(first: 3) { nodes { ${fields} } } }`);
    expect(codes).toEqual(['QUERY_TOO_EXPENSIVE']);
    expect(errors[0]?.message).toContain('fewer fields');
    expect(data).toBeUndefined();
  });

  test('short texts count as well', async () => {
    const { slug, key: own } = await gateway.workspace();
    const events = Array.from({ length: 200 }, (_, n) => ({
      type: 'described',
      id: `e${n}`,
      description: 'd'.repeat(4_000),
    }));
    await gateway.data(
      'mutation($w: String, $e: [EventInput!]!) { recordEvents(input: { workspace: $w, events: $e }) { recordedCount } }',
      { w: slug, e: events },
      own,
    );
    const page = (count: number) =>
      gateway.graphql(
        `{ events(first: 200) { nodes { ${aliases(count, 'description')} } } }`,
        {},
        own,
      );
    expect((await page(1)).errors).toBeUndefined();
    expect((await page(2)).errors?.[0]?.extensions['code']).toBe('QUERY_TOO_EXPENSIVE');
  });
});

test('a stream has room for each of its steps', async () => {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
  });
  const query =
    'subscription { events(start: BEGINNING) { position node { a: payload b: payload } } }';
  const positions: unknown[] = [];
  for await (const { data, errors } of client.iterate<{ events: { position: number } }>({
    query,
  })) {
    expect(errors).toBeUndefined();
    positions.push(data?.events.position);
    if (positions.length === EVENTS) break;
  }
  expect(positions).toEqual(Array.from({ length: EVENTS }, (_, n) => n + 1));
  await client.dispose();
});
