/** Receivers that fail, hang, cut, are gone or are dead; and what an operator does about it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { freePort } from '../../kit/free-port.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { someEvents } from '../consume/kit.ts';
import {
  BEGINNING,
  newWebhookBench,
  PATIENCE,
  RETRY_MS,
  startReceiver,
  startWebhookGateway,
  verified,
  webhookBenchOf,
  type Answer,
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

describe('an attempt fails', () => {
  const answers: [string, Answer, object][] = [
    ['with a status', { status: 500, body: 'broken' }, { status: 500, response: 'broken' }],
    [
      'with a redirect, which is not followed',
      { status: 302, headers: { location: '/there' } },
      { status: 302 },
    ],
    [
      'when the connection is cut',
      (_req, res) => res.destroy(),
      { status: null, error: 'The receiver cut the connection.' },
    ],
    [
      'when nothing is answered in time',
      () => {},
      { status: null, error: 'No answer within 1 s.' },
    ],
    [
      'when what is answered is not HTTP',
      (_req, res) => res.socket!.end('hello\n\n'),
      { status: null },
    ],
  ];
  test.each(answers)(
    '%s, and the event is sent again with the same id',
    async (_how, bad, attempt) => {
      receiver.answer = () => (receiver.received.length <= 2 ? bad : 204);
      const secret = await bench.webhook('w', receiver.url, { ...BEGINNING, timeout: 'PT1S' });
      await bench.record(someEvents(1, { id: 'e' }));
      await expect.poll(lag('w'), PATIENCE).toBe(0);
      await expect.poll(() => bench.attempts('w'), PATIENCE).toHaveLength(3);
      const [last, ...failed] = await bench.attempts('w');
      expect(last).toMatchObject({
        attempt: 3,
        status: 204,
        error: null,
        eventId: 'e',
        position: 1,
      });
      for (const each of failed) expect(each).toMatchObject(attempt);
      expect(receiver.received.map(({ path }) => path)).toEqual(['/', '/', '/']);
      const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
      expect(new Set(ids).size).toBe(1);
      for (const each of receiver.received) expect(verified(each, secret).data.eventId).toBe('e');
    },
  );

  test('again and again, each time after the delay that was set, and is parked then', async () => {
    receiver.answer = () => ({ status: 400, body: 'no' });
    await bench.webhook('w', receiver.url, { ...BEGINNING, maxAttempts: 4 });
    await bench.record(someEvents(1));
    await expect.poll(async () => (await bench.state('w')).parkedCount, PATIENCE).toBe(1);
    const times = receiver.received.map(({ atMs }) => atMs);
    expect(times).toHaveLength(4);
    for (const [at, delayMs] of RETRY_MS.slice(0, 3).entries()) {
      expect(times[at + 1]! - times[at]!).toBeGreaterThanOrEqual(delayMs - 5);
    }
    const { consumer } = await gateway.data<{ consumer: object }>(
      '{ consumer(name: "w") { parkedDeliveries { nodes { attempts reason } } } }',
      {},
      bench.key,
    );
    expect(consumer).toEqual({
      parkedDeliveries: { nodes: [{ attempts: 4, reason: 'The receiver answered 400.' }] },
    });
    receiver.answer = () => 200;
    await bench.change('redeliverParked', 'w', {}, 'redeliveredCount');
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    expect(receiver.received).toHaveLength(5);
  });

  test.each([429, 503])('with %d and a Retry-After, which is waited for', async status => {
    receiver.answer = () =>
      receiver.received.length === 1 ? { status, headers: { 'retry-after': '1' } } : 200;
    await bench.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    const [first, second] = receiver.received;
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(990);
  });

  test('and no more than the first bytes of an endless answer are read', async () => {
    let isCut = false;
    receiver.answer = () => (_req, res) => {
      res.writeHead(200);
      const timer = setInterval(() => res.write('x'.repeat(500)), 1);
      res.on('close', () => {
        isCut = true;
        clearInterval(timer);
      });
    };
    await bench.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(1));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    await expect.poll(() => isCut, PATIENCE).toBe(true);
    await expect.poll(() => bench.attempts('w'), PATIENCE).toHaveLength(1);
    const [attempt] = await bench.attempts('w');
    expect(attempt!.response).toBe('x'.repeat(1_024));
    // It would go on until its time is over.
    expect(attempt!.durationMs).toBeLessThan(10_000);
  });
});

test('a receiver that is dead delays no other', async () => {
  const port = await freePort();
  await using hanging = await startReceiver(() => {});
  for (const [at, url] of [`http://127.0.0.1:${port}/`, hanging.url, hanging.url].entries()) {
    await bench.webhook(`dead-${at}`, url, BEGINNING);
  }
  await bench.webhook('live', receiver.url, BEGINNING);
  const startedMs = performance.now();
  for (let part = 0; part < 10; part++) await bench.record(someEvents(20));
  await expect.poll(lag('live'), PATIENCE).toBe(0);
  // Less than one request to a receiver that hangs takes.
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect(receiver.received).toHaveLength(200);
  expect(hanging.received.length).toBeLessThanOrEqual(LIMITS.webhookHostRequestsMax);
});

test('a receiver that does not answer gets one request at a time', async () => {
  let open = 0;
  let atOnce = 0;
  receiver.answer = () => (_req, res) => {
    open += 1;
    atOnce = Math.max(atOnce, open);
    res.once('close', () => (open -= 1));
  };
  await bench.webhook('w', receiver.url, { ...BEGINNING, timeout: 'PT1S', maxAttempts: 100 });
  await bench.record(someEvents(50));
  const { webhookParallelMax: first } = LIMITS;
  await expect.poll(() => receiver.received.length, PATIENCE).toBeGreaterThan(first);
  expect(atOnce).toBeLessThanOrEqual(first);
  atOnce = 0;
  await expect.poll(() => receiver.received.length, PATIENCE).toBeGreaterThan(first + 2);
  expect(atOnce).toBe(1);
  receiver.answer = () => 200;
  await expect.poll(lag('w'), PATIENCE).toBe(0);
});

describe('a webhook pauses itself', () => {
  test('after 410, tells of it in the workspace, and goes on without a hole', async () => {
    receiver.answer = ({ body }) => (body.includes('"n":3') ? 410 : 200);
    await bench.webhook('w', receiver.url, { ...BEGINNING, filter: { types: ['made'] } });
    await bench.record(someEvents(6));
    const state = () => bench.state('w');
    await expect.poll(async () => (await state()).status, PATIENCE).toBe('PAUSED');
    expect((await state()).pausedReason).toBe(
      'The receiver answered 410 Gone: it wants no more events.',
    );
    const told = (await bench.events()).filter(({ type }) => type === 'sluice.webhook.paused');
    expect(told).toMatchObject([
      {
        payload: {
          consumer: 'w',
          reason: 'The receiver answered 410 Gone: it wants no more events.',
        },
      },
    ]);
    await bench.record(someEvents(2));
    const positionOf = ({ body }: { body: string }) =>
      (JSON.parse(body) as { data: { position: number } }).data.position;
    const accepted = receiver.received.map(positionOf).filter(position => position !== 3);
    receiver.answer = received => {
      accepted.push(positionOf(received));
      return 200;
    };
    await bench.change('resumeConsumer', 'w');
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    expect([...new Set(accepted)].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 8, 9]);
    expect(await state()).toMatchObject({ parkedCount: 0, status: 'ACTIVE' });
  });

  test('after five days without a success, and has as many again when it is resumed', async () => {
    receiver.answer = () => 500;
    await bench.webhook('w', receiver.url, { ...BEGINNING, maxAttempts: 100 });
    await bench.record(someEvents(1));
    await expect.poll(() => bench.attempts('w'), PATIENCE).not.toHaveLength(0);
    // Five days can't be awaited.
    await gateway.db.write.query(
      `update webhooks set failing_since = now() - interval '5 days 1 second'
       where workspace_id = (select id from workspaces where slug = $1)`,
      [bench.slug],
    );
    const state = () => bench.state('w');
    await expect.poll(async () => (await state()).status, PATIENCE).toBe('PAUSED');
    expect((await state()).pausedReason).toMatch(/^No delivery has succeeded for 5 days, since /);
    const told = (await bench.events()).filter(({ type }) => type === 'sluice.webhook.paused');
    expect(told).toHaveLength(1);
    await bench.change('resumeConsumer', 'w');
    const noted = (await bench.attempts('w')).length;
    // It fails on, and that is not too long yet.
    await expect
      .poll(async () => (await bench.attempts('w')).length, PATIENCE)
      .toBeGreaterThan(noted + 2);
    expect(await state()).toMatchObject({ status: 'ACTIVE' });
    receiver.answer = () => 200;
    await expect.poll(lag('w'), PATIENCE).toBeLessThan(2);
    await expect.poll(async () => (await bench.state('w')).retryingCount, PATIENCE).toBe(0);
  });
});

test('a webhook that is paused by hand sends nothing, and goes on where it stood', async () => {
  await bench.webhook('w', receiver.url, BEGINNING);
  await bench.record(someEvents(3));
  await expect.poll(lag('w'), PATIENCE).toBe(0);
  await bench.change('pauseConsumer', 'w', { reason: 'holidays' });
  await bench.record(someEvents(3));
  expect((await bench.state('w')).lagEvents).toBe(3);
  await bench.change('resumeConsumer', 'w');
  await expect.poll(lag('w'), PATIENCE).toBe(0);
  expect(receiver.received).toHaveLength(6);
  await bench.change('seekConsumer', 'w', { to: { start: 'BEGINNING' } });
  await expect.poll(() => receiver.received.length, PATIENCE).toBe(12);
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(6);
});

test('at least the last 100 attempts are kept, and the database keeps no more', async () => {
  await bench.webhook('w', receiver.url, BEGINNING);
  await bench.record(someEvents(150));
  // They are kept a moment after the event is settled.
  const newest = async () => (await bench.attempts('w', 1))[0]?.id.split('-')[1];
  await expect.poll(newest, PATIENCE).toBe('150');
  const [{ count }] = (await gateway.db.write.query<{ count: number }>(
    `select count(*)::int as count from webhook_attempts
     where workspace_id = (select id from workspaces where slug = $1)`,
    [bench.slug],
  )) as [{ count: number }];
  expect(count).toBe(100);
  const kept = await bench.attempts('w');
  expect(kept).toHaveLength(100);
  const numbers = kept.map(({ id }) => Number(id.split('-')[1]));
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, at) => 150 - at));
  await bench.change('deleteConsumer', 'w', {}, 'deletedName');
  const left = await gateway.db.write.query(
    'select from webhooks where workspace_id = (select id from workspaces where slug = $1)',
    [bench.slug],
  );
  expect(left).toEqual([]);
});

test('with an order, a later event of the same value waits until the earlier one is delivered', async () => {
  const failed = new Set<string>();
  receiver.answer = ({ body }) => {
    const isFirst = !failed.has(body) && body.includes('"n":1}');
    failed.add(body);
    return isFirst ? 500 : 200;
  };
  await bench.webhook('w', receiver.url, { ...BEGINNING, orderedBy: 'SUBJECT' });
  const of = (subject: string) => someEvents(3, { subject });
  await bench.record([...of('a'), ...of('b')]);
  await expect.poll(lag('w'), PATIENCE).toBe(0);
  for (const subject of ['a', 'b']) {
    const seen = receiver.received
      .map(
        ({ body }) =>
          (JSON.parse(body) as { data: { subject: string; payload: { n: number } } }).data,
      )
      .filter(data => data.subject === subject)
      .map(({ payload }) => payload.n);
    expect(seen).toEqual([1, 1, 2, 3]);
  }
});

describe('two gateways', () => {
  test('share a webhook without sending an event twice, and one goes on when the other stops', async () => {
    const second = await startTestGateway({
      databaseUrl: gateway.databaseUrl,
      config: { webhookPrivateNetworks: true, webhookRetryDelaysMs: RETRY_MS },
    });
    // Slow enough that both have work.
    receiver.answer = () => (_req, res) => void setTimeout(() => res.writeHead(200).end(), 20);
    await bench.webhook('w', receiver.url, BEGINNING);
    for (let part = 0; part < 6; part++) {
      await bench.record(someEvents(50));
      await expect.poll(() => receiver.received.length, PATIENCE).toBeGreaterThan(part * 50);
      if (part === 4) await second[Symbol.asyncDispose]();
    }
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(300);
    expect(new Set(ids).size).toBe(300);
  });

  test('see what the other does to a webhook', async () => {
    await using second = await startWebhookGateway({ databaseUrl: gateway.databaseUrl });
    const elsewhere = webhookBenchOf(bench.on(second));
    await elsewhere.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(2));
    await expect.poll(lag('w'), PATIENCE).toBe(0);
    await elsewhere.change('pauseConsumer', 'w');
    await bench.record(someEvents(2));
    await elsewhere.change('updateConsumer', 'w', { name: 'renamed' });
    await bench.change('resumeConsumer', 'renamed');
    await expect.poll(lag('renamed'), PATIENCE).toBe(0);
    expect(receiver.received).toHaveLength(4);
  });
});

test('as many requests as a webhook makes at once leave no warning behind', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const open: (() => void)[] = [];
  receiver.answer = () => (_req, res) => void open.push(() => res.writeHead(200).end());
  await bench.webhook('many', receiver.url, BEGINNING);
  await bench.record(someEvents(LIMITS.webhookParallelMax));
  await expect.poll(() => open.length, PATIENCE).toBe(LIMITS.webhookParallelMax);
  for (const answer of open) answer();
  await expect.poll(lag('many'), PATIENCE).toBe(0);
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
