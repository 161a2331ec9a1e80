/** Who may do what with a webhook, what is never shown of it, and what is refused. */
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { firstError, someEvents, subscribe, type Input } from '../consume/kit.ts';
import {
  ATTEMPT,
  BEGINNING,
  idsOf,
  newWebhookBench,
  PATIENCE,
  startReceiver,
  startWebhookGateway,
  verified,
  type Attempt,
  type Receiver,
  type WebhookBench,
} from './kit.ts';

let gateway: TestGateway;
let bench: WebhookBench;
let receiver: Receiver;
beforeAll(async () => {
  gateway = await startWebhookGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newWebhookBench(gateway);
  receiver = await startReceiver();
  return () => receiver[Symbol.asyncDispose]();
});

const lag = (name: string) => async () => (await bench.state(name)).lagEvents;
const CREATE = 'mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret } }';
const UPDATE =
  'mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { consumer { webhook { url } } } }';
const OWN = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

async function makeKey(scopes: string) {
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { id: string } };
  }>(
    `mutation($workspace: String!) {
      createApiKey(input: { name: "k", workspace: $workspace, scopes: [${scopes}] }) { secret apiKey { id } } }`,
    { workspace: bench.slug },
  );
  return {
    secret: createApiKey.secret,
    revoke: () =>
      gateway.data('mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', {
        id: createApiKey.apiKey.id,
      }),
  };
}

describe('a secret', () => {
  test('signs beside the one before for a day after a rotation', async () => {
    const first = await bench.webhook('w', receiver.url, { ...BEGINNING, secret: OWN });
    expect(first).toBe(OWN);
    const { rotateWebhookSecret: rotated } = await gateway.data<{
      rotateWebhookSecret: { secret: string; previousValidUntil: string };
    }>(
      `mutation { rotateWebhookSecret(input: { consumer: "w" }) { secret previousValidUntil } }`,
      {},
      bench.key,
    );
    const hours = (Date.parse(rotated.previousValidUntil) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24.01);
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    const [both] = receiver.received as [(typeof receiver.received)[number]];
    for (const secret of [first, rotated.secret]) verified(both, secret);
    expect(both.headers['webhook-signature']!.split(' ')).toHaveLength(2);
    const other = `whsec_${Buffer.alloc(24).toString('base64')}`;
    expect(() => verified(both, other)).toThrow();

    // A day can't be awaited. The gateway is told by a change.
    await gateway.db.write.query(
      `update webhooks set previous_valid_until = now(), revision = revision + 1
       where workspace_id = (select id from workspaces where slug = $1)`,
      [bench.slug],
    );
    await gateway.data(UPDATE, { input: { consumer: 'w', timeout: 'PT9S' } }, bench.key);
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    const last = receiver.received.at(-1)!;
    verified(last, rotated.secret);
    expect(() => new Webhook(first).verify(last.body, { ...last.headers })).toThrow();
  });

  test('is shown once, and kept sealed, as secret headers are', async () => {
    const headers = [{ name: 'X-Key', value: 'hidden-value' }];
    const secret = await bench.webhook('w', receiver.url, { headers });
    const [{ row }] = (await gateway.db.write.query<{ row: string }>(
      `select to_jsonb(w)::text as row from webhooks w
       where workspace_id = (select id from workspaces where slug = $1)`,
      [bench.slug],
    )) as [{ row: string }];
    expect(row).not.toContain('hidden-value');
    expect(row).not.toContain(secret.slice(6));
    expect(row).not.toContain(Buffer.from(secret.slice(6), 'base64').toString('hex'));
  });
});

