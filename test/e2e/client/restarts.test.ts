import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createClient, type Delivery } from '../../../src/client/index.ts';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { freePort } from '../../kit/free-port.ts';
import { startTestGateway } from '../../kit/gateway.ts';

test('what a client records and watches comes exactly once, through stops and kills', async () => {
  await using gateway = await startTestGateway();
  const { slug, key } = await gateway.workspace();
  // A gateway to be stopped and one to be killed, then one that stays, all at one address.
  const options = { databaseUrl: gateway.databaseUrl, config: { port: await freePort() } };
  const PORT = String(options.config.port);
  const stopped = await startTestGateway(options);
  const client = createClient({ url: stopped.url, key });
  const stop = new AbortController();
  const seen: Delivery[] = [];
  const subscription = client.subscribe({ start: 'BEGINNING', signal: stop.signal });
  const watching = (async () => {
    for await (const delivery of subscription) seen.push(delivery);
  })();
  const receipts: Promise<{ eventId: string; position: number | null }>[] = [];
  const recordSome = () => {
    for (let n = 0; n < 200; n += 1) receipts.push(client.record({ type: 'step' }));
  };
  recordSome();
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  recordSome();
  await stopped[Symbol.asyncDispose]();
  recordSome();
  await using killed = await startChildGateway(gateway.databaseUrl, { PORT });
  recordSome();
  const before = seen.length;
  await expect.poll(() => seen.length).toBeGreaterThan(before);
  recordSome();
  const ended = once(killed.process, 'exit');
  killed.process.kill('SIGKILL');
  recordSome();
  await ended;
  await using _last = await startTestGateway(options);
  recordSome();
  const answered = await Promise.all(receipts);
  const events = () => seen.flatMap(({ event }) => (event === null ? [] : [event]));
  await expect.poll(() => events().length).toBe(answered.length);
  expect(events().map(({ position }) => position)).toEqual(answered.map((_, n) => n + 1));
  expect(new Set(events().map(({ eventId }) => eventId))).toEqual(
    new Set(answered.map(({ eventId }) => eventId)),
  );
  expect(seen.filter(({ kind }) => kind === 'CAUGHT_UP')).toHaveLength(1);
  expect(subscription.cursor).toBe(seen.at(-1)?.cursor);
  const { workspace } = await client.query<{ workspace: { headPosition: number } }>(
    'query ($slug: String) { workspace(slug: $slug) { headPosition } }',
    { slug },
  );
  expect(workspace.headPosition).toBe(answered.length);
  stop.abort();
  await watching;
});

test('a stream that cannot go on ends with its reason', async () => {
  await using gateway = await startTestGateway();
  const { slug } = await gateway.workspace();
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { id: string } };
  }>(
    `mutation ($slug: String) {
      createApiKey(input: { name: "doomed", workspace: $slug, scopes: [EVENTS_READ, EVENTS_WRITE] }) {
        secret apiKey { id }
      }
    }`,
    { slug },
  );
  const client = createClient({ url: gateway.url, key: createApiKey.secret });
  const { cursor } = await client.record({ type: 'a' });
  async function endOf(after: string | undefined, start?: 'BEGINNING') {
    const kinds: string[] = [];
    try {
      for await (const { kind } of client.subscribe({ after, start })) {
        kinds.push(kind);
        if (kind === 'CAUGHT_UP') {
          await gateway.data(
            'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
            {
              id: createApiKey.apiKey.id,
            },
          );
        }
      }
    } catch (error) {
      return { kinds, error };
    }
    throw new Error('the stream ended without a reason');
  }
  expect((await endOf('nonsense')).error).toMatchObject({ code: 'CURSOR_INVALID' });
  const { kinds, error } = await endOf(undefined, 'BEGINNING');
  expect(kinds).toEqual(['EVENT', 'CAUGHT_UP']);
  expect(error).toMatchObject({ name: 'SluiceError', code: 'KEY_REVOKED', cursor });
});
