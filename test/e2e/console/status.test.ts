import { expect, test } from 'vitest';
import { VERSION } from '../../../src/config/version.ts';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

describeConsole('the status page', kit => {
  test('tells how the workspace, the disk and the gateway do', async () => {
    const { slug } = await kit.gateway.workspace();
    const page = await kit.open(`/w/${slug}/status`);
    await page.getByText('All is well').waitFor();
    const figure = (title: string) =>
      page.locator('.figure', { hasText: title }).locator('.value').innerText();
    await expect.poll(() => figure('Newest position'), PATIENCE).toBe('0');
    expect(await figure('Version')).toBe(VERSION);
    expect(await figure('Used')).toMatch(/^\d.* MB$/);

    await kit.gateway.data(
      `mutation($workspace: String!) {
        recordEvent(input: {
          workspace: $workspace, event: { type: "a", occurredAt: "2020-01-01T00:00:00Z" }
        }) { receipt { status } }
        defineEvent(input: {
          workspace: $workspace, name: "b", validation: QUARANTINE, payloadSchema: { required: ["n"] }
        }) { definition { id } }
        kept: recordEvent(input: { workspace: $workspace, event: { type: "b" } }) { receipt { status } }
        refused: recordEvent(input: { workspace: $workspace, event: { type: "" } }) { receipt { status } }
      }`,
      { workspace: slug },
    );
    await expect.poll(() => figure('Newest position'), PATIENCE).toBe('1');
    // An old event counts when it was recorded.
    await expect.poll(() => figure('Last hour'), PATIENCE).toBe('1');
    await expect.poll(() => figure('Not yet in the counts'), PATIENCE).toBe('0');
    await expect.poll(() => figure('In quarantine'), PATIENCE).toBe('1');
    await expect.poll(() => figure('Events with problems'), PATIENCE).toBe('1');
    await page
      .getByRole('figure', { name: 'recorded in each minute of the last hour, at most 1' })
      .waitFor();
    await expectAccessible(page, 'status');
    expectNoFaults(page);
  });

  test('shows a key of one workspace what is its own', async () => {
    const { key, slug } = await kit.gateway.workspace();
    const page = await kit.open('/', { key });
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByText('Events kept').waitFor();
    await page.getByText('shown to a key with the scope ADMIN').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/w/${slug}/status`);
    expect(await page.getByText('Used').count()).toBe(0);
    expectNoFaults(page);
  });
});
