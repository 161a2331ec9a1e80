/** What rules tell whom, through Web Push: a push service of ours decrypts what browsers would. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import type { TestGateway } from '../../kit/gateway.ts';
import { someEvents } from '../consume/kit.ts';
import {
  makeKey,
  newNotifyBench,
  notifyBenchOf,
  PATIENCE,
  PUSH,
  startNotifyingGateway,
  startPushService,
  type Browser,
  type NotifyBench,
  type PushService,
} from './kit.ts';

let gateway: TestGateway;
let service: PushService;
let bench: NotifyBench;
let browser: Browser;
beforeAll(async () => {
  gateway = await startNotifyingGateway({ config: { publicUrl: 'https://events.example.com' } });
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  service = await startPushService();
  bench = await newNotifyBench(gateway);
  browser = service.browser();
  return () => service[Symbol.asyncDispose]();
});

const titles = () => browser.pushed.map(({ title }) => title);
/** In this order: what is settled has put what is to be sent. */
const settled = async (name: string) => {
  const { lagEvents } = await bench.state(name);
  const { waitingCount } = await bench.ruleNow(name);
  return { waitingCount, lagEvents };
};
const NOTHING = { waitingCount: 0, lagEvents: 0 };

describe('a rule', () => {
  test('tells browsers of each matching event: icon and type, and what it is about', async () => {
    await bench.subscribe(browser);
    await bench.rule('orders', { ...PUSH, filter: { types: ['order.paid'] } });
    await bench.record([
      {
        ...{ id: 'o 1', type: 'order.paid', icon: '💶', subject: 'o-1', actor: 'jane' },
        description: 'Ünïcode: 12 €',
      },
      { id: 'o2', type: 'order.paid', payload: { amount: 12, tags: ['a'] } },
      { id: 'o3', type: 'other' },
    ]);
    await expect.poll(() => browser.pushed.length, PATIENCE).toBe(2);
    const [first, second] = browser.pushed.toSorted((a, b) => b.title.length - a.title.length);
    expect(first).toEqual({
      title: '💶 order.paid',
      body: 'o-1 by jane\nÜnïcode: 12 €',
      at: expect.any(String),
      path: `/w/${bench.slug}/events?event=o+1`,
      tag: expect.any(String),
    });
    expect(second).toMatchObject({ title: 'order.paid', body: 'tags: ["a"]\namount: 12' });
    await expect.poll(() => settled('orders'), PATIENCE).toEqual(NOTHING);
    expect((await bench.ruleNow('orders')).lastNotifiedAt).not.toBeNull();
    for (const { headers } of browser.received) {
      expect(headers).toMatchObject({
        'content-encoding': 'aes128gcm',
        ttl: '86400',
        urgency: 'high',
      });
    }
    const { pushPublicKey } = await gateway.data<{ pushPublicKey: string }>(
      '{ pushPublicKey }',
      {},
      bench.key,
    );
    expect(browser.claims[0]).toMatchObject({
      ...{ typ: 'JWT', alg: 'ES256', key: pushPublicKey },
      ...{ aud: service.url.slice(0, -1), sub: 'https://events.example.com' },
    });
    const hours = (Number(browser.claims[0]!['exp']) * 1_000 - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(1);
    expect(hours).toBeLessThan(24);
  });

  test('tells at most once in its quiet time, and counts in the next what came meanwhile', async () => {
    await bench.subscribe(browser);
    await bench.rule('quiet', { ...PUSH, quietFor: 'PT2S', filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await expect.poll(titles, PATIENCE).toEqual(['made']);
    const startedMs = performance.now();
    await bench.record(someEvents(7));
    await bench.record(someEvents(2));
    await expect.poll(titles, PATIENCE).toEqual(['made', 'made (and 8 more)']);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    expect(await bench.state('quiet')).toMatchObject({ lagEvents: 0, parkedCount: 0 });
  });

  test('loses nothing while the push service is down', async () => {
    let isDown = true;
    service.answer = () => (isDown ? 503 : 201);
    await bench.subscribe(browser);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(3));
    await expect
      .poll(async () => (await bench.ruleNow('r')).lastError, PATIENCE)
      .toBe('The receiver answered 503.');
    expect((await bench.ruleNow('r')).waitingCount).toBe(3);
    isDown = false;
    await expect.poll(titles, PATIENCE).toEqual(['made', 'made', 'made']);
    await expect.poll(async () => (await bench.ruleNow('r')).lastError, PATIENCE).toBeNull();
    expect(new Set(browser.pushed.map(({ tag }) => tag)).size).toBe(3);
  });

  test('parks the event of what failed as often as may be, and tells of it when it is delivered again', async () => {
    service.answer = () => 500;
    await bench.subscribe(browser);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await expect.poll(async () => (await bench.state('r')).parkedCount, PATIENCE).toBe(1);
    service.answer = () => 201;
    await bench.change('redeliverParked', 'r', {}, 'redeliveredCount');
    await expect.poll(titles, PATIENCE).toEqual(['made']);
    await expect
      .poll(() => bench.state('r'), PATIENCE)
      .toMatchObject({ parkedCount: 0, lagEvents: 0 });
  });

  test('tells together of what is more than may wait', async () => {
    const held: (() => void)[] = [];
    service.answer = () => (_req, res) => void held.push(() => res.writeHead(503).end());
    await bench.subscribe(browser);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    const count = LIMITS.notificationsWaitingMax + 150;
    await bench.record(someEvents(count));
    await expect.poll(async () => (await bench.state('r')).lagEvents, PATIENCE).toBe(0);
    expect((await bench.ruleNow('r')).waitingCount).toBe(LIMITS.notificationsWaitingMax);
    service.answer = () => 201;
    for (const answer of held) answer();
    const told = () =>
      titles().reduce((sum, title) => sum + 1 + Number(/and (\d+) more/.exec(title)?.[1] ?? 0), 0);
    await expect.poll(told, { ...PATIENCE, timeout: 60_000 }).toBe(count);
    expect(browser.pushed).toHaveLength(LIMITS.notificationsWaitingMax);
  });

  test('tells nobody while it is disabled, and goes on without a hole', async () => {
    await bench.subscribe(browser);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] }, enabled: false });
    await bench.record(someEvents(2));
    await bench.rule('other', { ...PUSH, filter: { types: ['last'] } });
    await bench.record([{ type: 'last' }]);
    await expect.poll(titles, PATIENCE).toEqual(['last']);
    await bench.updateRule('r', { enabled: true });
    await expect.poll(titles, PATIENCE).toEqual(['last', 'made', 'made']);
  });

  test('is changed, shown and deleted as a consumer of its name', async () => {
    const made = await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    expect(made).toEqual({
      ...{ name: 'r', enabled: true, filter: { types: ['made'] }, quietFor: 'PT0S' },
      ...{ lastNotifiedAt: null, waitingCount: 0, lastError: null, threshold: null },
      channels: [{ __typename: 'WebPushChannel', subscriptionCount: 0 }],
    });
    await bench.subscribe(browser);
    const changed = await bench.updateRule('r', {
      ...{ name: 'renamed', filter: null, quietFor: 'PT1M' },
      channels: [{ webPush: true }, { webhook: { url: service.url, format: 'SLACK' } }],
      threshold: { count: 5, within: 'PT1H', comparison: 'AT_LEAST' },
    });
    expect(changed).toMatchObject({
      ...{ name: 'renamed', filter: null, quietFor: 'PT60S' },
      threshold: { count: 5, within: 'PT3600S', comparison: 'AT_LEAST' },
      channels: [
        { __typename: 'WebPushChannel', subscriptionCount: 1 },
        { __typename: 'WebhookChannel', url: service.url, format: 'SLACK' },
      ],
    });
    expect(await bench.state('renamed')).toMatchObject({ status: 'ACTIVE' });
    const { deleteNotificationRule } = await gateway.data<Record<string, unknown>>(
      'mutation { deleteNotificationRule(input: { rule: "renamed" }) { deletedName } }',
      {},
      bench.key,
    );
    expect(deleteNotificationRule).toEqual({ deletedName: 'renamed' });
    expect((await bench.rules()).map(({ name }) => name)).not.toContain('renamed');
  });
});

