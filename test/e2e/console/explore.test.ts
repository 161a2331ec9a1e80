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

function record(
  { gateway }: Pick<ConsoleKit, 'gateway'>,
  workspace: string,
  events: readonly object[],
): Promise<unknown> {
  return gateway.data(
    `mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }`,
    { input: { workspace, events } },
  );
}

async function recordOrders({ gateway }: ConsoleKit): Promise<string> {
  const { slug } = await gateway.workspace();
  await gateway.data(
    `mutation($workspace: String!) {
      defineEvent(input: {
        workspace: $workspace, name: "order.placed", category: "sales", measures: ["total"]
      }) { definition { id } }
    }`,
    { workspace: slug },
  );
  await record({ gateway }, slug, ORDERS);
  return slug;
}

/** Nobody reads events until it is let go: as if there were so many that counting takes its time. */
async function holdEvents({ gateway }: ConsoleKit): Promise<() => Promise<void>> {
  let letGo = () => {};
  let holding: Promise<void> | undefined;
  await new Promise<void>(held => {
    holding = gateway.db.upkeep.hold(async connection => {
      await connection.query('begin');
      await connection.query('lock table events in access exclusive mode');
      held();
      await new Promise<void>(resolve => (letGo = resolve));
      await connection.query('rollback');
    });
  });
  return async () => {
    letGo();
    await holding;
  };
}

