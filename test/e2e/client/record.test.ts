import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, SluiceError, type ClientOptions } from '../../../src/client/index.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { builtModule } from '../../kit/program.ts';

const run = promisify(execFile);
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A client of a workspace of its own, that counts its requests. */
async function start(options: Partial<ClientOptions> = {}) {
  const { slug, key } = await gateway.workspace();
  const bodies: string[] = [];
  const fetchIt = options.fetch ?? fetch;
  const client = createClient({
    ...{ url: gateway.url, key },
    ...options,
    fetch: (url, init) => {
      bodies.push(init.body as string);
      return fetchIt(url, init);
    },
  });
  return { client, slug, key, bodies };
}

async function storedIn(slug: string): Promise<string[]> {
  const rows = await gateway.db.read.query<{ event_id: string }>(
    `select e.event_id from events e join workspaces w on w.id = e.workspace_id
     where w.slug = $1 order by e.position`,
    [slug],
  );
  return rows.map(row => row.event_id);
}

test('every event has a receipt, in the order of the calls, with few requests', async () => {
  const { client, bodies, slug } = await start();
  const receipts = await Promise.all(
    Array.from({ length: 2_500 }, (_, n) => client.record({ type: 'a', payload: { n } })),
  );
  expect(receipts.map(({ status, position }) => [status, position])).toEqual(
    receipts.map((_, n) => ['RECORDED', n + 1]),
  );
  expect(bodies.length).toBeLessThanOrEqual(4);
  expect(await storedIn(slug)).toEqual(receipts.map(({ eventId }) => eventId));
  await client.close();
});

test('a bigint keeps every digit, and an integer that JavaScript has rounded is refused', async () => {
  const { client, slug } = await start();
  const ids = [9_007_199_254_740_993n, -12_345_678_901_234_567_890n];
  const receipt = await client.record({ type: 'a', payload: { ids, avogadro: 6.022e23 } });
  expect(receipt.status).toBe('RECORDED');
  const [row] = await gateway.db.read.query<{ payload: string }>(
    `select e.payload::text as payload from events e join workspaces w on w.id = e.workspace_id
     where w.slug = $1`,
    [slug],
  );
  expect(row?.payload).toBe(
    '{"ids": [9007199254740993, -12345678901234567890], "avogadro": 602200000000000000000000}',
  );
  const rounded = { type: 'a', payload: { order: { ids: [1, 2 ** 53] } } };
  await expect(client.record(rounded)).rejects.toMatchObject({
    code: 'INVALID_EVENT',
    message: expect.stringContaining('/payload/order/ids/1'),
  });
  await client.close();
});

test('what is refused is told event by event, and a malformed one fails alone', async () => {
  const { client } = await start();
  const good = { type: 'a' };
  const malformed = { type: 'a', colour: 'red' } as { type: string };
  const cyclic: { type: string; payload: Record<string, never> } = { type: 'a', payload: {} };
  Object.assign(cyclic.payload, { cyclic });
  const answers = await Promise.allSettled(
    [good, { type: '' }, malformed, good, cyclic].map(event => client.record(event)),
  );
  const [first, refused, odd, last, unwritable] = answers;
  expect(first).toMatchObject({ value: { status: 'RECORDED' } });
  expect(refused).toMatchObject({
    value: { status: 'REJECTED', problems: [{ severity: 'ERROR', pointer: '/type' }] },
  });
  expect(odd).toMatchObject({ reason: { code: 'BAD_USER_INPUT' } });
  expect((odd as PromiseRejectedResult).reason.message).toContain('colour');
  expect(last).toMatchObject({ value: { status: 'RECORDED' } });
  expect(unwritable).toMatchObject({ reason: { code: 'INVALID_EVENT' } });
});

test('a lost answer, a cut connection and a busy gateway do not store an event twice', async () => {
  const failures = [
    async (answer: () => Promise<Response>) => {
      await answer();
      throw new TypeError('fetch failed', { cause: new Error('the answer was lost') });
    },
    () => Promise.reject(new TypeError('fetch failed')),
    () =>
      Promise.resolve(
        new Response('{"errors":[{"message":"Slow down","extensions":{"code":"RATE_LIMITED"}}]}', {
          status: 429,
          headers: { 'retry-after': '1' },
        }),
      ),
    () => Promise.resolve(new Response('<h1>Bad gateway</h1>', { status: 502 })),
  ];
  const askedAt: number[] = [];
  const { client, slug, bodies } = await start({
    fetch: (url, init) => {
      askedAt.push(performance.now());
      const fail = failures.shift();
      return fail === undefined ? fetch(url, init) : fail(() => fetch(url, init));
    },
  });
  const receipts = await Promise.all(
    Array.from({ length: 50 }, () => client.record({ type: 'a' })),
  );
  expect(new Set(bodies).size).toBe(1);
  expect(bodies).toHaveLength(5);
  expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['DUPLICATE']));
  expect(await storedIn(slug)).toEqual(receipts.map(({ eventId }) => eventId));
  // As long as Retry-After says. A timer counts from the beginning of the turn that it is set in.
  expect(askedAt[3]! - askedAt[2]!).toBeGreaterThan(900);
});

