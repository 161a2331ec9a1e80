import { createClient } from 'graphql-ws';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Admission } from '../../../src/http/admission.ts';
import { KEY, startEdge, until, untilStill } from './kit/edge.ts';
import { connect, connectWithKey } from './kit/ws.ts';

const edge = await startEdge({ websocketOperationsMax: 5 });
afterAll(() => edge[Symbol.asyncDispose]());

const init = { type: 'connection_init', payload: { authorization: `Bearer ${KEY}` } };
const ask = (id: string, query: string, more = {}) => ({
  type: 'subscribe',
  id,
  payload: { query, ...more },
});
const codesOf = (payload: unknown) =>
  (payload as { extensions: { code: string } }[]).map(error => error.extensions.code);

describe('a socket is closed', () => {
  test.for([
    ['4400 for what is not JSON', ['garbage'], 4400],
    ['4400 for an unknown message', [{ type: 'nothing' }], 4400],
    [
      '4400 for a message that only a server sends',
      [init, { type: 'next', id: '1', payload: {} }],
      4400,
    ],
    [
      '4400 for a subscription without a query',
      [init, { type: 'subscribe', id: '1', payload: {} }],
      4400,
    ],
    [
      '4400 for 10,000 nested lists',
      [
        init,
        'acknowledged',
        `{"type":"ping","payload":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      ],
      4400,
    ],
    [
      '4400 for 1,000 nested lists before the handshake',
      [`{"type":"ping","payload":${'['.repeat(1_000)}${']'.repeat(1_000)}}`],
      4400,
    ],
    ['4401 for an operation before the handshake', [ask('1', '{ hello }')], 4401],
    ['4403 for no key', [{ type: 'connection_init' }], 4403],
    [
      '4403 for a wrong key',
      [{ type: 'connection_init', payload: { authorization: 'wrong' } }],
      4403,
    ],
    [
      '1013 when the key cannot be looked up',
      [{ type: 'connection_init', payload: { authorization: 'database-away' } }],
      1013,
    ],
    [
      '4409 for an id in use',
      [init, 'acknowledged', ask('1', 'subscription { wait }'), ask('1', '{ hello }')],
      4409,
    ],
    ['4429 for two handshakes', [init, init], 4429],
    [
      '1009 for more than a megabyte',
      [init, 'acknowledged', { type: 'ping', payload: { pad: 'x'.repeat(1_100_000) } }],
      1009,
    ],
    [
      '1009 for more than eight kilobytes before a key',
      [{ type: 'ping', payload: { pad: 'x'.repeat(10_000) } }],
      1009,
    ],
  ] as const)('%s', async ([, messages, code]) => {
    using client = await connect(edge);
    for (const message of messages) {
      if (message === 'acknowledged') await client.message('connection_ack');
      else client.send(message);
    }
    expect((await client.close()).code).toBe(code);
  });

  test('4408 for no handshake', async () => {
    await using hasty = await startEdge({ websocketInitMs: 200 });
    using client = await connect(hasty);
    expect((await client.close()).code).toBe(4408);
  });

  test('at once, where it sends no handshake and does not answer the close', async () => {
    await using hasty = await startEdge({ websocketInitMs: 200 });
    const socket = hasty.socket();
    socket.write(UPGRADE);
    let isGone = false;
    socket.on('data', () => {}).on('close', () => (isGone = true));
    await until(() => hasty.connections() === 1);
    await until(() => isGone);
    expect(hasty.connections()).toBe(0);
  });

  test('4400 for a binary message, 1007 for text that is not UTF-8', async () => {
    using binary = await connect(edge);
    binary.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect((await binary.close()).code).toBe(4400);
    using broken = await connect(edge);
    broken.socket.send(Buffer.from([0xff]), { binary: false });
    expect((await broken.close()).code).toBe(1007);
  });

  test('4406 for another protocol', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/graphql`);
    const code = await new Promise(resolve => socket.on('close', resolve));
    expect(code).toBe(4406);
  });
});

describe('the key is taken', () => {
  test.for([
    ['bare', { payload: { authorization: KEY } }, {}],
    ['after "Bearer"', { payload: { Authorization: `Bearer ${KEY}` } }, {}],
    ['from the upgrade', {}, { headers: { authorization: `Bearer ${KEY}` } }],
  ] as const)('%s', async ([, more, options]) => {
    using client = await connect(edge, options);
    client.send({ type: 'connection_init', ...more });
    await client.message('connection_ack');
    client.send(ask('1', '{ keyId }'));
    await client.message('complete');
    expect(client.of('1')[0]).toEqual({ type: 'next', payload: { data: { keyId: 7 } } });
  });
});

describe('a fault is an error message, and the socket stays', () => {
  const deep = `{ thing ${'{ self '.repeat(2_000)}${'}'.repeat(2_001)}`;
  test.for([
    ['a syntax error', ask('1', '{'), 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', ask('1', '{ helo }'), 'GRAPHQL_VALIDATION_FAILED'],
    ['U+0000', ask('1', '{ hello } # \0'), 'GRAPHQL_PARSE_FAILED'],
    ['too deep a document', ask('1', deep), 'QUERY_TOO_DEEP'],
    ['too long a document', ask('1', `{ hello } #${'x'.repeat(64_000)}`), 'QUERY_TOO_LARGE'],
    [
      'a wrong variable',
      ask('1', 'query ($v: Int) { thing(size: $v) { id } }', { variables: { v: 'a' } }),
      'BAD_USER_INPUT',
    ],
    [
      'a wrong variable of a subscription',
      ask('1', 'subscription ($v: Int!) { count(to: $v) }'),
      'BAD_USER_INPUT',
    ],
    [
      'no such operation',
      ask('1', 'query A { hello }', { operationName: 'B' }),
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['a stream that is refused', ask('1', 'subscription { refused }'), 'CURSOR_INVALID'],
  ] as const)('%s', async ([, message, code]) => {
    using client = await connectWithKey(edge);
    client.send(message);
    const { payload } = await client.message('error');
    expect(codesOf(payload)).toEqual([code]);
    expect(JSON.stringify(payload)).not.toContain('Did you mean');
    client.send(ask('2', '{ hello }'));
    await client.message('complete');
    expect(client.of('2')).toEqual([
      { type: 'next', payload: { data: { hello: 'world' } } },
      { type: 'complete' },
    ]);
  });

  test('its code does not change what the same text gets over HTTP', async () => {
    using client = await connectWithKey(edge);
    client.send(ask('1', '{ first { over'));
    await client.message('error');
    const accept = 'application/graphql-response+json';
    const answer = await edge.post({ query: '{ first { over' }, { accept });
    expect(answer).toMatchObject({ status: 400, codes: ['GRAPHQL_PARSE_FAILED'] });
  });
});

describe('a stream', () => {
  test('gives each result in order and completes', async () => {
    using client = await connectWithKey(edge);
    client.send(ask('s', 'subscription { count(to: 3) }'));
    await client.message('complete');
    expect(client.of('s')).toEqual([
      ...[1, 2, 3].map(count => ({ type: 'next', payload: { data: { count } } })),
      { type: 'complete' },
    ]);
  });

  test('ends with the code and the facts that its source throws', async () => {
    using client = await connectWithKey(edge);
    client.send(ask('s', 'subscription { revoked }'));
    await client.message('error');
    expect(client.of('s')).toMatchObject([
      { type: 'next', payload: { data: { revoked: 1 } } },
      { type: 'error', payload: [{ extensions: { code: 'KEY_REVOKED', cursor: 'c1' } }] },
    ]);
  });

  test('masks what its source throws unexpectedly, and goes on after a field that throws', async () => {
    using client = await connectWithKey(edge);
    client.send(ask('a', 'subscription { broken }'));
    expect(codesOf((await client.message('error')).payload)).toEqual(['INTERNAL_SERVER_ERROR']);
    client.send(ask('b', 'subscription { fieldBoom }'));
    await client.message('complete');
    expect(client.of('b')).toMatchObject([
      {
        payload: {
          data: { fieldBoom: null },
          errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
        },
      },
      { payload: { data: { fieldBoom: 2 } } },
      { type: 'complete' },
    ]);
    expect(JSON.stringify(client.received)).not.toContain('secret');
  });

  test('that waits for news ends at once when it is completed, and when its socket goes', async () => {
    for (const leave of ['complete', 'close', 'terminate'] as const) {
      using client = await connectWithKey(edge);
      const { streamsEnded } = edge.seen;
      client.send(ask('s', 'subscription { wait }'));
      await client.message('next');
      if (leave === 'complete') client.send({ type: 'complete', id: 's' });
      else client.socket[leave]();
      await until(() => edge.seen.streamsEnded === streamsEnded + 1);
    }
    expect(edge.seen.streamsEnded).toBe(edge.seen.streamsBegun);
  });

  test('beyond as many as a socket may have is refused', async () => {
    using client = await connectWithKey(edge);
    for (let n = 1; n <= 6; n++) client.send(ask(`${n}`, 'subscription { wait }'));
    const { id, payload } = await client.message('error');
    expect({ id, codes: codesOf(payload) }).toEqual({ id: '6', codes: ['TOO_MANY_STREAMS'] });
  });

  test('is read by the client that the protocol is known by', async () => {
    const client = createClient({
      url: `ws://127.0.0.1:${edge.port}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: KEY },
    });
    const results: unknown[] = [];
    for await (const result of client.iterate({ query: 'subscription { count(to: 2) }' }))
      results.push(result);
    expect(results).toEqual([{ data: { count: 1 } }, { data: { count: 2 } }]);
    await client.dispose();
  });
});

test('a reader that stops is not sent for without end', async () => {
  using client = await connectWithKey(edge);
  edge.seen.pulled = 0;
  client.socket.pause();
  client.send(ask('s', 'subscription { flood(kilobytes: 64) }'));
  await until(() => edge.seen.pulled > 0);
  await untilStill(() => edge.seen.pulled);
  // What the kernel's buffers took, and our own bound; never everything.
  expect(edge.seen.pulled).toBeLessThan(500);
});

test('a reader that takes no answers in is cut once they find no room', async () => {
  const others = edge.connections();
  using client = await connectWithKey(edge);
  client.socket.pause();
  // As many operations as there may be, with answers of 20 MB each.
  const fields = Array.from({ length: 20 }, (_, n) => `a${n}: large(kilobytes: 1000)`);
  for (let n = 1; n <= 5; n++) client.send(ask(`${n}`, `{ ${fields.join(' ')} }`));
  await until(() => edge.connections() <= others);
});

test('a peer that answers no ping is cut', async () => {
  // Long enough for a machine under load to answer in.
  await using strict = await startEdge({ websocketPingMs: 1_000 });
  using client = await connect(strict, { autoPong: false });
  using alive = await connectWithKey(strict);
  let pings = 0;
  alive.socket.on('ping', () => pings++);
  client.send(init);
  expect((await client.close()).code).toBe(1006);
  await until(() => pings >= 3);
  expect(alive.closed).toBeUndefined();
});

test('a WebSocket elsewhere is refused with 404', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/other`, 'graphql-transport-ws');
  const error = await new Promise<Error>(resolve => socket.on('error', resolve));
  expect(error.message).toContain('404');
});

const UPGRADE =
  'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
  'sec-websocket-protocol: graphql-transport-ws\r\n\r\n';

/** A text frame that says it has so many bytes, with the first of them; masked with zeros. */
function startOfMessage(bytes: number, sent: number): Buffer {
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes, 6);
  return Buffer.concat([head, Buffer.alloc(sent, 'x')]);
}

describe('what is held of messages that do not end', () => {
  test('is a few kilobytes of a socket without a key', async () => {
    const sockets = Array.from({ length: 20 }, () => edge.socket());
    let gone = 0;
    for (const socket of sockets) {
      socket.on('data', () => {}).on('close', () => (gone += 1));
      socket.write(Buffer.concat([Buffer.from(UPGRADE), startOfMessage(1_000_000, 9_000)]));
    }
    await until(() => gone === sockets.length);
  });

  test('is bounded for all sockets with a key, and given back', async () => {
    const admission = new Admission({ workRequestsMax: 100, workBytesMax: 2_000_000 });
    await using small = await startEdge({ admission });
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectWithKey(small)));
    const begin = ({ socket }: (typeof clients)[0]) =>
      (socket as unknown as { _socket: Socket })._socket.write(startOfMessage(1_000_000, 900_000));
    const [first, ...others] = clients as [(typeof clients)[0], ...typeof clients];
    begin(first);
    await until(() => admission.figures.bytes > 850_000);
    others.forEach(begin);
    // Three quarters of two megabytes are room for one, and not for two of them.
    await until(() => others.every(({ closed }) => closed?.code === 1013));
    expect(first.closed).toBeUndefined();
    using other = await connectWithKey(small);
    other.send(ask('1', `{ hello } #${'x'.repeat(30_000)}`));
    await other.message('complete');
    for (const client of clients) client[Symbol.dispose]();
    await until(() => admission.figures.bytes === 0);
  });
});

describe('connections without a key', () => {
  const limits = { unauthenticatedConnectionsMax: 6, unauthenticatedPerAddressMax: 4 };

  test('give way to newer ones, the oldest first, and those with a key stay', async () => {
    await using small = await startEdge(limits);
    using known = await connectWithKey(small);
    const gone: number[] = [];
    const sockets = Array.from({ length: 6 }, () => small.socket());
    for (const [n, socket] of sockets.entries()) socket.on('close', () => gone.push(n));
    await until(() => gone.length === 2);
    expect(small.connections()).toBe(5);
    known.send(ask('1', '{ hello }'));
    await known.message('complete');
    expect((await small.post({ query: '{ hello }' })).status).toBe(200);
  });

  test('are let in again when a key was shown on them', async () => {
    await using small = await startEdge(limits);
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectWithKey(small)));
    clients.push(...(await Promise.all(Array.from({ length: 4 }, () => connectWithKey(small)))));
    expect(clients.map(({ closed }) => closed)).toEqual(clients.map(() => undefined));
    for (const client of clients) client[Symbol.dispose]();
  });
});
