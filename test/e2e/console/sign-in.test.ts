import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway } from '../../kit/gateway.ts';
import { describeConsole, expectAccessible, expectNoFaults } from './kit/console.ts';

describeConsole('signing in', kit => {
  test('says why a key is refused, and accepts a key that may read', async () => {
    const { key: writeOnly } = await makeKey('EVENTS_WRITE');
    const page = await kit.open('/', { key: null });
    const field = page.getByLabel('Key');

    await field.fill('not a key of this gateway'.replaceAll(' ', '-'));
    await page.keyboard.press('Enter');
    await page.getByText('No such key: it is mistyped, was revoked or has expired.').waitFor();
    await expectAccessible(page, 'sign-in');

    await field.fill(writeOnly);
    await page.keyboard.press('Enter');
    await page.getByText('Use one with the scope EVENTS_READ, EVENTS_CONSUME or ADMIN').waitFor();

    const { key: workerOfAll } = await makeKey('EVENTS_CONSUME', null);
    await field.fill(workerOfAll);
    await page.keyboard.press('Enter');
    await page.getByText('This key covers all workspaces, and may not list them.').waitFor();

    await field.fill(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/w/default/events');
    expectNoFaults(page);
  });

  test('shows the page of consumers, and no other, to the key of a worker', async () => {
    const { key } = await makeKey('EVENTS_CONSUME');
    const page = await kit.open('/', { key: null });
    await page.getByLabel('Key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByText('No consumers yet').waitFor();
    expect(new URL(page.url()).pathname).toBe('/w/default/consumers');
    await page.getByText(/a key needs EVENTS_READ\. This one has EVENTS_CONSUME/).waitFor();
    const pages = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
    expect(await pages.allInnerTexts()).toEqual(['Consumers']);
    expect(await page.getByRole('alert').count()).toBe(0);

    await page.goto('/w/default/events');
    await page.getByText('This key may not read events').waitFor();
    await page.getByRole('link', { name: 'Go to Consumers' }).click();
    await page.getByText('No consumers yet').waitFor();
    expectNoFaults(page);
  });

  test('outlasts a reload, and ends with the key', async () => {
    const { key, id } = await makeKey('EVENTS_READ');
    const page = await kit.open('/', { key });
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();

    await kit.gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      { id },
    );
    // Its stream ends within the seconds for which a gateway caches keys.
    await page.getByText('Sign in with another one.').waitFor();
    expect(await page.evaluate("sessionStorage.getItem('sluice.key')")).toBeNull();
  });

  test('holds in every tab until the last one closes, and says so', async () => {
    const page = await kit.open('/', { key: null });
    await page.getByText('session storage until you close the last tab').waitFor();
    await page.getByLabel('Key').fill(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await page.getByText('Key kept until tabs close').waitFor();
    const other = await page.context().newPage();
    await other.goto('/');
    await other.getByRole('heading', { name: 'Events', exact: true }).waitFor();

    await other.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Key').waitFor();
    await page.getByLabel('Key').fill(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await other.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    await other.close();
    const { context, url } = { context: page.context(), url: page.url() };
    await page.close();
    const later = await context.newPage();
    await later.goto(url);
    await later.getByLabel('Key').waitFor();
    expect(await later.evaluate('JSON.stringify(localStorage)')).not.toContain(ADMIN_KEY);
  });

  test('stays on this device where that is chosen, until somebody signs out', async () => {
    const page = await kit.open('/', { key: null });
    await page.getByLabel('Key').fill(ADMIN_KEY);
    await page.getByLabel('Stay signed in on this device').check();
    await page.getByText('local storage until you sign out').waitFor();
    await expectAccessible(page, 'sign-in-kept');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Key kept on this device').waitFor();
    const context = page.context();
    await page.close();

    const later = await context.newPage();
    await later.goto('/');
    await later.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    const graphiql = later.waitForEvent('popup');
    await later.getByRole('link', { name: 'GraphiQL' }).click();
    await (await graphiql).getByText(ADMIN_KEY).first().waitFor();
    await later.getByRole('button', { name: 'Sign out' }).click();
    await later.getByLabel('Key').waitFor();
    await later.reload();
    await later.getByLabel('Key').waitFor();
    expect(await later.evaluate('JSON.stringify(localStorage)')).not.toContain(ADMIN_KEY);
  });

  test('passes its key on to GraphiQL', async () => {
    const page = await kit.open('/');
    const opened = page.waitForEvent('popup');
    await page.getByRole('link', { name: 'GraphiQL' }).click();
    const graphiql = await opened;
    // Its editor shows a space as a non-breaking one.
    await graphiql.getByText(ADMIN_KEY).first().waitFor();
  });

  test('moves between workspaces and pages by the address bar', async () => {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open('/');
    await page.getByLabel('Workspace').selectOption(slug);
    await page.getByRole('link', { name: 'Status' }).click();
    expect(new URL(page.url()).pathname).toBe(`/w/${slug}/status`);
    await page.goBack();
    await page.goBack();
    expect(await page.getByLabel('Workspace').inputValue()).toBe('default');
    await page.goto('/w/nobody-has-this/events');
    await page.getByText('No such workspace').waitFor();
  });

  test('leads to pages that work where only trusted documents are executed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-trusted-'));
    writeFileSync(join(folder, 'none.json'), '{}');
    await using gateway = await startTestGateway({
      databaseUrl: kit.gateway.databaseUrl,
      config: { trustedDocuments: join(folder, 'none.json') },
    });
    rmSync(folder, { recursive: true });
    const { slug } = await kit.gateway.workspace();
    const record = `mutation($slug: String!) {
      recordEvent(input: { workspace: $slug, event: { type: "door", source: "hall" } }) { receipt { status } }
    }`;
    const { errors } = await gateway.graphql(record, { slug });
    expect(errors?.[0]?.extensions['code']).toBe('DOCUMENT_NOT_TRUSTED');
    await kit.gateway.data(record, { slug });

    const page = await kit.open(`/w/${slug}/events?event=none`, { url: gateway.url });
    await page.locator('.event-list .event-row').first().waitFor();
    await page.getByText('No such event').waitFor();
    const pages = [
      ['explore?by=source', 'hall'],
      ['definitions', '1 type'],
      ['definitions/door', 'Without a schema any payload fits'],
      ['definitions/door?tab=samples', 'that of the newest event'],
      ['definitions?tab=quarantine', 'Nothing was kept aside'],
      ['settings', 'Begins with'],
      ['status', 'Newest position'],
    ];
    for (const [path, text = ''] of pages) {
      await page.goto(`/w/${slug}/${path}`);
      await page.getByText(text).first().waitFor();
      expect(await page.getByRole('alert').count(), path).toBe(0);
    }
    expectNoFaults(page);
    await page.context().close();
  });

  async function makeKey(
    scope: string,
    workspace: string | null = 'default',
  ): Promise<{ key: string; id: string }> {
    const { createApiKey } = await kit.gateway.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(
      `mutation($scope: Scope!, $workspace: String) {
        createApiKey(input: { name: "console test", scopes: [$scope], workspace: $workspace }) {
          secret
          apiKey { id }
        }
      }`,
      { scope, workspace },
    );
    return { key: createApiKey.secret, id: createApiKey.apiKey.id };
  }
});