describe('the rule that every workspace begins with', () => {
  test('tells each browser that may read it of events with notify, from its first on', async () => {
    const reader = await makeKey(bench, 'EVENTS_READ');
    await bench.subscribe(browser, reader.secret);
    await bench.record([{ type: 'quiet' }, { type: 'loud', notify: true }]);
    await expect.poll(titles, PATIENCE).toEqual(['loud']);
    expect(await bench.rules()).toMatchObject([
      { name: 'notify', filter: { notify: true }, quietFor: 'PT0S', enabled: true },
    ]);
  });

  test('does not come back when it was deleted', async () => {
    await bench.subscribe(browser);
    await expect.poll(async () => (await bench.rules()).length, PATIENCE).toBe(1);
    await gateway.data(
      'mutation { deleteNotificationRule(input: { rule: "notify" }) { deletedName } }',
      {},
      bench.key,
    );
    await bench.subscribe(service.browser());
    await bench.rule('other', { ...PUSH, filter: { types: ['last'] } });
    await bench.record([{ type: 'loud', notify: true }, { type: 'last' }]);
    await expect.poll(titles, PATIENCE).toEqual(['last']);
    expect((await bench.rules()).map(({ name }) => name)).toEqual(['other']);
  });

  test('is made beside a consumer that has its name', async () => {
    await bench.create('notify');
    await bench.subscribe(browser);
    await bench.record([{ type: 'loud', notify: true }]);
    await expect.poll(titles, PATIENCE).toEqual(['loud']);
    expect((await bench.rules()).map(({ name }) => name)).toEqual(['notify browsers']);
  });
});

