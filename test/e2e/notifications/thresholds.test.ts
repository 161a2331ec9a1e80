/** How many events within a time: told of once when that begins, by however many gateways. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestGateway } from '../../kit/gateway.ts';
import { someEvents } from '../consume/kit.ts';
import {
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
let other: TestGateway;
let service: PushService;
let bench: NotifyBench;
let browser: Browser;
beforeAll(async () => {
  gateway = await startNotifyingGateway();
  other = await startNotifyingGateway({ databaseUrl: gateway.databaseUrl });
  service = await startPushService();
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bench = await newNotifyBench(gateway);
  browser = service.browser();
  await bench.subscribe(browser);
});

const titles = () => browser.pushed.map(({ title }) => title);
const threshold = (comparison: string, count: number, within: string) => ({
  ...PUSH,
  filter: { types: ['made'] },
  threshold: { comparison, count, within },
});
/** Everything up to now was looked at. */
const caughtUp = (name: string) => async () => (await bench.state(name)).lagEvents;

test('that many events cross is told of once, whoever records them, and again after a change', async () => {
  await bench.rule('many', threshold('AT_LEAST', 30, 'PT1H'));
  await bench.record(someEvents(29));
  await bench.record(someEvents(40, { type: 'other' }));
  await expect.poll(caughtUp('many'), PATIENCE).toBe(0);
  expect(titles()).toEqual([]);
  const there = notifyBenchOf(bench.on(other));
  await Promise.all(
    [bench, there, bench, there].map(on => on.record([...someEvents(4), ...someEvents(4)])),
  );
  await expect.poll(caughtUp('many'), PATIENCE).toBe(0);
  await expect.poll(() => titles().length, PATIENCE).toBe(1);
  expect(titles()[0]).toMatch(/^many: (30|31|32|33|34|35|36|37) events within 1 hour$/);
  expect(browser.pushed[0]).toMatchObject({
    body: expect.stringMatching(/^The rule reports at least 30 matching events within 1 hour\./),
    path: expect.stringMatching(/\/events\?event=/),
  });
  await bench.record(someEvents(50));
  await expect.poll(caughtUp('many'), PATIENCE).toBe(0);
  expect(titles()).toHaveLength(1);
  await bench.updateRule('many', threshold('AT_LEAST', 2, 'PT1M'));
  await bench.record(someEvents(2));
  await expect.poll(() => titles().length, PATIENCE).toBe(2);
  expect(titles()[1]).toBe('many: 2 events within 1 minute');
});

test('the event that crosses it is told of, also where a session of who counts was cut', async () => {
  // The type is known by then: a new one would wait for a connection that waits for the rule.
  await bench.record(someEvents(1));
  await bench.rule('order', threshold('AT_LEAST', 2, 'PT1H'));
  const { db } = gateway;
  const ofRule = `from notification_rules r join workspaces w on w.id = r.workspace_id
    where w.slug = $1 and r.threshold_count is not null`;
  const numberOf = async (sql: string) =>
    (await db.read.query<{ n: number }>(sql, [bench.slug]))[0]!.n;
  const counted = () => numberOf(`select count(r.counts_since)::int as n ${ofRule}`);
  const leased = () =>
    numberOf(`select count(*)::int as n from deliveries where (workspace_id, consumer_id) =
      (select r.workspace_id, r.consumer_id ${ofRule})`);
  await expect.poll(counted, PATIENCE).toBe(1);
  await db.write.hold(async connection => {
    await connection.query('begin');
    await connection.query(`select ${ofRule} for update of r`, [bench.slug]);
    await bench.record(someEvents(1, { id: 'first' }));
    await expect.poll(leased, PATIENCE).toBe(1);
    await bench.record(someEvents(1, { id: 'second' }));
    await bench.record(someEvents(1, { id: 'third' }));
    // As long as another gateway would take to count them.
    await sleep(1_500);
    await db.read.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and query like 'select%counts_revision%for update%'`,
    );
    await connection.query('rollback');
  });
  await expect.poll(titles, PATIENCE).toEqual(['order: 2 events within 1 hour']);
  expect(browser.pushed[0]!.path).toMatch(/\/events\?event=second$/);
});

test('that a heartbeat stays out is told of once, and again after it came back', async () => {
  await bench.rule('heart', threshold('FEWER_THAN', 1, 'PT3S'));
  const startedMs = performance.now();
  await expect.poll(titles, PATIENCE).toEqual(['heart: 0 events within 3 seconds']);
  expect(performance.now() - startedMs).toBeGreaterThan(2_500);
  expect(browser.pushed[0]!.path).toBe(`/w/${bench.slug}/notifications/heart`);
  // As long as it would take to be told of it twice.
  await sleep(4_000);
  expect(titles()).toHaveLength(1);
  await bench.record(someEvents(1));
  await expect.poll(() => titles().length, PATIENCE).toBe(2);
  expect(titles()[1]).toBe('heart: 0 events within 3 seconds');
});

test('nothing is told of that did not happen while nobody counted', async () => {
  await bench.record(someEvents(1));
  await bench.rule('heart', threshold('FEWER_THAN', 1, 'PT3S'));
  let beats = true;
  const beating = (async () => {
    for (; beats; await sleep(500)) await bench.record(someEvents(1));
  })();
  await sleep(2_000);
  await bench.updateRule('heart', { enabled: false });
  // More than are taken at once, and long ago when they are.
  await bench.record(someEvents(150));
  await sleep(7_500);
  await bench.updateRule('heart', { enabled: true });
  await expect.poll(caughtUp('heart'), PATIENCE).toBeLessThan(3);
  await sleep(3_000);
  expect(titles()).toEqual([]);
  beats = false;
  await beating;
  await expect.poll(titles, PATIENCE).toEqual(['heart: 0 events within 3 seconds']);
});
