import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  describeConsole,
  expectAccessible,
  expectNoFaults,
  PATIENCE,
  type ConsoleKit,
} from './kit/console.ts';

const ORDERS = [
  { type: 'order.placed', source: 'shop', actor: 'ada', payload: { total: 10 } },
  { type: 'order.placed', source: 'shop', actor: 'ada', payload: { total: 30 } },
  { type: 'order.placed', source: 'till', actor: 'bob', payload: { total: 5 } },
  { type: 'user.signup', source: '=shop, "new"', payload: {} },
];

async function recordOrders({ gateway }: ConsoleKit): Promise<string> {
  const { slug } = await gateway.workspace();
  await gateway.data(
    `mutation($workspace: String!, $events: [EventInput!]!) {
      defineEvent(input: {
        workspace: $workspace, name: "order.placed", category: "sales", measures: ["total"]
      }) { definition { id } }
      recordEvents(input: { workspace: $workspace, events: $events }) { recordedCount }
    }`,
    { workspace: slug, events: ORDERS },
  );
  return slug;
}

/** What the chart's legend says, once it says as much. */
function expectLegend(page: Page, entries: readonly string[]): Promise<void> {
  const legend = page.locator('.explore-chart li');
  const texts = async () => (await legend.allInnerTexts()).map(text => text.replace(/\s+/g, ' '));
  return expect.poll(texts, PATIENCE).toEqual(entries);
}

async function downloaded(page: Page, name: string): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name, exact: true }).click(),
  ]);
  return readFile(await file.path(), 'utf8');
}

describeConsole('the explore page', kit => {
  test('counts by type from rollups at first, as a chart, a table and a query', async () => {
    const slug = await recordOrders(kit);
    const page = await kit.open(`/w/${slug}/explore`);
    await expectLegend(page, ['order.placed 3', 'user.signup 1']);
    await page.getByText('from precomputed counts.').waitFor();
    expect(await page.locator('.explore-chart canvas').count()).toBe(1);
    const rows = (await page.locator('tbody tr').allInnerTexts()).map(text => text.split(/\t/));
    expect(rows.map(cells => cells.slice(1).join())).toContain('3,1,4');

    const query = await page.getByLabel('Query', { exact: true }).innerText();
    const answer = await kit.gateway.data<{
      eventAggregates: { nodes: { count: number }[] };
    }>(query);
    expect(answer.eventAggregates.nodes.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    await expectAccessible(page, 'explore');
    expectNoFaults(page);
  });

  test('keeps what is chosen in the address, and takes it from there', async () => {
    const slug = await recordOrders(kit);
    const page = await kit.open(`/w/${slug}/explore`);
    await page.getByLabel('Group by').selectOption('Source');
    await expectLegend(page, ['shop 2', '=shop, "new" 1', 'till 1']);
    await page.getByText('counted from the events').waitFor();
    await page.getByLabel('Type', { exact: true }).fill('order.*');
    await page.getByLabel('Type', { exact: true }).press('Enter');
    await expectLegend(page, ['shop 2', 'till 1']);
    await page.getByLabel('Measure').selectOption('Total');
    await page.getByText('Of which property?').waitFor();
    await page.getByLabel('Property').fill('total');
    await page.getByLabel('Property').press('Enter');
    await expectLegend(page, ['shop 40', 'till 5']);
    await page.getByLabel('Shown as').selectOption('Lines');
    await page.getByLabel('Timeframe').selectOption('The last hour');
    await expectLegend(page, ['shop 40', 'till 5']);

    const { pathname, search } = new URL(page.url());
    const other = await kit.open(pathname + search);
    await expectLegend(other, ['shop 40', 'till 5']);
    expect(await other.getByLabel('Shown as').inputValue()).toBe('lines');
    expect(await other.getByLabel('Step').inputValue()).toBe('MINUTE');
    await expectAccessible(other, 'explore-lines');
    expectNoFaults(other);
  });

  test('sums a declared measure from rollups, and counts different values', async () => {
    const slug = await recordOrders(kit);
    const sums = await kit.open(
      `/w/${slug}/explore?measure=sum&property=total&type=order.placed&by=category`,
    );
    await expectLegend(sums, ['sales 45']);
    // Until a new measure is summed up everywhere, the events are looked at.
    const isFromRollups = async () => {
      await sums.getByRole('button', { name: 'Refresh' }).click();
      await expectLegend(sums, ['sales 45']);
      return sums.getByText('from precomputed counts.').isVisible();
    };
    await expect.poll(isFromRollups, PATIENCE).toBe(true);
    const unique = await kit.open(`/w/${slug}/explore?measure=unique&by=none&span=hour`);
    await unique.getByRole('heading', { name: 'Different actors' }).waitFor();
    await unique.getByRole('cell', { name: '2', exact: true }).waitFor();
  });

  test('hands out what it shows as CSV and as NDJSON', async () => {
    const slug = await recordOrders(kit);
    const page = await kit.open(`/w/${slug}/explore?by=source`);
    await expectLegend(page, ['shop 2', '=shop, "new" 1', 'till 1']);
    const csv = (await downloaded(page, 'CSV')).split('\r\n');
    expect(csv[0]).toBe('start,end,source,count');
    expect(csv.filter(line => /,shop,2$/.test(line))).toHaveLength(1);
    expect(csv.filter(line => line.endsWith(`,"'=shop, ""new""",1`))).toHaveLength(1);
    const rows = (await downloaded(page, 'NDJSON'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { source: string; count: number });
    expect(rows.filter(({ count }) => count > 0).map(({ source }) => source)).toEqual(
      expect.arrayContaining(['shop', 'till', '=shop, "new"']),
    );
    expectNoFaults(page);
  });

  test('says what to do where there is nothing, or too much', async () => {
    const slug = await recordOrders(kit);
    const empty = await kit.open(`/w/${slug}/explore?span=between`);
    await empty.getByText('Say from when and to when').waitFor();
    await empty.getByLabel('From', { exact: true }).fill('2020-01-01T00:00');
    await empty.getByLabel('To', { exact: true }).fill('2020-01-02T00:00');
    await empty.getByText('Nothing happened in this time').waitFor();
    await empty.getByLabel('To', { exact: true }).fill('2026-01-02T00:00');
    await empty.getByLabel('Step').selectOption('Minute');
    await empty.getByText('Choose a shorter time, longer steps').waitFor();
    expectNoFaults(empty);
  });
});
