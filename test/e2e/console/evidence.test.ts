import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { verifyProof, type InclusionProof } from '../../../src/client/index.ts';
import { describeConsole, expectAccessible, expectNoFaults, PATIENCE } from './kit/console.ts';

describeConsole('evidence in the console', kit => {
  test('says of an event that it is proven, gives its proof, and tells of one that was changed', async () => {
    const { slug } = await kit.gateway.workspace();
    await kit.gateway.data(
      `mutation($workspace: String!) {
        updateWorkspace(input: { slug: $workspace, evidence: true }) { workspace { id } }
        recordEvent(input: {
          workspace: $workspace, event: { id: "one", type: "a", payload: { n: 1 } }
        }) { receipt { status } }
      }`,
      { workspace: slug },
    );
    const status = await kit.open(`/w/${slug}/status`);
    const newest = status.locator('.figure', { hasText: 'Newest checkpoint' }).locator('.value');
    await expect.poll(() => newest.innerText(), PATIENCE).toBe('1');
    expectNoFaults(status);

    const page = await kit.open(`/w/${slug}/events?event=one`);
    await page.getByText('Proven in checkpoint 1.').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Proof' }).click(),
    ]);
    const proof = JSON.parse(await readFile(await download.path(), 'utf8')) as InclusionProof;
    const { verifierKey } = proof.checkpoint;
    expect(await verifyProof(proof, { verifierKey })).toMatchObject({
      eventId: 'one',
      position: 1,
    });
    await expectAccessible(page, 'evidence');

    await kit.gateway.db.upkeep.query(`update events set actor = 'eve' where event_id = 'one'`);
    await page.reload();
    await page.getByText('Not proven: the content is not the one that was recorded.').waitFor();
    expectNoFaults(page);
  });
});
