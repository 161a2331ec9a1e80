/**
 * The page of notifications, and its service worker in a real browser. Only the push service is not
 * the browser's own, which a machine without a network has none of: ours decrypts what the gateway
 * sends, and the DevTools protocol delivers it to the worker, as the browser would.
 */
import type { BrowserContext, CDPSession, Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  newNotifyBench,
  startPushService,
  type Browser,
  type PushService,
} from '../notifications/kit.ts';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

/** In place of the push service that Chromium would ask: it remembers whether it was asked. */
const pushServiceIn = ({ subscription }: Browser) => `{
  const given = ${JSON.stringify(subscription)};
  const state = { asked: 0, key: null };
  window.pushState = state;
  const request = Notification.requestPermission.bind(Notification);
  Notification.requestPermission = () => { state.asked += 1; return request(); };
  const made = {
    endpoint: given.endpoint,
    get options() { return { applicationServerKey: state.key }; },
    toJSON: () => given,
    unsubscribe: async () => { localStorage.removeItem('test.subscribed'); return true; },
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error('refused');
    state.key = applicationServerKey.buffer;
    localStorage.setItem('test.subscribed', 'yes');
    return made;
  };
  PushManager.prototype.getSubscription = async () =>
    localStorage.getItem('test.subscribed') === null ? null : made;
}`;

interface Registration {
  readonly registrationId: string;
  readonly scopeURL: string;
  readonly isDeleted: boolean;
}

interface WorkerOfPage {
  readonly worker: Worker;
  push(data: string): Promise<void>;
}

/** The worker of the console, and what delivers push messages to it. */
async function workerOf(page: Page): Promise<WorkerOfPage> {
  const context: BrowserContext = page.context();
  const session: CDPSession = await context.newCDPSession(page);
  const registrations: Registration[] = [];
  session.on('ServiceWorker.workerRegistrationUpdated', found =>
    registrations.push(...found.registrations),
  );
  await session.send('ServiceWorker.enable');
  await expect.poll(() => registrations.length, PATIENCE).toBeGreaterThan(0);
  const { registrationId } = registrations.at(-1)!;
  await expect.poll(() => context.serviceWorkers().length, PATIENCE).toBe(1);
  const { origin } = new URL(page.url());
  return {
    worker: context.serviceWorkers()[0]!,
    async push(data) {
      await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
    },
  };
}

const SHOWN = `self.registration.getNotifications().then(all =>
  all.map(({ title, body, tag, data }) => ({ title, body, tag, data })))`;

/** A click that nobody made can't focus a page: what it opens is told to the page before. */
const CLICK = `self.registration.getNotifications().then(([notification]) => {
  try { self.dispatchEvent(new NotificationEvent('notificationclick', { notification })); } catch {}
})`;

