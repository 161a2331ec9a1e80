import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

interface Given {
  readonly type: string;
  readonly [field: string]: unknown;
}

describeConsole('the events page', kit => {
  async function record(workspace: string, events: readonly Given[]): Promise<void> {
    const { recordEvents } = await kit.gateway.data<{ recordEvents: { recordedCount: number } }>(
      `mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }`,
      { input: { workspace, events } },
    );
    expect(recordEvents.recordedCount).toBe(events.length);
  }

  /** A page on a workspace of its own, that is live. */
  async function openLive(search = '', options: Parameters<typeof kit.open>[1] = {}) {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open(`/w/${slug}/events${search}`, options);
    await isLive(page);
    return { page, slug, record: (...events: Given[]) => record(slug, events) };
  }

  test('shows events as they are recorded, newest on top, and all of the one that is chosen', async () => {
    const { page, record } = await openLive();
    await page.getByText('No events yet').waitFor();
    await record(
      { id: 'root', type: 'checkout.started', groupId: 'g1', description: 'Ada goes to the till' },
      {
        ...{ id: 'paid', type: 'payment.taken', groupId: 'g1', parentId: 'root', actor: 'ada' },
        ...{ icon: '💶', success: true, payload: { total: 12.5, basket: [{ sku: 'A-1' }] } },
        properties: [{ long: { name: 'ledger', value: '9007199254740993123' } }],
      },
      { id: 'sent', type: 'parcel.sent', groupId: 'g1', parentId: 'paid' },
    );
    const rows = page.locator('.event-list .event-row');
    await expect
      .poll(() => rows.locator('.type').allInnerTexts(), PATIENCE)
      .toEqual(['parcel.sent', 'payment.taken', 'checkout.started']);

    await rows.nth(1).click();
    const panel = page.getByRole('complementary', { name: 'Event' });
    await panel.getByText('1 value', { exact: true }).click();
    await panel.getByText('A-1', { exact: true }).waitFor();
    await panel.getByRole('row', { name: 'ledger long 9007199254740993123' }).waitFor();
    const timeline = async () =>
      (await panel.locator('.timeline a').allInnerTexts()).map(text => text.replace(/\s+/g, ' '));
    expect(await timeline()).toEqual([
      expect.stringContaining('checkout.started parent'),
      expect.stringContaining('payment.taken this event'),
      expect.stringContaining('parcel.sent child'),
    ]);
    await expectAccessible(page, 'events-event');

    await page.reload();
    await panel.getByText('payment.taken').first().waitFor();
    await panel.getByRole('link', { name: 'checkout.started' }).click();
    await panel.getByText('Ada goes to the till').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.url(), PATIENCE).not.toContain('event=');
    expectNoFaults(page);
  });

  test('pauses and goes on without a gap', async () => {
    const { page, record } = await openLive();
    await record(...numbered(1, 5));
    await shows(page, 5);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Nothing is lost').waitFor();
    await record(...numbered(6, 400));
    await page.getByRole('button', { name: 'Resume' }).click();
    await shows(page, 400);
    await expect.poll(() => allNumbers(page), PATIENCE).toEqual(upTo(400));
    expectNoFaults(page);
  });

  test('goes on without a gap after the connection was lost', async () => {
    const { page, record } = await openLive('', { before: CUTTABLE });
    await record(...numbered(1, 3));
    await shows(page, 3);
    await page.context().setOffline(true);
    await page.evaluate('globalThis.cutStreams()');
    await page.getByText('Reconnecting').waitFor();
    await record(...numbered(4, 60));
    await page.context().setOffline(false);
    await shows(page, 60);
    await isLive(page);
    await expect.poll(() => allNumbers(page), PATIENCE).toEqual(upTo(60));
  });

  test('keeps its filters in the address bar', async () => {
    const { page, slug, record } = await openLive('?source=shop');
    await record(
      { type: 'order.placed', source: 'shop', payload: { total: 80, n: 'small' } },
      { type: 'order.placed', source: 'shop', payload: { total: 200, n: 'large' } },
      { type: 'order.placed', source: 'elsewhere', payload: { total: 300, n: 'far' } },
      { type: 'user.signup', source: 'shop', payload: { total: 400, n: 'other' } },
    );
    const summaries = page.locator('.event-list .summary');
    await expect.poll(() => summaries.count(), PATIENCE).toBe(3);

    await page.getByLabel('Type to show').fill('order.*');
    await page.keyboard.press('Enter');
    await expect.poll(() => summaries.count(), PATIENCE).toBe(2);

    await page.getByLabel('What to filter by').selectOption('Payload');
    await page.getByLabel('Payload to show').fill('total bigger than 100');
    await page.keyboard.press('Enter');
    await page.getByText('A path, a sign').waitFor();
    await page.getByLabel('Payload to show').fill('total > 100');
    await page.keyboard.press('Enter');
    await expect
      .poll(() => summaries.allInnerTexts(), PATIENCE)
      .toEqual([expect.stringContaining('large')]);

    const search = new URL(page.url()).searchParams;
    expect([...search]).toEqual([
      ['source', 'shop'],
      ['type', 'order.*'],
      ['where', 'total > 100'],
    ]);
    await page.reload();
    await expect.poll(() => summaries.count(), PATIENCE).toBe(1);
    await expectAccessible(page, 'events-filtered');

    await page.getByRole('button', { name: 'Take away Payload total > 100' }).click();
    await expect.poll(() => summaries.count(), PATIENCE).toBe(2);
    await page.getByLabel('Search events').fill('small');
    await expect
      .poll(() => summaries.allInnerTexts(), PATIENCE)
      .toEqual([expect.stringContaining('small')]);
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => summaries.count(), PATIENCE).toBe(4);
    expect(new URL(page.url()).pathname).toBe(`/w/${slug}/events`);
    expectNoFaults(page);
  });

  test('counts by type what was before and what comes', async () => {
    const { slug } = await kit.gateway.workspace();
    await record(slug, numbered(1, 30));
    const page = await kit.open(`/w/${slug}/events`);
    await page.getByRole('button', { name: 'count.up 30' }).waitFor();
    await isLive(page);
    await record(slug, numbered(31, 42));
    await page.getByRole('button', { name: 'count.up 42' }).waitFor();
    await page.getByText('42 in 30 minutes').waitFor();
    await page.getByRole('button', { name: 'count.up 42' }).click();
    await expect.poll(() => page.url(), PATIENCE).toContain('type=count.up');
  });

  test('is walked by keyboard, and holds still for who reads', async () => {
    const { page, record } = await openLive();
    await record(...numbered(1, 50));
    await shows(page, 50);
    await page.locator('.event-list .event-row').first().focus();
    await page.keyboard.press('ArrowDown');
    await record(...numbered(51, 55));
    await page.getByRole('button', { name: '5 new' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await record(...numbered(56, 60));
    await page.getByRole('button', { name: '10 new' }).waitFor();
    await expect
      .poll(() => page.evaluate('document.activeElement.innerText'), PATIENCE)
      .toContain('n: 48');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Event' }).getByText('48').first().waitFor();
    await page.getByRole('button', { name: '10 new' }).click();
    await shows(page, 60);
    expectNoFaults(page);
  });

  test('notifies of events that ask for it, where that is allowed', async () => {
    const { page, record } = await openLive('', {
      permissions: ['notifications'],
      before: `globalThis.notified = [];
        globalThis.Notification = class {
          static permission = 'granted';
          static requestPermission = async () => 'granted';
          constructor(title, { body }) { globalThis.notified.push(title + ': ' + body); }
          close() {}
        };`,
    });
    await page.getByRole('button', { name: 'Notify' }).click();
    await record(
      { type: 'quiet.one' },
      { type: 'payment.failed', notify: true, description: 'No money' },
    );
    await expect
      .poll(() => page.evaluate('globalThis.notified'), PATIENCE)
      .toEqual(['payment.failed: No money']);
  });
});

