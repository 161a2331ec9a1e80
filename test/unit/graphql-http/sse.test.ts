import { createClient } from 'graphql-sse';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { KEY, startEdge, until, type Edge } from './kit/edge.ts';

const edge = await startEdge({ ssePingMs: 60 });
afterAll(() => edge[Symbol.asyncDispose]());

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
const STREAM = { ...HEADERS, accept: 'text/event-stream' };

interface Event {
  readonly event?: string;
  readonly id?: string;
  readonly data?: unknown;
}

function eventsOf(text: string): Event[] {
  const blocks = text.split('\n\n').filter(block => block !== '' && block !== ':');
  return blocks.map(block => {
    const lines = block.split('\n').map(line => line.split(/:(.*)/s).map(part => part.trim()));
    const fields = Object.fromEntries(lines) as Record<string, string>;
    return { ...fields, data: fields['data'] ? JSON.parse(fields['data']) : '' };
  });
}

async function stream(query: string, more: RequestInit = {}): Promise<Event[]> {
  const init = { method: 'POST', headers: STREAM, body: JSON.stringify({ query }), ...more };
  const response = await fetch(edge.url, init);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return eventsOf(await response.text());
}

const complete = { event: 'complete', data: '' };

describe('a stream', () => {
  const counted = [1, 2, 3].map(count => ({ event: 'next', data: { data: { count } } }));

  test('by POST gives each result in order and completes', async () => {
    expect(await stream('subscription { count(to: 3) }')).toEqual([...counted, complete]);
  });

  test('by GET does the same, also for a caller that takes everything', async () => {
    const url = `${edge.url}?query=subscription%7Bcount(to:3)%7D`;
    for (const accept of ['text/event-stream', '*/*']) {
      const response = await fetch(url, { headers: { ...HEADERS, accept } });
      expect(response.headers.get('x-accel-buffering')).toBe('no');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(eventsOf(await response.text())).toEqual([...counted, complete]);
    }
  });

  test('is not begun for a caller that reads none', async () => {
    for (const accept of ['application/json', 'text/event-stream;q=0, */*']) {
      const answer = await edge.post({ query: 'subscription { count(to: 3) }' }, { accept });
      expect(answer).toMatchObject({ status: 400, codes: ['BAD_REQUEST'] });
    }
  });

  test('also carries a query for a caller that reads nothing else', async () => {
    expect(await stream('{ hello }')).toEqual([
      { event: 'next', data: { data: { hello: 'world' } } },
      complete,
    ]);
  });

  test('is read by the client that the protocol is known by', async () => {
    const client = createClient({ url: edge.url, headers: { authorization: `Bearer ${KEY}` } });
    const results: unknown[] = [];
    for await (const result of client.iterate({ query: 'subscription { count(to: 2) }' }))
      results.push(result);
    expect(results).toEqual([{ data: { count: 1 } }, { data: { count: 2 } }]);
    client.dispose();
  });

  test('ends with the code and the facts that its source throws', async () => {
    expect(await stream('subscription { revoked }')).toMatchObject([
      { data: { data: { revoked: 1 } } },
      { event: 'next', data: { errors: [{ extensions: { code: 'KEY_REVOKED', cursor: 'c1' } }] } },
      complete,
    ]);
  });

  test('masks what its source throws unexpectedly, and goes on after a field that throws', async () => {
    const broken = await stream('subscription { broken }');
    expect(broken[1]).toMatchObject({
      data: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
    });
    const fields = await stream('subscription { fieldBoom }');
    expect(fields[0]).toMatchObject({
      data: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
    });
    expect(fields[1]).toMatchObject({ data: { data: { fieldBoom: 2 } } });
    expect(JSON.stringify([broken, fields])).not.toContain('secret');
  });

  test.for([
    ['{', 'GRAPHQL_PARSE_FAILED'],
    ['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription ($v: Int!) { count(to: $v) }', 'BAD_USER_INPUT'],
    ['subscription { refused }', 'CURSOR_INVALID'],
  ] as const)('tells of the fault in %s as an event: %s', async ([query, code]) => {
    expect(await stream(query)).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code } }] } },
      complete,
    ]);
  });

  test.for([
    [
      'no key',
      { authorization: null },
      { query: 'subscription { count(to: 3) }' },
      401,
      'UNAUTHENTICATED',
    ],
    ['no JSON', {}, '{', 400, 'BAD_REQUEST'],
    [
      'keys that cannot be looked up',
      { authorization: 'Bearer database-away' },
      { query: '{ hello }' },
      503,
      'SERVICE_UNAVAILABLE',
    ],
  ] as const)(
    'is not begun for %s, and the status says so',
    async ([, headers, body, status, code]) => {
      const answer = await edge.post(body, { accept: 'text/event-stream', ...headers });
      expect(answer).toMatchObject({ status, codes: [code] });
    },
  );

  test('pings while nothing happens', async () => {
    const response = await fetch(edge.url, {
      method: 'POST',
      headers: STREAM,
      body: '{"query":"subscription { wait }"}',
    });
    const reader = response.body!.getReader();
    let text = '';
    await until(() => {
      void reader.read().then(({ value }) => (text += value ? Buffer.from(value).toString() : ''));
      return (text.match(/^:$/gm) ?? []).length >= 3;
    });
    await reader.cancel();
  });

  test('carries the ids that a hook takes from its results', async () => {
    await using named = await startEdge({
      eventIdOf: step => `c${String(step)}`,
    });
    const init = {
      method: 'POST',
      headers: STREAM,
      body: '{"query":"subscription { count(to: 2) }"}',
    };
    const events = eventsOf(await (await fetch(named.url, init)).text());
    expect(events.map(event => event.id)).toEqual(['c1', 'c2', undefined]);
  });
});

test('a stream that waits for news ends at once when its reader leaves', async () => {
  for (let n = 0; n < 20; n++) {
    const { streamsEnded } = edge.seen;
    const aborting = new AbortController();
    const init = { method: 'POST', headers: STREAM, body: '{"query":"subscription { wait }"}' };
    const response = await fetch(edge.url, { ...init, signal: aborting.signal });
    await response.body!.getReader().read();
    aborting.abort();
    await until(() => edge.seen.streamsEnded === streamsEnded + 1);
  }
  expect(edge.seen.streamsEnded).toBe(edge.seen.streamsBegun);
});

/** A reader that asks for a stream and then takes nothing in. */
async function stuckReader(on: Edge, body: string, accept: string) {
  const socket = on.socket();
  await once(socket, 'connect');
  socket.pause();
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: ${accept}\r\n` +
      `authorization: Bearer ${KEY}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

test('a reader that stops is not sent for without end, and is cut', async () => {
  await using strict = await startEdge({ stalledReaderMs: 300 });
  await stuckReader(
    strict,
    '{"query":"subscription { flood(kilobytes: 64) }"}',
    'text/event-stream',
  );
  await until(() => strict.seen.streamsBegun === 1);
  await until(() => strict.seen.streamsEnded === 1);
  expect(strict.seen.pulled).toBeLessThan(500);
});

test('a reader that does not take in a large answer is cut', async () => {
  await using strict = await startEdge({ stuckPeerMs: 300 });
  const socket = await stuckReader(
    strict,
    '{"query":"{ large(kilobytes: 30000) }"}',
    'application/json',
  );
  await until(() => strict.seen.resolved === 1 && strict.connections() === 0);
  socket.resume();
  let bytes = 0;
  socket.on('data', chunk => (bytes += chunk.length));
  await once(socket, 'close');
  expect(bytes).toBeLessThan(30_000_000);
});
