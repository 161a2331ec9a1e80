import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

interface Given {
  readonly type: string;
  readonly [field: string]: unknown;
}

const DAY_MS = 86_400_000;

describeConsole('the past on the events page', kit => {
  /** A workspace of its own that has these events. */
  async function recorded(...events: Given[]): Promise<string> {
    const { slug } = await kit.gateway.workspace();
    await kit.gateway.data(
      `mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }`,
      { input: { workspace: slug, events } },
    );
    return slug;
  }

  test('goes on backwards page after page, and says of which day a row is', async () => {
    const noon = noonOf(3);
    const slug = await recorded(
      ...upTo(650).map(n => ({
        type: 'count.up',
        payload: { n },
        occurredAt: new Date(noon + Math.floor((n - 1) / 300) * DAY_MS + n).toISOString(),
      })),
    );
    for (const search of ['', '?span=week']) {
      const page = await kit.open(`/w/${slug}/events${search}`);
      const list = page.locator('.event-list');
      await list.locator('.event-row').first().waitFor();
      const hasEnded = async () => {
        await scrollTo(page, 'list.scrollHeight');
        return page.getByText('No older events fit.').isVisible();
      };
      await expect.poll(hasEnded, PATIENCE).toBe(true);
      // What was read last may have come after the list was scrolled.
      const last = async () => {
        await scrollTo(page, 'list.scrollHeight');
        return (await page.locator('.event-list .summary').allInnerTexts()).at(-1);
      };
      await expect.poll(last, PATIENCE).toBe('n: 1');
      expect(await page.locator('.day.top').innerText()).toBe(await dayName(page, noon));
      // The newest 50 are of one day, and the 300 below them of the day before.
      await scrollTo(page, '1600');
      await list.locator('.day').first().waitFor();
      expect(await list.locator('.day').first().innerText()).toBe(
        await dayName(page, noon + DAY_MS),
      );
      expect(await page.locator('.day.top').innerText()).toBe(
        await dayName(page, noon + 2 * DAY_MS),
      );
      expectNoFaults(page);
      await page.context().close();
    }
  });

  test('tells what somebody did on a day of last week in three clicks', async () => {
    const noon = noonOf(4);
    const at = (ms: number) => new Date(ms).toISOString();
    const slug = await recorded(
      { type: 'doc.read', actor: 'ada', description: 'that day', occurredAt: at(noon) },
      { type: 'doc.read', actor: 'bob', description: 'by bob', occurredAt: at(noon) },
      { type: 'doc.read', actor: 'ada', description: 'before', occurredAt: at(noon - DAY_MS) },
      { type: 'doc.read', actor: 'ada', description: 'today' },
    );
    for (const width of [1_280, 390]) {
      const page = await kit.open(`/w/${slug}/events`, { width });
      await page.locator('.event-row').filter({ hasText: 'today' }).click();
      const panel = page.getByRole('complementary', { name: 'Event' });
      await panel.getByRole('button', { name: 'ada' }).click();
      // On a phone the event covers the page, so it makes way.
      if (width === 390) await panel.waitFor({ state: 'detached' });
      const day = await dayName(page, noon);
      await page.getByLabel('Time', { exact: true }).selectOption({ label: day });
      await expectSummaries(page, ['that day']);
      await page.reload();
      await expectSummaries(page, ['that day']);
      expectNoFaults(page);
      await page.context().close();
    }
  });

  test('narrows to a bar of the chart, to given instants, and to what is around an event', async () => {
    const now = Date.now();
    const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
    const slug = await recorded(
      { type: 'step', description: 'first', occurredAt: at(20) },
      { type: 'step', description: 'second', occurredAt: at(13) },
      { type: 'step', description: 'third', occurredAt: at(10) },
      { type: 'step', description: 'fourth', occurredAt: at(10) },
    );
    const page = await kit.open(`/w/${slug}/events`);
    await expectSummaries(page, ['fourth', 'third', 'second', 'first']);
    await page.locator('.strip-chart').getByRole('button', { name: ': 2 events' }).click();
    await expectSummaries(page, ['fourth', 'third']);
    await page.getByText('2 in this time').waitFor();
    await expectAccessible(page, 'events-between');

    await page.locator('.event-list .event-row').first().click();
    await page.getByRole('button', { name: 'Around this event' }).click();
    await expectSummaries(page, ['fourth', 'third', 'second']);

    // Without a beginning there is no chart, and all that was before.
    await page.getByLabel('From', { exact: true }).fill('');
    await page.getByLabel('From', { exact: true }).press('Enter');
    await expectSummaries(page, ['fourth', 'third', 'second', 'first']);
    expect(await page.locator('.strip-chart').count()).toBe(0);

    await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00:00');
    await page.getByLabel('To', { exact: true }).press('Enter');
    await page.getByText('Nothing happened in this time').waitFor();
    await page.getByLabel('From', { exact: true }).fill('2021-01-01T00:00:00');
    await page.getByLabel('From', { exact: true }).press('Enter');
    await page.getByText('The end must be after the beginning.').waitFor();
    await page.getByLabel('From', { exact: true }).fill('2019-01-01T00:00:00');
    await page.getByLabel('From', { exact: true }).press('Enter');
    await page.getByText('Nothing happened in this time').waitFor();
    await page.getByLabel('Time', { exact: true }).selectOption('Live');
    await expectSummaries(page, ['fourth', 'third', 'second', 'first']);

    // Without a beginning there is nothing to cut into bars.
    await page.goto(`/w/${slug}/events?to=${at(11)}`);
    await expectSummaries(page, ['second', 'first']);
    expect(await page.locator('.strip-chart').count()).toBe(0);
    expectNoFaults(page);
  });

  test('filters by success, source API, category, group and a text with OR and NOT', async () => {
    const slug = await recorded(
      { id: 'e1', type: 'order.paid', description: 'paid', success: true, groupId: 'g1' },
      { id: 'e2', type: 'order.paid', description: 'refused', success: false, groupId: 'g2' },
      { id: 'e3', type: 'mail.sent', description: 'mailed', actor: 'ada' },
    );
    await kit.gateway.data(
      `mutation($workspace: String!) {
        defineEvent(input: { workspace: $workspace, name: "mail.sent", category: "post" }) {
          definition { id }
        }
      }`,
      { workspace: slug },
    );
    const page = await kit.open(`/w/${slug}/events`);
    await expectSummaries(page, ['mailed', 'refused', 'paid']);
    const filterBy = async (kind: string, value: string) => {
      await page.getByLabel('What to filter by').selectOption(kind);
      const field = page.getByLabel(`${kind} to show`);
      const isSelect = CHOSEN.includes(kind);
      await (isSelect ? field.selectOption(value) : field.fill(value));
      await page.getByRole('button', { name: /^(Add|Open)$/ }).click();
    };
    const cases: [string, string, string[]][] = [
      ['Success', 'Succeeded', ['paid']],
      ['Success', 'Failed', ['refused']],
      ['Success', 'Not said', ['mailed']],
      ['Source API', 'GraphQL', ['mailed', 'refused', 'paid']],
      ['Source API', 'CloudEvents', []],
      ['Category', 'post', ['mailed']],
      ['Group', 'g2', ['refused']],
      ['Filter text', '{"not":{"types":["mail.sent"]}}', ['refused', 'paid']],
      ['Filter text', '{"or":[{"actors":["ada"]},{"success":true}]}', ['mailed', 'paid']],
    ];
    for (const [kind, value, summaries] of cases) {
      await filterBy(kind, value);
      await page.getByRole('button', { name: `Take away ${kind}` }).waitFor();
      await expectSummaries(page, summaries);
      await page.getByRole('button', { name: 'Clear', exact: true }).click();
      await expectSummaries(page, ['mailed', 'refused', 'paid']);
    }
    await filterBy('Filter text', 'not ada');
    await page.getByText('An EventFilter of the API as JSON').waitFor();
    await filterBy('Event id', 'e2');
    const panel = page.getByRole('complementary', { name: 'Event' });
    await panel.getByText('refused').waitFor();
    expectNoFaults(page);
  });

  test('shows the columns that were chosen, also after a reload', async () => {
    const slug = await recorded({ type: 'a', subject: 'sub', groupId: 'together', actor: 'ada' });
    const page = await kit.open(`/w/${slug}/events`);
    const row = page.locator('.event-list .event-row');
    await row.getByText('sub').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    const dialog = page.getByRole('dialog', { name: 'Columns' });
    await dialog.getByLabel('Group').check();
    await dialog.getByLabel('Subject').uncheck();
    await expectAccessible(page, 'events-columns');
    await page.reload();
    await row.getByText('together').waitFor();
    expect(await row.innerText()).not.toContain('sub');
    expect(await row.innerText()).toContain('ada');
    expectNoFaults(page);
  });

  test('hands out what is filtered as CSV without formulas and as NDJSON', async () => {
    const slug = await recorded(...upTo(1_100).map(n => ({ type: 'count.up', payload: { n } })), {
      type: 'odd',
      subject: '=1+1',
      description: 'a "b", c',
      payload: { n: 1 },
    });
    const page = await kit.open(`/w/${slug}/events`);
    const lines = (await exported(page, 'NDJSON')).trimEnd().split('\n');
    const events = lines.map(line => JSON.parse(line) as { type: string; payload: { n: number } });
    expect(events.slice(1).map(({ payload }) => payload.n)).toEqual(upTo(1_100).reverse());
    expect(events[0]).toMatchObject({ type: 'odd', subject: '=1+1', description: 'a "b", c' });

    await page.goto(`/w/${slug}/events?type=odd&span=hour`);
    await expectSummaries(page, ['a "b", c']);
    const csv = (await exported(page, 'CSV')).split('\r\n');
    expect(csv).toHaveLength(3);
    expect(csv[0]).toMatch(/^id,type,occurredAt,.*,payload,position,cursor$/);
    expect(csv[1]).toContain(`,'=1+1,`);
    expect(csv[1]).toContain(`,"a ""b"", c",`);
    expect(csv[1]).toContain(`,"{""n"":1}",`);
    expectNoFaults(page);
  });

  test('gives a type one colour, however often it occurs', async () => {
    const slug = await recorded(
      { type: 'often', source: 'x' },
      { type: 'often', source: 'x' },
      { type: 'rare', source: 'y' },
    );
    const page = await kit.open(`/w/${slug}/events`);
    const colorOf = async (type: string) => {
      const [dot, entry, ...more] = await colorsBeside(page, type);
      expect(dot).toBeTruthy();
      expect(entry).toBe(dot);
      expect(more.filter(color => color !== dot)).toEqual([]);
      return dot;
    };
    await page.getByRole('button', { name: 'rare 1' }).waitFor();
    const [often, rare] = [await colorOf('often'), await colorOf('rare')];
    expect(often).not.toBe(rare);
    await page.goto(`/w/${slug}/events?source=y`);
    await page.getByRole('button', { name: 'rare 1' }).waitFor();
    expect(await colorOf('rare')).toBe(rare);
  });

  test('is found where it was when it was called Live', async () => {
    const slug = await recorded({ type: 'a', source: 'x' }, { type: 'b', source: 'y' });
    const page = await kit.open(`/w/${slug}/live?source=y`);
    await expect
      .poll(() => page.locator('.event-list .type').allInnerTexts(), PATIENCE)
      .toEqual(['b']);
    const { pathname, search } = new URL(page.url());
    expect(pathname + search).toBe(`/w/${slug}/events?source=y`);
  });

  test('has emoji of its own for machines without', async () => {
    const page = await kit.open('/');
    const loaded = await page.evaluate<string[]>(
      `document.fonts.load('16px "Noto Emoji"', '🔥').then(faces => faces.map(face => face.status))`,
    );
    expect(new Set(loaded)).toEqual(new Set(['loaded']));
    expect(await page.evaluate('getComputedStyle(document.body).fontFamily')).toMatch(
      /"Noto Emoji"$/,
    );
    expectNoFaults(page);
  });
});