/** Being offline alone ends no connection that is open. */
const CUTTABLE = `{
  const whole = globalThis.fetch;
  const cuts = [];
  globalThis.cutStreams = () => cuts.forEach(cut => cut.abort());
  globalThis.fetch = (url, init) => {
    if (init?.headers?.accept !== 'text/event-stream') return whole(url, init);
    const cut = new AbortController();
    cuts.push(cut);
    return whole(url, { ...init, signal: AbortSignal.any([init.signal, cut.signal]) });
  };
}`;

async function isLive(page: Page): Promise<void> {
  await page.getByRole('status').getByText('Live', { exact: true }).waitFor();
}

function numbered(from: number, to: number): Given[] {
  return upTo(to)
    .slice(from - 1)
    .map(n => ({ type: 'count.up', payload: { n } }));
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, at) => at + 1);
}

/** The newest row is that of this number. */
async function shows(page: Page, n: number): Promise<void> {
  const newest = page.locator('.event-list [data-index="0"] .summary');
  await expect.poll(() => newest.innerText(), PATIENCE).toBe(`n: ${n}`);
}

/** The numbers of all rows, oldest first, found by scrolling through them. */
async function allNumbers(page: Page): Promise<number[]> {
  const found = await page.evaluate(`(async () => {
    const list = document.querySelector('.event-list');
    const found = new Map();
    for (let top = 0; ; top += 300) {
      list.scrollTop = top;
      await new Promise(done => setTimeout(done, 50));
      for (const row of list.querySelectorAll('.event-row')) {
        found.set(Number(row.dataset.index), row.querySelector('.summary').innerText);
      }
      if (top > list.scrollHeight) break;
    }
    return [...found].sort(([a], [b]) => b - a).map(([, text]) => Number(text.slice(3)));
  })()`);
  return found as number[];
}