describe('a webhook', () => {
  test('is shown to ADMIN alone, and its consumer to whoever sees consumers', async () => {
    await bench.webhook('w', receiver.url);
    const { secret } = await makeKey('EVENTS_READ, EVENTS_CONSUME');
    const own = await gateway.graphql('{ consumer(name: "w") { kind } }', {}, secret);
    expect(own.data).toEqual({ consumer: { kind: 'WEBHOOK' } });
    const shown = await gateway.graphql('{ consumer(name: "w") { webhook { url } } }', {}, secret);
    expect(firstError(shown)).toBe('FORBIDDEN');
    await bench.create('pull');
    const { consumer } = await gateway.data<{ consumer: unknown }>(
      '{ consumer(name: "pull") { webhook { url } } }',
      {},
      bench.key,
    );
    expect(consumer).toEqual({ webhook: null });
  });

  test('has no other worker than the gateway', async () => {
    await bench.webhook('w', receiver.url);
    expect(firstError(await bench.tryPull('w'))).toBe('BAD_USER_INPUT');
    await using stream = subscribe(bench, 'w');
    await expect(stream.next()).rejects.toThrow('BAD_USER_INPUT');
    await expect(bench.change('updateConsumer', 'w', { leaseDuration: 'PT1S' })).rejects.toThrow(
      'BAD_USER_INPUT',
    );
  });

  test('goes elsewhere when it is changed, but takes no secret header to another host unasked', async () => {
    await using other = await startReceiver();
    const headers = [{ name: 'X-Key', value: 'hidden' }];
    await bench.webhook('w', receiver.url, { ...BEGINNING, headers });
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    const move = (input: Input) =>
      gateway.graphql(UPDATE, { input: { consumer: 'w', ...input } }, bench.key);
    expect(firstError(await move({ url: other.url }))).toBe('BAD_USER_INPUT');
    expect(firstError(await move({ url: `${receiver.url}path` }))).toBeUndefined();
    await expect
      .poll(() => move({ url: other.url, headers: [] }), PATIENCE)
      .toMatchObject({
        data: { updateWebhook: { consumer: { webhook: { url: other.url } } } },
      });
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    expect(other.received).toHaveLength(1);
    expect(other.received[0]!.headers['x-key']).toBeUndefined();
    await bench.create('pull');
    const none = await gateway.graphql(UPDATE, { input: { consumer: 'pull' } }, bench.key);
    expect(firstError(none)).toBe('NOT_FOUND');
  });

  test('belongs to its workspace: it goes on when the key that made it ends', async () => {
    const maker = await makeKey('ADMIN');
    await gateway.data(
      CREATE,
      { input: { name: 'w', url: receiver.url, ...BEGINNING } },
      maker.secret,
    );
    await maker.revoke();
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    expect(receiver.received).toHaveLength(1);
    const refused = await gateway.graphql(
      CREATE,
      { input: { name: 'v', url: receiver.url } },
      maker.secret,
    );
    expect(firstError(refused)).toBe('UNAUTHENTICATED');
  });

  test('ends with its workspace', async () => {
    const held: (() => void)[] = [];
    receiver.answer = () => (_req, res) => void held.push(() => res.writeHead(200).end());
    await bench.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(50));
    await expect.poll(() => held.length, PATIENCE).toBe(LIMITS.webhookParallelMax);
    await gateway.data(
      'mutation($slug: String!) { deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { deletedSlug } }',
      { slug: bench.slug },
    );
    receiver.answer = () => 200;
    for (const answer of held) answer();
    // Connections that nobody uses are closed.
    await expect.poll(() => receiver.connections(), PATIENCE).toBe(0);
    expect(receiver.received).toHaveLength(LIMITS.webhookParallelMax);
  });
});

