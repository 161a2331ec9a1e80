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
    await page.getByRole('button', { name: 'New workspace' }).click();
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Überraschung Zwei');
    await page.getByRole('button', { name: 'Create' }).click();
    await expect
      .poll(() => new URL(page.url()).pathname, PATIENCE)
      .toBe('/w/uberraschung-zwei/settings');
    await page.getByRole('heading', { name: 'Workspace Überraschung Zwei' }).waitFor();
    expectNoFaults(page);
  });

  test('tells a key without ADMIN what is missing', async () => {
    const { key } = await kit.gateway.workspace();
    const page = await kit.open('/', { key });
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('This key may not change settings').waitFor();
  });
});