test('a full buffer refuses at once, and ready() waits for room', async () => {
  const lost: string[] = [];
  const { client, slug } = await start({
    bufferEvents: 10,
    onLost: (error, eventId) => lost.push(`${error.code} ${eventId}`),
  });
  const kept = Array.from({ length: 10 }, (_, n) => client.record({ id: `kept-${n}`, type: 'a' }));
  await expect(client.record({ id: 'over', type: 'a' })).rejects.toMatchObject({
    code: 'BUFFER_FULL',
  });
  expect(lost).toEqual(['BUFFER_FULL over']);
  for (let n = 10; n < 40; n += 1) {
    await client.ready();
    kept.push(client.record({ id: `kept-${n}`, type: 'a' }));
  }
  await client.flush();
  expect((await Promise.all(kept)).every(({ status }) => status === 'RECORDED')).toBe(true);
  expect(await storedIn(slug)).toHaveLength(40);
});

test('an event that is not answered in time fails, and a wrong key at once', async () => {
  const dead = createClient({ url: 'http://127.0.0.1:9', key: 'k', retryForMs: 300 });
  await expect(dead.record({ type: 'a' })).rejects.toMatchObject({ code: 'NO_ANSWER' });
  const closing = createClient({ url: 'http://127.0.0.1:9', key: 'k' });
  const unanswered = closing.record({ type: 'a' });
  await closing.close({ timeoutMs: 100 });
  await expect(unanswered).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(closing.record({ type: 'a' })).rejects.toMatchObject({ code: 'CLOSED' });
  const wrong = createClient({ url: gateway.url, key: 'nobody-has-this-key' });
  await expect(wrong.record({ type: 'a' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(() => createClient({ url: 'localhost:4000', key: 'k' })).toThrow(/http:\/\//);
});

test('query gives data, or an error with its code', async () => {
  const { client, slug } = await start();
  const { workspace } = await client.query<{ workspace: { slug: string } }>(
    'query ($slug: String) { workspace(slug: $slug) { slug } }',
    { slug },
  );
  expect(workspace.slug).toBe(slug);
  const error = await client.query('{ nonsense }').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED', retryable: false });
});

test('a process that ends without waiting ends after its events are stored', async () => {
  const { slug, key } = await start();
  const script = `
    import { createClient } from '${builtModule('client/index')}';
    const client = createClient({ url: '${gateway.url}', key: '${key}' });
    for (let n = 0; n < 1200; n += 1) client.record({ id: 'n' + n, type: 'a' });`;
  await run('node', ['--input-type=module', '-e', script]);
  expect(await storedIn(slug)).toHaveLength(1_200);
});

test('receipts stand, whatever errors come with them', async () => {
  const beside = {
    message: 'The query ran into its time limit.',
    path: ['recordEvents', 'receipts', 0, 'cursor'],
    extensions: { code: 'QUERY_TOO_EXPENSIVE' },
  };
  const lost: string[] = [];
  const { client, slug, bodies } = await start({
    onLost: (error, eventId) => lost.push(`${error.code} ${eventId}`),
    fetch: async (url, init) => {
      const answer = (await (await fetch(url, init)).json()) as object;
      return Response.json({ ...answer, errors: [beside] });
    },
  });
  const receipts = await Promise.all([
    client.record({ id: 'a', type: 'a' }),
    client.record({ id: 'b', type: 'b' }),
  ]);
  expect(receipts.map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED']);
  expect([await storedIn(slug), lost, bodies.length]).toEqual([['a', 'b'], [], 1]);
  const error = await client
    .query('mutation { recordEvent(input: { event: { type: "c" } }) { receipt { status } } }')
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'QUERY_TOO_EXPENSIVE',
    data: { recordEvent: { receipt: { status: 'RECORDED' } } },
  });
  expect(await storedIn(slug)).toHaveLength(3);
});