describe('a test', () => {
  const TEST = `mutation($input: SendTestEventInput!) { sendTestEvent(input: $input) { attempt { ${ATTEMPT} } } }`;
  const sendTest = (key = bench.key) =>
    gateway.graphql<{ sendTestEvent: { attempt: Attempt } }>(
      TEST,
      { input: { consumer: 'w' } },
      key,
    );

  test('is sent once, signed, also while the webhook is paused, and is not recorded', async () => {
    const secret = await bench.webhook('w', receiver.url);
    await bench.change('pauseConsumer', 'w');
    const good = await sendTest();
    expect(good.data!.sendTestEvent.attempt).toMatchObject({
      ...{ status: 200, error: null, position: 0, attempt: 1 },
    });
    receiver.answer = () => ({ status: 503, body: 'later' });
    const bad = await sendTest();
    expect(bad.data!.sendTestEvent.attempt).toMatchObject({
      ...{ status: 503, error: 'The receiver answered 503.', response: 'later' },
    });
    expect(receiver.received).toHaveLength(2);
    expect(verified(receiver.received[0]!, secret)).toMatchObject({
      type: 'sluice.webhook.test',
      data: { payload: { consumer: 'w' } },
    });
    expect(await bench.attempts('w')).toEqual([
      bad.data!.sendTestEvent.attempt,
      good.data!.sendTestEvent.attempt,
    ]);
    expect(await bench.events()).toEqual([]);
  });

  test('ends within seconds when its key is revoked', async () => {
    receiver.answer = () => () => {};
    await bench.webhook('w', receiver.url, { timeout: 'PT60S' });
    const key = await makeKey('ADMIN');
    const waiting = sendTest(key.secret);
    await expect.poll(() => receiver.received.length, PATIENCE).toBe(1);
    await key.revoke();
    const startedMs = performance.now();
    expect(firstError(await waiting)).toBe('UNAUTHENTICATED');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('of a consumer that is no webhook is not found', async () => {
    await bench.create('w');
    expect(firstError(await sendTest())).toBe('NOT_FOUND');
  });
});

test('a gateway that stops gives back what is not answered, and another one sends it at once', async () => {
  let hangs = true;
  receiver.answer = () => (hangs ? () => {} : 200);
  await using own = await startWebhookGateway();
  const mine = await newWebhookBench(own);
  await mine.webhook('w', receiver.url, { ...BEGINNING, timeout: 'PT60S' });
  await mine.record(someEvents(3));
  await expect.poll(() => receiver.received.length, PATIENCE).toBe(3);
  const startedMs = performance.now();
  await own.gateway.stop();
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  hangs = false;
  await using next = await startWebhookGateway({ databaseUrl: own.databaseUrl });
  await expect.poll(() => receiver.received.length, PATIENCE).toBe(6);
  const again = receiver.received.slice(3);
  expect(idsOf(again).sort()).toEqual(idsOf(receiver.received.slice(0, 3)).sort());
  await expect
    .poll(async () => {
      const { consumer } = await next.data<{
        consumer: { webhook: { recentAttempts: Attempt[] } };
      }>(`{ consumer(name: "w") { webhook { recentAttempts { ${ATTEMPT} } } } }`, {}, mine.key);
      return consumer.webhook.recentAttempts.map(({ attempt, status }) => [attempt, status]);
    }, PATIENCE)
    .toEqual([
      [1, 200],
      [1, 200],
      [1, 200],
    ]);
});

describe('a webhook is refused', () => {
  const header = (name: string, value = 'v') => ({ headers: [{ name, value }] });
  test.each<[string, Input]>([
    ['with a header of its own', header('Webhook-Id')],
    ['with another length', header('content-length', '1')],
    ['with another host', header('Host', 'other.example')],
    ['with a name that is none', header('a b')],
    ['with a value of two lines', header('x', 'a\r\ny: z')],
    ['with a value of none', header('x', ' ')],
    ['with a value that is not ASCII', header('x', 'ü')],
    ['with a header twice', { headers: [...header('x').headers, ...header('X').headers] }],
    ['with long headers', header('x', 'v'.repeat(5_000))],
    [
      'with many headers',
      { headers: Array.from({ length: 21 }, (_, at) => ({ name: `x${at}`, value: 'v' })) },
    ],
    ['with a secret without its beginning', { secret: OWN.slice(6) }],
    ['with a secret that is short', { secret: 'whsec_c2hvcnQ=' }],
    ['with a secret that is long', { secret: `whsec_${Buffer.alloc(65).toString('base64')}` }],
    ['with a secret that is no base64', { secret: `whsec_${'*'.repeat(40)}` }],
    ['with a short timeout', { timeout: 'PT0.5S' }],
    ['with a long timeout', { timeout: 'PT61S' }],
    ['with no attempts', { maxAttempts: 0 }],
    ['without a name', { name: '' }],
  ])('%s', async (_how, input) => {
    const result = await gateway.graphql(
      CREATE,
      { input: { name: 'w', url: receiver.url, ...input } },
      bench.key,
    );
    expect(firstError(result)).toBe('BAD_USER_INPUT');
    expect(JSON.stringify(result)).not.toContain(OWN.slice(6));
  });
});

describe('without SLUICE_WEBHOOK_PRIVATE_NETWORKS', () => {
  let strict: TestGateway;
  beforeAll(async () => {
    strict = await startTestGateway({ config: { webhookRetryDelaysMs: [50] } });
  });
  afterAll(() => strict[Symbol.asyncDispose]());

  test.each<[string, string, string]>([
    ['no URL', 'nowhere', 'BAD_USER_INPUT'],
    ['half a character', 'https://receiver.example/\ud800', 'BAD_USER_INPUT'],
    ['no TLS', 'http://receiver.example/', 'URL_NOT_ALLOWED'],
    ['a file', 'file:///etc/passwd', 'URL_NOT_ALLOWED'],
    ['credentials', 'https://me:secret@receiver.example/', 'URL_NOT_ALLOWED'],
    ['this host', 'https://localhost:4000/', 'URL_NOT_ALLOWED'],
    ['loopback as a number', 'https://2130706433/', 'URL_NOT_ALLOWED'],
    ['metadata', 'https://169.254.169.254/latest/meta-data/', 'URL_NOT_ALLOWED'],
    ['loopback, mapped', 'https://[::ffff:127.0.0.1]/', 'URL_NOT_ALLOWED'],
  ])('a URL is refused: %s', async (_what, url, code) => {
    const own = await newWebhookBench(strict);
    const made = await strict.graphql(CREATE, { input: { name: 'w', url } }, own.key);
    expect(firstError(made)).toBe(code);
    await own.webhook('w', 'https://receiver.example/');
    const changed = await strict.graphql(UPDATE, { input: { consumer: 'w', url } }, own.key);
    expect(firstError(changed)).toBe(code);
  });

  test('nothing is sent to a private address, however it came into the database', async () => {
    const own = await newWebhookBench(strict);
    await own.webhook('w', 'https://receiver.example/', { ...BEGINNING, maxAttempts: 2 });
    await strict.db.write.query('update webhooks set url = $1, revision = revision + 1', [
      receiver.url,
    ]);
    await own.change('resumeConsumer', 'w');
    await own.record(someEvents(1));
    await expect.poll(async () => (await own.state('w')).parkedCount, PATIENCE).toBe(1);
    await expect.poll(() => own.attempts('w'), PATIENCE).not.toHaveLength(0);
    expect((await own.attempts('w'))[0]).toMatchObject({
      status: null,
      error: 'The host leads to a private or reserved address, which is not allowed.',
    });
    expect(receiver.received).toHaveLength(0);
  });
});