describeConsole(
  'the page of notifications',
  kit => {
    let service: PushService;
    beforeAll(async () => {
      service = await startPushService();
    });
    afterAll(() => service[Symbol.asyncDispose]());

    test('tells this browser once it was asked by a click, and opens the event that it tells of', async () => {
      const bench = await newNotifyBench(kit.gateway);
      const browser = service.browser();
      const page = await kit.open(`/w/${bench.slug}/notifications`, {
        permissions: ['notifications'],
        key: bench.key,
        before: pushServiceIn(browser),
      });
      await page.getByText('takes no notifications').waitFor();
      expect(await page.evaluate('window.pushState.asked')).toBe(0);
      await expectAccessible(page, 'notifications-off');
      await page.getByRole('button', { name: 'Notify this browser' }).click();
      await page.getByText('also while no page of the console is open').waitFor();
      expect(await page.evaluate('window.pushState.asked')).toBe(1);
      await page.getByRole('heading', { name: 'notify', exact: true }).waitFor();

      const { worker, push } = await workerOf(page);
      await page.getByRole('button', { name: 'Send a test' }).first().click();
      await page.getByText('Test: taken by').waitFor();
      await expect.poll(() => browser.pushed.length, PATIENCE).toBe(1);

      await page.goto(`/w/${bench.slug}/explore`);
      await bench.record([
        {
          id: 'e/1',
          type: 'backup.failed',
          icon: '💥',
          description: 'No <b>space</b>',
          notify: true,
        },
      ]);
      await expect.poll(() => browser.pushed.length, PATIENCE).toBe(2);
      await push(JSON.stringify(browser.pushed[1]));
      await expect
        .poll(() => worker.evaluate(SHOWN), PATIENCE)
        .toEqual([
          {
            title: '💥 backup.failed',
            body: 'No <b>space</b>',
            tag: browser.pushed[1]!.tag,
            data: { path: `/w/${bench.slug}/events?event=e%2F1` },
          },
        ]);
      // The same again is shown in its place.
      await push(JSON.stringify({ ...browser.pushed[1], title: 'again' }));
      await expect
        .poll(() => worker.evaluate(SHOWN), PATIENCE)
        .toMatchObject([{ title: 'again', tag: browser.pushed[1]!.tag }]);
      await worker.evaluate(CLICK);
      await page.waitForURL(`**/w/${bench.slug}/events?event=e%2F1`);
      await page.getByText('No <b>space</b>').first().waitFor();
      await expect.poll(() => worker.evaluate(SHOWN), PATIENCE).toEqual([]);
      expectNoFaults(page);
    });

    test('shows something for whatever is pushed, and opens no other host', async () => {
      const bench = await newNotifyBench(kit.gateway);
      const page = await kit.open(`/w/${bench.slug}/notifications`, {
        permissions: ['notifications'],
        key: bench.key,
        before: pushServiceIn(service.browser()),
      });
      await page.getByRole('button', { name: 'Notify this browser' }).click();
      await page.getByText('also while no page of the console is open').waitFor();
      const { worker, push } = await workerOf(page);
      await push('this is no JSON');
      await expect
        .poll(() => worker.evaluate(SHOWN), PATIENCE)
        .toMatchObject([{ title: 'Sluice' }]);
      await worker.evaluate(CLICK);
      await expect.poll(() => worker.evaluate(SHOWN), PATIENCE).toEqual([]);
      // The second is of this origin, and its path alone names another host.
      for (const path of ['https://evil.example/w/x', '/.//evil.example/w/x']) {
        await page.getByRole('link', { name: 'Notifications' }).click();
        await page.waitForURL(url => url.pathname.endsWith('/notifications'));
        await push(JSON.stringify({ title: 'T', body: '', at: '', tag: 't', path }));
        await expect.poll(() => worker.evaluate(SHOWN), PATIENCE).toMatchObject([{ title: 'T' }]);
        await worker.evaluate(CLICK);
        await page.waitForURL(url => url.pathname.endsWith('/events'));
        expect(new URL(page.url()).origin).toBe(kit.gateway.url);
      }
      expectNoFaults(page);
    });

    test('ends the subscription when its user stops it, and when they sign out', async () => {
      const bench = await newNotifyBench(kit.gateway);
      const page = await kit.open(`/w/${bench.slug}/notifications`, {
        permissions: ['notifications'],
        key: bench.key,
        before: pushServiceIn(service.browser()),
      });
      const endpoints = async () => {
        const data = await kit.gateway.data<{ pushSubscriptions: unknown[] }>(
          '{ pushSubscriptions { endpoint } }',
          {},
          bench.key,
        );
        return data.pushSubscriptions.length;
      };
      const start = async () => {
        await page.getByRole('button', { name: 'Notify this browser' }).click();
        await page.getByText('also while no page of the console is open').waitFor();
        expect(await endpoints()).toBe(1);
      };
      await start();
      await page.getByRole('button', { name: 'Stop notifications' }).click();
      await expect.poll(endpoints, PATIENCE).toBe(0);
      await start();
      await page.reload();
      await page.getByText('also while no page of the console is open').waitFor();
      await page.getByRole('button', { name: /^Sign out/ }).click();
      await page.getByLabel('Key').waitFor();
      await expect.poll(endpoints, PATIENCE).toBe(0);
      expectNoFaults(page);
    });

    test('makes, tests, changes, disables and deletes a rule by keyboard', async () => {
      const bench = await newNotifyBench(kit.gateway);
      const browser = service.browser();
      await bench.subscribe(browser);
      const page = await kit.open(`/w/${bench.slug}/notifications`);
      await page.getByRole('heading', { name: 'notify', exact: true }).waitFor();
      await page.getByRole('button', { name: 'New rule' }).press('Enter');
      await page.getByLabel('Name').fill('failed payments');
      await page.getByLabel('Filter').fill('{"types":["payment.failed"]}');
      for (const n of [1, 2]) {
        await page.getByRole('button', { name: 'Add a chat' }).click();
        await page.getByLabel(`URL of chat ${n}`).fill(`${service.url}chat${n}`);
      }
      await page.getByLabel('Kind of chat 2').selectOption('DISCORD');
      await page.getByLabel('At most one notification in').selectOption('PT5M');
      await expectAccessible(page, 'notifications-new');
      await page.getByRole('button', { name: 'Create', exact: true }).press('Enter');
      const card = page.locator('section', {
        has: page.getByRole('heading', { name: 'failed payments' }),
      });
      await card.getByText('at most one notification in 5 minutes').waitFor();
      await card.getByText('1 browser').waitFor();
      await card.getByText(/^Slack at 127/).waitFor();
      await card.getByText(/^Discord at 127/).waitFor();
      await expectAccessible(page, 'notifications-rules');

      await card.getByRole('button', { name: 'Send a test' }).click();
      await expect.poll(() => card.getByText(/^Test: taken by/).count(), PATIENCE).toBe(3);
      expect(browser.pushed).toMatchObject([{ title: 'Sluice' }]);

      await card.getByRole('button', { name: 'Change…' }).click();
      await page.getByLabel('Tells of').selectOption('AT_LEAST');
      await page.getByLabel('Events', { exact: true }).fill('3');
      await page.getByLabel('Within').selectOption('PT1H');
      await page.getByRole('button', { name: 'Remove chat 1' }).click();
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await card.getByText('At least 3 within 1 hour').waitFor();
      expect(await bench.ruleNow('failed payments')).toMatchObject({
        quietFor: 'PT300S',
        threshold: { comparison: 'AT_LEAST', count: 3, within: 'PT3600S' },
        channels: [
          { __typename: 'WebPushChannel' },
          { __typename: 'WebhookChannel', format: 'DISCORD', url: `${service.url}chat2` },
        ],
      });

      await card.getByRole('button', { name: 'Disable' }).click();
      await card.getByText('Disabled: it keeps its place').waitFor();
      await card.getByRole('button', { name: 'Delete…' }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await card.waitFor({ state: 'detached' });
      expect((await bench.rules()).map(({ name }) => name)).toEqual(['notify']);
      expectNoFaults(page);
    });
  },
  { webhookPrivateNetworks: true },
  { isWhole: true },
);
