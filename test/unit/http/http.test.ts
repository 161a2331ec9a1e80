import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { KEY, startEdge, until, type Edge } from '../graphql-http/kit/edge.ts';
import { connectWithKey } from '../graphql-http/kit/ws.ts';

const edge = await startEdge({
  handlers: [
    {
      name: 'door',
      matches: path => path === '/door',
      handle: ({ res }) => void res.end('open'),
    },
    {
      name: 'broken',
      matches: path => path === '/broken',
      handle: () => Promise.reject(new Error('secret')),
    },
  ],
});
afterAll(() => edge[Symbol.asyncDispose]());

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Not once(): a reset after the answer is no failure of the answer.
  await new Promise(resolve => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

function post(body: string, more = ''): string {
  return (
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${KEY}\r\n` +
    `content-length: ${body.length}\r\n${more}\r\n${body}`
  );
}

describe('every answer', () => {
  test.for([
    '/graphql',
    '/nothing',
    '/health/live',
    '/health/ready',
    '/broken',
    '/door',
    '/graphql/assets/x',
  ])('of %s carries the same headers', async path => {
    const { headers } = await edge.send(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  });

  test('has the caller’s request id where that is well-formed, else a new one', async () => {
    const idFor = async (id: string) =>
      (await edge.send('/health/live', { headers: { 'x-request-id': id } })).headers.get(
        'x-request-id',
      );
    expect(await idFor('trace-1/2:3')).toBe('trace-1/2:3');
    for (const id of ['a b', '"quoted"', 'x'.repeat(129), '{}'])
      expect(await idFor(id)).not.toBe(id);
  });
});

describe('a path', () => {
  test.for([
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['GET', '/graphql/assets/none.js', 404, 'NOT_FOUND'],
    ['GET', '/graphqlx', 404, 'NOT_FOUND'],
    ['GET', '/health/', 404, 'NOT_FOUND'],
    ['POST', '/health/live', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/graphql/assets/none.js', 405, 'METHOD_NOT_ALLOWED'],
    ['PUT', '/graphql', 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/graphql', 405, 'METHOD_NOT_ALLOWED'],
    ['OPTIONS', '/graphql', 405, 'METHOD_NOT_ALLOWED'],
  ] as const)('%s %s is answered with %i %s', async ([method, path, status, code]) => {
    const answer = await edge.send(path, { method });
    expect(answer).toMatchObject({ status, codes: [code] });
    expect(answer.headers.has('allow')).toBe(status === 405);
  });

  test('of another handler is its own, and what it throws is masked and logged', async () => {
    expect((await edge.send('/door?a=b')).text).toBe('open');
    const answer = await edge.send('/broken');
    expect(answer).toMatchObject({ status: 500, codes: ['INTERNAL_SERVER_ERROR'] });
    expect(answer.text).not.toContain('secret');
    expect(edge.log.some(line => line.level === 'error')).toBe(true);
  });

  test('/health says whether the process lives and whether it can serve', async () => {
    expect((await edge.send('/health/live')).status).toBe(200);
    expect((await edge.send('/health/ready')).status).toBe(200);
    await using busy = await startEdge({ notReady: async () => ['No database.'] });
    expect((await busy.send('/health/live')).status).toBe(200);
    const answer = await busy.send('/health/ready');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({ status: 'unavailable', reasons: ['No database.'] });
  });
});

describe('on the wire', () => {
  test.for(['', 'connection: close\r\n'])(
    'a refusal is read by a sender that is still sending: %j',
    async more => {
      await using small = await startEdge({ bodyBytesMax: 1_000 });
      const socket = small.socket();
      const text = textOf(socket);
      const length = 20_000_000;
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`,
      );
      const chunk = Buffer.alloc(1_000_000, 'x');
      let broken: Error | undefined;
      socket.on('error', error => (broken = error));
      for (let sent = 0; sent < length; sent += chunk.length) {
        if (!socket.write(chunk)) await once(socket, 'drain');
      }
      socket.end();
      expect(await text).toMatch(/^HTTP\/1.1 413 .*PAYLOAD_TOO_LARGE/s);
      expect(broken).toBeUndefined();
    },
  );

  test('a sender that never stops is cut after its refusal', async () => {
    await using small = await startEdge({ bodyBytesMax: 1_000 });
    const socket = small.socket();
    const text = textOf(socket);
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    socket.on('error', () => {});
    const timer = setInterval(() => socket.write(`400\r\n${'x'.repeat(0x400)}\r\n`), 5);
    expect(await text).toContain('413');
    clearInterval(timer);
  });

  test('a sender that waits for leave is refused in its place', async () => {
    const socket = edge.socket();
    const text = textOf(socket);
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n' +
        'connection: close\r\ncontent-length: 99999999\r\n\r\n',
    );
    expect(await text).toMatch(/^HTTP\/1.1 413/);
    const small = edge.socket();
    const answered = textOf(small);
    const body = '{"query":"{ hello }"}';
    const request = post(body, 'expect: 100-continue\r\nconnection: close\r\n');
    small.write(request.slice(0, -body.length));
    await once(small, 'data');
    small.write(body);
    expect(await answered).toContain('world');
  });

  test('an expectation that nobody knows is passed over, and the request answered', async () => {
    const socket = edge.socket();
    const answered = textOf(socket);
    socket.write(post('{"query":"{ hello }"}', 'expect: x\r\nconnection: close\r\n'));
    expect(await answered).toContain('world');
  });

  test.for([
    ['what is not HTTP', 'GARBAGE\r\n\r\n', 400],
    [
      'a header of 20,000 bytes',
      `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      'two lengths',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
    ],
  ] as const)('%s is refused with a body', async ([, request, status]) => {
    const socket = edge.socket();
    socket.write(request);
    expect(await textOf(socket)).toMatch(
      new RegExp(`^HTTP/1.1 ${status} .*"code":"BAD_REQUEST"`, 's'),
    );
  });

  test('a header that does not come is not waited for', async () => {
    await using hasty = await startEdge({ headersTimeoutMs: 100 });
    const socket = hasty.socket();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\na: ');
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 408/);
  });

  test('a body that only trickles in is not waited for', async () => {
    await using hasty = await startEdge({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const socket = hasty.socket();
    const text = textOf(socket);
    socket.write(post('{', '').replace('content-length: 1', 'content-length: 1000'));
    const timer = setInterval(() => socket.write(' '), 50);
    expect(await text).toMatch(/^HTTP\/1.1 408 .*"code":"BAD_REQUEST"/s);
    clearInterval(timer);
  });

  test('a body that breaks off hurts nobody', async () => {
    const socket = edge.socket();
    socket.write(post('{"query":', 'x: y\r\n').replace('content-length: 9', 'content-length: 900'));
    await new Promise(resolve => setTimeout(resolve, 50));
    socket.destroy();
    expect((await edge.post({ query: '{ hello }' })).status).toBe(200);
  });

  test('as many requests as may wait for their answers are answered in turn, and more are not held', async () => {
    const ask = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
    const answersIn = (text: string) => text.split('HTTP/1.1 200').length - 1;
    const patient = edge.socket();
    let text = '';
    patient.on('data', chunk => (text += String(chunk)));
    patient.write(ask.repeat(LIMITS.pipelinedMax));
    await until(() => answersIn(text) === LIMITS.pipelinedMax);
    patient.write(ask);
    await until(() => answersIn(text) === LIMITS.pipelinedMax + 1);

    const greedy = edge.socket();
    greedy.write(ask.repeat(1_000));
    expect(answersIn(await textOf(greedy))).toBeLessThanOrEqual(LIMITS.pipelinedMax);
  });

  test('a connection is kept and takes the next request', async () => {
    const socket = edge.socket();
    let text = '';
    socket.on('data', chunk => (text += String(chunk)));
    for (let n = 1; n <= 3; n++) {
      socket.write(post('{"query":"{ hello }"}'));
      await until(() => text.split('world').length === n + 1);
    }
  });
});

describe('on stopping', () => {
  const slow = { query: '{ slow(ms: 300) }' };
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${KEY}`,
    accept: 'text/event-stream',
  };
  const wait = (on: Edge) =>
    fetch(on.url, { method: 'POST', headers, body: '{"query":"subscription { wait }"}' });

  test('answers in flight are given, nobody new is taken, and streams and sockets end with a code', async () => {
    const order: string[] = [];
    await using ending = await startEdge({
      stopMs: 6_000,
      endStreams: () => void order.push('streams'),
    });
    using client = await connectWithKey(ending);
    client.send({ type: 'subscribe', id: 's', payload: { query: 'subscription { wait }' } });
    client.send({ type: 'subscribe', id: 'q', payload: slow });
    await client.message('next');
    const stream = await wait(ending);
    const answering = ending.post(slow);
    const idle = ending.socket();
    await until(() => ending.seen.resolved === 2 && ending.seen.streamsBegun === 2);

    const stopped = ending.stop();
    await expect(once(ending.socket(), 'connect')).rejects.toThrow();
    const answer = await answering;
    expect(answer.json).toEqual({ data: { slow: 'done' } });
    await stopped;

    expect(order).toEqual(['streams']);
    expect(await stream.text()).toMatch(/GOING_AWAY.*event: complete/s);
    expect((await client.close()).code).toBe(1001);
    expect(client.of('s').at(-1)).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'GOING_AWAY' } }],
    });
    expect(client.of('q')[0]).toMatchObject({ type: 'next', payload: { data: { slow: 'done' } } });
    await until(() => idle.destroyed || idle.closed);
    expect(ending.seen.streamsEnded).toBe(2);
    await ending.stop();
  });

  test('what does not end is closed by force', async () => {
    await using hanging = await startEdge({ stopMs: 400 });
    const answering = hanging.post({ query: '{ slow(ms: 60000) }' }).catch(() => 'cut');
    await until(() => hanging.seen.resolved === 1);
    await hanging.stop();
    expect(await answering).toBe('cut');
  });
});
