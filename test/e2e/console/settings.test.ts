import { expect, test } from 'vitest';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

describeConsole('the settings page', kit => {
  test('makes a key, shows it once, and revokes it', async () => {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open(`/w/${slug}/settings`);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('What it is for').fill('till');
    await expectAccessible(page, 'settings-new-key');
    await page.getByRole('button', { name: 'Create' }).click();
    const secret = await page.locator('.secret').innerText();
    const record = () =>
      kit.gateway.graphql(
        'mutation { recordEvent(input: { event: { type: "a" } }) { receipt { status } } }',
        {},
        secret.trim(),
      );
    expect(await record()).toMatchObject({
      data: { recordEvent: { receipt: { status: 'RECORDED' } } },
    });
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Revoke till' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('row', { name: /till.*revoked/ }).waitFor();
    await expect
      .poll(async () => (await record()).errors?.[0]?.extensions['code'], PATIENCE)
      .toBe('UNAUTHENTICATED');
    await expectAccessible(page, 'settings');
    expectNoFaults(page);
  });

  test('limits what a key records, and shows how much of it is used', async () => {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open(`/w/${slug}/settings`);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('What it is for').fill('till');
    await page.getByLabel('Events a day').fill('4');
    await page.getByRole('button', { name: 'Create' }).click();
    const secret = (await page.locator('.secret').innerText()).trim();
    const record = () =>
      kit.gateway.graphql(
        `mutation { recordEvents(input: { events: [{ type: "a" }, { type: "a" }, { type: "a" }] }) {
          recordedCount } }`,
        {},
        secret,
      );
    expect((await record()).errors).toBeUndefined();
    expect((await record()).errors?.[0]?.extensions['code']).toBe('QUOTA_EXCEEDED');
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row', { name: /^till/ });
    await expect
      .poll(async () => {
        await page.reload();
        return row.innerText();
      }, PATIENCE)
      .toContain('3 of 4 today');
    const bar = row.getByRole('progressbar', { name: 'till today' });
    expect([await bar.getAttribute('value'), await bar.getAttribute('max')]).toEqual(['3', '4']);
    await row.getByText('3 this month').waitFor();
    await expectAccessible(page, 'settings-quota');

    await page.getByRole('button', { name: 'Change the quota of till' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Events a day').fill('');
    await dialog.getByLabel('Events a month').fill('10');
    await expectAccessible(page, 'settings-change-quota');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row.getByText('3 of 10 this month').waitFor();
    await row.getByText('3 today').waitFor();
    expect((await record()).errors).toBeUndefined();
    expectNoFaults(page);
  });

  test('changes a workspace, and says what is wrong with a value', async () => {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open(`/w/${slug}/settings`);
    await page.getByLabel('Name').fill('The shop');
    await page.getByLabel('Days that events are kept').fill('90');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const read = () =>
      kit.gateway.data<{ workspace: unknown }>(
        'query($slug: String!) { workspace(slug: $slug) { name retentionDays } }',
        { slug },
      );
    await expect
      .poll(read, PATIENCE)
      .toEqual({ workspace: { name: 'The shop', retentionDays: 90 } });
    await page.getByLabel('Time zone').fill('Mars/Olympus');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').waitFor();
  });

  test('makes a workspace, and goes there', async () => {
    const page = await kit.open('/w/default/settings');
    await page.getByRole('link', { name: 'Installation' }).click();
    await expectAccessible(page, 'settings-installation');
    await page.getByRole('button', { name: 'New workspace' }).click();
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Überraschung Zwei');
    await page.getByRole('button', { name: 'Create' }).click();
    await expect
      .poll(() => new URL(page.url()).pathname, PATIENCE)
      .toBe('/w/uberraschung-zwei/settings');
    await page.getByRole('heading', { name: 'Workspace Überraschung Zwei' }).waitFor();

    await page.getByRole('button', { name: 'Delete…' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Delete for good' });
    await dialog.getByLabel('Type uberraschung-zwei').fill('default');
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Type uberraschung-zwei').fill('uberraschung-zwei');
    await confirm.click();
    await expect.poll(() => new URL(page.url()).pathname, PATIENCE).toBe('/w/default/events');
    const left = await kit.gateway.data<{ workspace: unknown }>(
      '{ workspace(slug: "uberraschung-zwei") { id } }',
    );
    expect(left).toEqual({ workspace: null });
    expectNoFaults(page);
  });

  test('keeps the keys of one workspace apart from those of the installation', async () => {
    const { slug } = await kit.gateway.workspace();
    await kit.gateway.data(
      `mutation($slug: String!) {
        one: createApiKey(input: {
          name: "till of one", workspace: $slug, scopes: [EVENTS_WRITE]
          expiresAt: "2099-05-04T12:00:00Z"
        }) { apiKey { id } }
        all: createApiKey(input: { name: "scraper", scopes: [METRICS] }) { apiKey { id } }
      }`,
      { slug },
    );
    const page = await kit.open(`/w/${slug}/settings`);
    const row = page.getByRole('row', { name: /^till of one/ });
    await row.waitFor();
    const cells = await row.getByRole('cell').allInnerTexts();
    expect(cells.slice(4, 6)).toEqual(['4 May 2099', 'never']);
    expect(await page.getByText('scraper').count()).toBe(0);
    await page.getByRole('link', { name: 'Installation' }).click();
    await page.getByRole('row', { name: /^scraper/ }).waitFor();
    expect(await page.getByText('till of one').count()).toBe(0);

    const { createApiKey } = await kit.gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) {
        createApiKey(input: { name: "own", workspace: $slug, scopes: [ADMIN] }) { secret }
      }`,
      { slug },
    );
    const own = await kit.open(`/w/${slug}/settings?tab=installation`, {
      key: createApiKey.secret,
    });
    await own.getByRole('row', { name: /^till of one/ }).waitFor();
    expect(await own.getByRole('link', { name: 'Installation' }).count()).toBe(0);
    expect(await own.getByRole('button', { name: 'Delete…' }).count()).toBe(0);
    expectNoFaults(own);
  });

  test('redacts what is of an actor, after it said how many events that are', async () => {
    const { slug } = await kit.gateway.workspace();
    await kit.gateway.data(
      `mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }`,
      {
        input: {
          workspace: slug,
          events: ['ada', 'ada', 'bob'].map(actor => ({ type: 'a', actor, payload: { n: 1 } })),
        },
      },
    );
    const page = await kit.open(`/w/${slug}/settings`);
    await page.getByLabel('Events by').selectOption('Actor');
    await page.getByLabel('Which one').fill('ada');
    await page.getByRole('button', { name: 'Count them…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 events with the actor ada').waitFor();
    await expectAccessible(page, 'settings-redact');
    const payloads = async () => {
      const { events } = await kit.gateway.data<{ events: { nodes: { payload: object }[] } }>(
        'query($slug: String!) { events(workspace: $slug) { nodes { payload } } }',
        { slug },
      );
      return events.nodes.map(({ payload }) => payload);
    };
    expect(await payloads()).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    await dialog.getByRole('button', { name: 'Redact for good' }).click();
    await page.getByText('Redacted 2 events.').waitFor();
    expect(await payloads()).toEqual([{ n: 1 }, {}, {}]);
    expectNoFaults(page);
  });

  test('tells a key without ADMIN what is missing', async () => {
    const { key } = await kit.gateway.workspace();
    const page = await kit.open('/', { key });
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('This key may not change settings').waitFor();
  });
});