describe('a browser', () => {
  test('of which the push service says that it is gone is forgotten', async () => {
    await bench.subscribe(browser);
    const other = service.browser();
    await bench.subscribe(other);
    service.answer = ({ path }) => (other.subscription.endpoint.endsWith(path) ? 410 : 201);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    const subscriptions = async () => {
      const data = await gateway.data<{ pushSubscriptions: { endpoint: string }[] }>(
        '{ pushSubscriptions { endpoint } }',
        {},
        bench.key,
      );
      return data.pushSubscriptions.map(({ endpoint }) => endpoint);
    };
    await expect.poll(subscriptions, PATIENCE).toEqual([browser.subscription.endpoint]);
    await expect.poll(() => settled('r'), PATIENCE).toEqual(NOTHING);
    expect(titles()).toEqual(['made']);
  });

  test('gets nothing more once its key is revoked, not even what waited', async () => {
    let isDown = true;
    service.answer = () => (isDown ? 503 : 201);
    const key = await makeKey(bench, 'EVENTS_READ');
    const other = service.browser();
    await bench.subscribe(browser, key.secret);
    await bench.subscribe(other);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await expect.poll(async () => (await bench.ruleNow('r')).lastError, PATIENCE).not.toBeNull();
    await key.revoke();
    isDown = false;
    await bench.record(someEvents(1));
    await expect.poll(() => other.pushed.length, PATIENCE).toBe(2);
    await expect.poll(() => settled('r'), PATIENCE).toEqual(NOTHING);
    expect(titles()).toEqual([]);
  });

  test('gets nothing of workspaces and events that its key may not read', async () => {
    const writer = await makeKey(bench, 'EVENTS_WRITE');
    const refused = await gateway.graphql(
      'mutation($input: SavePushSubscriptionInput!) { savePushSubscription(input: $input) { subscription { endpoint } } }',
      { input: browser.subscription },
      writer.secret,
    );
    expect(refused.errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    const elsewhere = await newNotifyBench(gateway);
    await elsewhere.subscribe(browser);
    const own = service.browser();
    await bench.subscribe(own);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await expect.poll(() => own.pushed.length, PATIENCE).toBe(1);
    expect(titles()).toEqual([]);
  });

  test('gets one notification, however many of its keys may read the event', async () => {
    const key = await makeKey(bench, 'EVENTS_READ');
    await bench.subscribe(browser, key.secret);
    await bench.subscribe(browser);
    await bench.subscribe(browser);
    await bench.rule('r', { ...PUSH, filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await bench.record([{ type: 'made', id: 'last' }]);
    await expect.poll(() => settled('r'), PATIENCE).toEqual(NOTHING);
    expect(titles()).toEqual(['made', 'made']);
  });

  test('beyond as many as a key may have takes the place of the oldest', async () => {
    const browsers = Array.from({ length: LIMITS.pushSubscriptionsMax + 2 }, () =>
      service.browser(),
    );
    for (const each of browsers) await bench.subscribe(each);
    const { pushSubscriptions } = await gateway.data<{
      pushSubscriptions: { endpoint: string }[];
    }>('{ pushSubscriptions { endpoint } }', {}, bench.key);
    expect(pushSubscriptions.map(({ endpoint }) => endpoint)).toEqual(
      browsers
        .slice(2)
        .map(({ subscription }) => subscription.endpoint)
        .toReversed(),
    );
  });

  test('takes a test, and ends its subscription', async () => {
    await bench.subscribe(browser);
    const { endpoint } = browser.subscription;
    const sendTest = () =>
      gateway.graphql<{ sendTestPush: { test: { error: string | null } } }>(
        'mutation($endpoint: String!) { sendTestPush(input: { endpoint: $endpoint }) { test { address error } } }',
        { endpoint },
        bench.key,
      );
    expect((await sendTest()).data?.sendTestPush.test).toEqual({
      ...{ address: service.url.slice(0, -1), error: null },
    });
    expect(browser.pushed).toMatchObject([
      { title: 'Sluice', path: `/w/${bench.slug}/notifications` },
    ]);
    const { deletePushSubscription } = await gateway.data<Record<string, unknown>>(
      'mutation($endpoint: String!) { deletePushSubscription(input: { endpoint: $endpoint }) { deleted } }',
      { endpoint },
      bench.key,
    );
    expect(deletePushSubscription).toEqual({ deleted: true });
    expect((await sendTest()).errors?.[0]?.extensions['code']).toBe('NOT_FOUND');
  });
});

test('two gateways tell once of each event, and of each quiet time', async () => {
  await using other = await startNotifyingGateway({ databaseUrl: gateway.databaseUrl });
  await bench.subscribe(browser);
  await bench.rule('each', { ...PUSH, filter: { types: ['made'] } });
  await bench.rule('quiet', { ...PUSH, filter: { types: ['calm'] }, quietFor: 'PT2S' });
  const there = notifyBenchOf(bench.on(other));
  const batches = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? bench : there));
  await Promise.all(batches.map(on => on.record(someEvents(2))));
  await Promise.all(batches.map(on => on.record(someEvents(1, { type: 'calm' }))));
  const counted = () => {
    const told = (type: string) => titles().filter(title => title.startsWith(type));
    const calm = told('calm').map(title => 1 + Number(/and (\d+) more/.exec(title)?.[1] ?? 0));
    return { made: told('made').length, calm: calm.reduce((sum, each) => sum + each, 0) };
  };
  await expect.poll(counted, PATIENCE).toEqual({ made: 40, calm: 20 });
  for (const rule of ['each', 'quiet']) {
    await expect.poll(() => settled(rule), PATIENCE).toEqual(NOTHING);
  }
  expect(counted()).toEqual({ made: 40, calm: 20 });
  expect(titles().filter(title => title.startsWith('calm')).length).toBeLessThan(20);
});

test('a gateway that stops gives back what is not answered, and another one sends it at once', async () => {
  let hangs = true;
  service.answer = () => (hangs ? () => {} : 201);
  await using own = await startNotifyingGateway();
  const mine = await newNotifyBench(own);
  await mine.subscribe(browser);
  await mine.rule('r', { ...PUSH, filter: { types: ['made'] }, quietFor: 'PT0S' });
  await mine.record(someEvents(3));
  await expect.poll(() => service.received(), PATIENCE).toBe(3);
  const startedMs = performance.now();
  await own.gateway.stop();
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  hangs = false;
  await using next = await startNotifyingGateway({ databaseUrl: own.databaseUrl });
  await expect.poll(titles, PATIENCE).toEqual(['made', 'made', 'made']);
  const rule = () => notifyBenchOf(mine.on(next)).ruleNow('r');
  await expect.poll(async () => (await rule()).waitingCount, PATIENCE).toBe(0);
  expect(titles()).toHaveLength(3);
});

test('what Logsh calls notify reaches a browser with nobody on the page', async () => {
  await bench.subscribe(browser);
  const key = await makeKey(bench, 'EVENTS_WRITE');
  const response = await fetch(`${gateway.url}/api/event`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ workspace: bench.slug, event: 'Neuer Kunde', icon: '🎉' },
      ...{ description: 'Anna hat bezahlt', notify: true },
    }),
  });
  expect(response.status).toBe(200);
  await expect
    .poll(() => browser.pushed, PATIENCE)
    .toMatchObject([{ title: '🎉 Neuer Kunde', body: 'Anna hat bezahlt' }]);
});

test('a workspace that is made later tells the browsers of keys of all workspaces, from its first event on', async () => {
  const key = await makeKey(bench, 'EVENTS_READ, EVENTS_WRITE, ADMIN', null);
  await bench.subscribe(browser, key.secret);
  const response = await fetch(`${gateway.url}/api/event`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ workspace: `${bench.slug}-new`, event: 'first', notify: true }),
  });
  expect(response.status).toBe(200);
  await expect
    .poll(() => browser.pushed, PATIENCE)
    .toMatchObject([{ title: 'first', path: expect.stringContaining(`${bench.slug}-new`) }]);
  await key.revoke();
});
