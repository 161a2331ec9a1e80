import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { newBench, someEvents, type Bench } from '../consume/kit.ts';
import { newWebhookBench, startReceiver, verified } from '../webhooks/kit.ts';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

describeConsole(
  'the page of consumers',
  kit => {
    test('makes a webhook by keyboard, and shows what the receiver answers as text', async () => {
      const bench = await newWebhookBench(kit.gateway);
      const body = '<b id="planted">no</b>';
      await using receiver = await startReceiver({ status: 400, body });
      const page = await kit.open(`/w/${bench.slug}/consumers`);
      await page.getByText('No consumers yet').waitFor();
      const first = await makeWebhook(page, receiver.url);
      await page.getByText('secret, hidden').waitFor();
      expect(await page.content()).not.toContain(first);
      expect(await page.content()).not.toContain('top-secret');

      await page.getByRole('button', { name: 'Send a test event' }).click();
      await page.getByText(/Test: status 400/).waitFor();
      verified(receiver.received[0]!, first);
      expect(receiver.received[0]!.headers['x-key']).toBe('top-secret');
      await page.getByRole('button', { name: 'Rotate secret…' }).click();
      await page.getByRole('button', { name: 'Rotate', exact: true }).click();
      const second = (await page.locator('.secret').innerText()).trim();
      await page.getByRole('button', { name: 'Done' }).click();

      await bench.record([{ id: 'signup-1', type: 'user.signup' }]);
      await page.getByText('Parked (1)').waitFor();
      for (const secret of [first, second]) verified(receiver.received[1]!, secret);
      await page.getByText('Answer').last().click();
      await page.getByText(body).last().waitFor();
      expect(await page.locator('#planted').count()).toBe(0);
      await expectAccessible(page, 'consumers-webhook');

      receiver.answer = () => 204;
      await page.getByRole('button', { name: 'Deliver again position 1' }).click();
      await page.getByText('1 to be delivered again.').waitFor();
      await page.getByText('Nothing is parked.').waitFor();
      await page.getByText('204', { exact: true }).waitFor();
      await expect
        .poll(() => bench.state('billing'), PATIENCE)
        .toMatchObject({ parkedCount: 0, lagEvents: 0 });
      expectNoFaults(page);
    });

    test('pauses, resumes, moves and deletes a consumer, and settles what it parked', async () => {
      const bench = await newBench(kit.gateway);
      const page = await kit.open(`/w/${bench.slug}/consumers`);
      await makePullConsumer(page);
      expect(await bench.state('mailer')).toMatchObject({ settledPosition: 0, status: 'ACTIVE' });
      await bench.record(someEvents(4));
      await park(bench, 3);
      await page.getByText('Parked (3)').waitFor();
      await expect.poll(() => page.getByText('No <i>plan</i>.').count(), PATIENCE).toBe(3);
      await expectAccessible(page, 'consumers-parked');

      await page.getByRole('button', { name: 'Discard position 2' }).click();
      await confirm(page, 'Discard for good');
      await page.getByText('1 discarded.').waitFor();
      await page.getByText('Parked (2)').waitFor();
      await page.getByText('position 2,').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Deliver all again' }).click();
      await page.getByText('Nothing is parked.').waitFor();
      expect(await bench.state('mailer')).toMatchObject({ parkedCount: 0, retryingCount: 2 });
      await park(bench, 2);
      await page.getByText('Parked (2)').waitFor();
      await page.getByRole('button', { name: 'Discard all…' }).click();
      await confirm(page, 'Discard for good');
      await page.getByText('2 discarded.').waitFor();

      await seek(page, 'Now');
      await page.getByText('Settled position').locator('..').getByText('4').waitFor();
      await seek(page, 'A time', ['Time', '2001-01-01T10:00:00']);
      await expect
        .poll(async () => (await bench.state('mailer')).settledPosition, PATIENCE)
        .toBe(0);
      const { cursor } = await bench.state('mailer');
      await seek(page, 'Now');
      await seek(page, 'A cursor', ['Cursor', cursor]);
      await expect
        .poll(async () => (await bench.state('mailer')).settledPosition, PATIENCE)
        .toBe(0);

      await page.getByRole('button', { name: 'Pause…' }).click();
      await page.getByLabel('Reason').fill('The mail server moves.');
      await confirm(page, 'Pause');
      await page.getByText('Once resumed, it goes on where it stands.').waitFor();
      await page.getByText('The mail server moves.').waitFor();
      await page.getByRole('link', { name: 'All consumers' }).click();
      await page.getByRole('row', { name: /mailer.*paused.*The mail server moves/ }).waitFor();
      await expectAccessible(page, 'consumers');
      await page.getByRole('link', { name: 'mailer' }).click();
      await page.getByRole('button', { name: 'Resume' }).click();
      await expect.poll(async () => (await bench.state('mailer')).status, PATIENCE).toBe('ACTIVE');

      await page.getByRole('button', { name: 'Delete…' }).click();
      await confirm(page, 'Delete for good');
      await page.getByText('No consumers yet').waitFor();
      expect(await bench.state('mailer')).toBeNull();
      expectNoFaults(page);
    });

    test('changes a webhook, says what stands when a part is refused, and has a page for a name of dots', async () => {
      const bench = await newWebhookBench(kit.gateway);
      await using receiver = await startReceiver();
      const headers = [{ name: 'x-key', value: 'top-secret', secret: true }];
      await bench.webhook('billing', receiver.url, { headers });
      await bench.create('taken');
      const page = await kit.open(`/w/${bench.slug}/consumers/billing`);
      const sent: string[] = [];
      page.on('request', request => sent.push(request.postData() ?? ''));
      await page.getByRole('button', { name: 'Change…' }).click();
      await page.getByLabel('Name', { exact: true }).fill('taken');
      await page.getByLabel('Filter').fill('{"types":["user.signup"]}');
      await page.getByLabel('Attempts before an event is parked').fill('3');
      await page.getByLabel('URL').fill(`${receiver.url}moved`);
      await page.getByLabel('Seconds that the receiver has to answer').fill('7');
      await page.getByRole('button', { name: 'Add a header' }).click();
      await page.getByRole('button', { name: 'Keep the headers as they were' }).click();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The other changes are not saved yet.').waitFor();
      await expectAccessible(page, 'consumers-change');
      await page.getByLabel('Name', { exact: true }).fill('..');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('heading', { name: '..' }).waitFor();
      expect(sent.filter(body => body.includes('mutation UpdateWebhook'))).toHaveLength(1);
      expect(sent.filter(body => body.includes('mutation UpdateConsumer'))).toHaveLength(2);
      await page.reload();
      await page.getByRole('heading', { name: '..' }).waitFor();
      await page.getByText(`${receiver.url}moved`).waitFor();
      await page.getByText('7 s', { exact: true }).waitFor();
      expect(await bench.state('billing')).toBeNull();

      await bench.record([...someEvents(1), { id: 'signup-2', type: 'user.signup' }]);
      await expect.poll(() => receiver.received.length, PATIENCE).toBe(1);
      expect(receiver.received[0]).toMatchObject({
        path: '/moved',
        headers: { 'x-key': 'top-secret' },
      });
      await page.getByRole('link', { name: 'All consumers' }).click();
      await page.getByRole('link', { name: '..' }).click();
      await page.getByRole('heading', { name: '..' }).waitFor();
      expectNoFaults(page);
    });

    test('shows a key without ADMIN what it may see, and says what is missing', async () => {
      const { slug, key } = await kit.gateway.workspace();
      const url = 'http://127.0.0.1:9/hidden';
      await kit.gateway.data(
        `mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret } }`,
        { input: { workspace: slug, name: 'a/b c?', url } },
      );
      const page = await kit.open(`/w/${slug}/consumers`, { key });
      await page.getByText(/That needs the scope ADMIN\..*needs EVENTS_CONSUME/).waitFor();
      expect(await page.getByRole('button', { name: 'New consumer' }).count()).toBe(0);
      await page.getByRole('link', { name: 'a/b c?' }).click();
      await page.getByText('Nothing is parked.').waitFor();
      await page.getByText(/That needs the scope ADMIN/).waitFor();
      for (const name of ['Pause…', 'Seek…', 'Delete…', 'Send a test event']) {
        expect(await page.getByRole('button', { name }).count()).toBe(0);
      }
      expect(await page.content()).not.toContain(url);
      expectNoFaults(page);
    });
  },
  { webhookPrivateNetworks: true },
);