async function waitForReader({ gateway }: ConsoleKit): Promise<void> {
  const waiting = `select count(*)::int as n from pg_locks l
    join pg_stat_activity a using (pid)
    where not l.granted and l.relation = 'events'::regclass and a.query like '%with place as materialized%'`;
  const read = async () => (await gateway.db.probe.query<{ n: number }>(waiting))[0]!.n;
  await expect.poll(read, PATIENCE).toBeGreaterThan(0);
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** What the chart's legend says, once it says as much. */
function expectLegend(page: Page, entries: readonly string[]): Promise<void> {
  const legend = page.locator('.explore-chart li');
  const texts = async () => (await legend.allInnerTexts()).map(plain);
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
    expect(rows[0]?.map(cell => cell.trim())).toEqual(['Whole time', '3', '1', '4']);
    expect(rows.slice(1).map(cells => cells.slice(1).join())).toContain('3,1,4');

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
    await page.getByLabel('Type to show').fill('order.*');
    await page.getByLabel('Type to show').press('Enter');
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
    await unique.getByRole('cell', { name: '2', exact: true }).first().waitFor();
  });

  test('offers to keep a slow count ready, and lists it with its progress until it is deleted', async () => {
    const slug = await recordOrders(kit);
    const letGo = await holdEvents(kit);
    const page = await kit.open(`/w/${slug}/explore?by=actor&every=DAY`);
    await waitForReader(kit);
    await new Promise(resolve => setTimeout(resolve, 1_100));
    await letGo();
    await page.getByText('because the events had to be counted').waitFor();
    await expectAccessible(page, 'explore-slow');
    await page.getByRole('button', { name: 'Keep this count ready' }).click();
    expect(await page.getByLabel('Name').inputValue()).toBe('Events by actor');
    await page.getByRole('button', { name: 'Keep it ready' }).click();
    await page.getByText('It is listed below').waitFor();
    const row = page.getByRole('row', { name: /^Events by actor/ });
    await row.getByText('Ready').waitFor();
    const isReady = async () => {
      await page.getByRole('button', { name: 'Refresh' }).click();
      await expectLegend(page, ['ada 2', 'bob 1', 'No actor 1']);
      const ready = page.getByText(/from a count that is kept ready|at the ends from events/);
      return ready.isVisible();
    };
    await expect.poll(isReady, PATIENCE).toBe(true);
    // As it is while a long history is filled.
    await kit.gateway.db.upkeep.query(
      `update meters set active_at = null, folded = 1, retry_at = '2099-01-01'
       where name = 'Events by actor'`,
    );
    await row.getByText('1 of 4 events').waitFor();
    await expectAccessible(page, 'explore-filling');
    await row.getByRole('button', { name: 'Delete Events by actor' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await row.waitFor({ state: 'detached' });
    expectNoFaults(page);
  });

  test('leads from a number, a group and a bar to exactly its events', async () => {
    const slug = await recordOrders(kit);
    const explored = `/w/${slug}/explore?by=source&span=hour&every=HOUR&type=order.*`;
    const page = await kit.open(explored);
    await expectLegend(page, ['shop 2', 'till 1']);
    const rows = page.locator('.event-list .event-row:not(.head)');
    const expectEvents = async (count: number, filters: readonly string[]) => {
      await page.waitForURL(/\/events\?/);
      await expect.poll(() => rows.count(), PATIENCE).toBe(count);
      const chips = (await page.locator('.chip').allInnerTexts()).map(plain);
      expect(chips).toEqual(filters.map(filter => `Take away ${filter}`));
      await page.goBack();
      await expectLegend(page, ['shop 2', 'till 1']);
    };
    await page
      .getByRole('row', { name: /^Whole time/ })
      .getByRole('link', { name: '2' })
      .click();
    await expectEvents(2, ['Type order.*', 'Source shop']);
    await page.locator('.explore-chart').getByRole('link', { name: 'till' }).click();
    await expectEvents(1, ['Type order.*', 'Source till']);
    await page.locator('tbody tr').nth(1).getByRole('link', { name: '3' }).click();
    await expectEvents(3, ['Type order.*']);

    // The upper third of the only high bar is the smaller group.
    const plot = page.locator('.u-over');
    const { width = 0, height = 0 } = (await plot.boundingBox()) ?? {};
    const isLast = (await page.locator('tbody tr').count()) === 2;
    await plot.click({ position: { x: width * (isLast ? 0.5 : 0.9), y: height * 0.15 } });
    await expectEvents(1, ['Type order.*', 'Source till']);
    expectNoFaults(page);
  });

  test('opens the groups that were counted together, and knows those without a value', async () => {
    const { slug } = await kit.gateway.workspace();
    const events = Array.from({ length: 9 }, (_, n) =>
      Array.from({ length: 20 - n }, () => ({
        type: 'step',
        subject: n === 2 ? null : `part-${n}`,
        payload: { size: n === 8 ? '8' : n, weight: n > 6 ? 10 * n : undefined },
      })),
    ).flat();
    await record(kit, slug, events);
    const page = await kit.open(`/w/${slug}/explore?by=subject`);
    const named = ['part-0 20', 'part-1 19', 'part-3 17', 'part-4 16', 'part-5 15'];
    await expectLegend(page, [...named, '4 others 57']);
    await page.getByRole('button', { name: '4 others' }).click();
    const rest = ['part-6 14', 'part-7 13', 'part-8 12'];
    await expectLegend(page, [...named.slice(0, 2), 'No subject 18', ...named.slice(2), ...rest]);
    await page.locator('.explore-chart').getByRole('link', { name: 'No subject' }).click();
    await page.getByText('18 in this time').waitFor();

    // A number and a text of the same spelling are one group, and both are found.
    const byValue = await kit.open(`/w/${slug}/explore?by=payload&key=size`);
    await byValue.getByRole('button', { name: '3 others' }).waitFor();
    await byValue.getByRole('button', { name: 'Show more groups' }).click();
    await byValue.locator('.explore-chart').getByRole('link', { name: '8', exact: true }).click();
    await byValue.getByText('12 in this time').waitFor();

    // The largest groups lack the measure: they take no place.
    const measured = await kit.open(
      `/w/${slug}/explore?by=subject&measure=p95&property=weight&chart=lines`,
    );
    await expectLegend(measured, ['part-7 70', 'part-8 80']);
    expectNoFaults(measured);
  });

  test('saves a question under a name, at an address that anybody can open', async () => {
    const slug = await recordOrders(kit);
    const page = await kit.open(`/w/${slug}/explore?by=source`);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Where from');
    await expectAccessible(page, 'explore-save');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Where from' }).waitFor();
    const address = page.url();
    await page.getByRole('link', { name: 'Explore' }).click();
    await expectLegend(page, ['order.placed 3', 'user.signup 1']);
    await page.getByRole('link', { name: 'Where from' }).click();
    await expectLegend(page, ['shop 2', '=shop, "new" 1', 'till 1']);
    expect(page.url()).toBe(address);
    await page.getByRole('button', { name: 'Forget Where from' }).click();
    await page.getByRole('navigation', { name: 'Saved questions' }).waitFor({ state: 'detached' });

    const other = await kit.open(new URL(address).pathname + new URL(address).search);
    await other.getByRole('heading', { name: 'Where from' }).waitFor();
    await expectLegend(other, ['shop 2', '=shop, "new" 1', 'till 1']);
  });

  test('shows the chart before what is chosen on a phone', async () => {
    const slug = await recordOrders(kit);
    for (const [width, isChartFirst] of [
      [390, true],
      [1_280, false],
    ] as const) {
      const page = await kit.open(`/w/${slug}/explore`, { width });
      const top = async (selector: string) =>
        (await page.locator(selector).boundingBox())?.y ?? Number.NaN;
      await page.locator('.explore-chart').waitFor();
      expect((await top('.explore-chart')) < (await top('.explore-question'))).toBe(isChartFirst);
    }
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