/** Kinds of filters whose values are chosen from a list. */
const CHOSEN = ['Success', 'Source API'];

function scrollTo(page: Page, top: string): Promise<unknown> {
  return page.evaluate(`{
    const list = document.querySelector('.event-list');
    list.scrollTop = ${top};
  }`);
}

/** Of the dots in rows and in the legend of the chart. */
function colorsBeside(page: Page, type: string): Promise<string[]> {
  return page.evaluate<string[]>(
    `[...document.querySelectorAll('.legend-entry, .event-row .type')]
      .filter(entry => entry.innerText.trim().split(/\\s/)[0] === '${type}')
      .map(entry => getComputedStyle(entry.querySelector('.dot')).backgroundColor)`,
  );
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, at) => at + 1);
}

/** Noon in Vienna, or an hour beside it, so many days ago. */
function noonOf(daysAgo: number): number {
  return new Date(Date.now() - daysAgo * DAY_MS).setUTCHours(11, 0, 0, 0);
}

/** As the page calls it. */
function dayName(page: Page, ms: number): Promise<string> {
  return page.evaluate<string>(
    `new Date(${ms}).toLocaleDateString(undefined, {
      weekday: 'long', day: 'numeric', month: 'short', year: 'numeric',
    })`,
  );
}

function expectSummaries(page: Page, summaries: readonly string[]): Promise<void> {
  const texts = async () =>
    (await page.locator('.event-list .summary').allInnerTexts()).map(text =>
      text.replace(/^failed/, '').trim(),
    );
  return expect.poll(texts, PATIENCE).toEqual(summaries);
}

async function exported(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('dialog').getByRole('button', { name, exact: true }).click(),
  ]);
  await page.keyboard.press('Escape');
  return readFile(await file.path(), 'utf8');
}