/** With the keyboard alone, up to the page of the webhook. @returns its secret */
async function makeWebhook(page: Page, url: string): Promise<string> {
  const press = async (key: string, name: string) => {
    await page.getByRole('button', { name, exact: true }).focus();
    await page.keyboard.press(key);
  };
  await press('Enter', 'New consumer');
  await page.getByLabel('Kind').focus();
  await page.keyboard.type('Webhook');
  await page.keyboard.press('Tab');
  await page.keyboard.type('billing');
  await page.getByLabel('Attempts before').fill('1');
  await page.getByLabel('URL').fill(url);
  await press('Space', 'Add a header');
  await page.getByLabel('Name of header 1').fill('x-key');
  await page.getByLabel('Value of header 1').fill('top-secret');
  await page.getByLabel('Filter').fill('{"types":');
  await page.getByText('An EventFilter of the API as JSON').waitFor();
  await expectAccessible(page, 'consumers-new');
  await page.getByLabel('Filter').fill('{"types":["user.signup"]}');
  await page.getByLabel('URL').press('Enter');
  const secret = (await page.locator('.secret').innerText()).trim();
  await press('Enter', 'Done');
  return secret;
}

async function makePullConsumer(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New consumer' }).click();
  await page.getByLabel('Name').fill('mailer');
  await page.getByLabel('Begins with').selectOption('BEGINNING');
  await page.getByLabel('Order').selectOption('SUBJECT');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Nothing is parked.').waitFor();
}

/** A worker gets so many events, and can't do them. */
async function park(bench: Bench, first: number): Promise<void> {
  const deliveries = await bench.pull('mailer', { first });
  await bench.release('mailer', deliveries, { park: true, reason: 'No <i>plan</i>.' });
}

async function confirm(page: Page, name: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
}

async function seek(page: Page, to: string, [label, value]: string[] = []): Promise<void> {
  await page.getByRole('button', { name: 'Seek…' }).click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByLabel('Goes on with');
  const titles = await field.getByRole('option').allTextContents();
  await field.selectOption(titles.find(title => title.startsWith(to))!);
  if (label !== undefined) await dialog.getByLabel(label).fill(value!);
  await confirm(page, 'Seek');
  await dialog.waitFor({ state: 'detached' });
}
