/** The verification of proofs as browsers run it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as client from '../../../src/client/index.ts';
import { INCLUSION_PROOF_FIELDS, type InclusionProof } from '../../../src/client/index.ts';
import { browserPath } from '../../kit/browser-path.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const executablePath = browserPath();

// A machine without Chromium has no browser to try it in.
test.skipIf(executablePath === null)(
  'a browser verifies a proof, and refuses a forged one',
  async () => {
    const proof = await aProof();
    const built = (await build({
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        lib: { entry: 'src/client/index.ts', formats: ['iife'], name: 'sluice' },
      },
    })) as Rollup.RollupOutput[];
    const code = built[0]!.output[0].code;
    // WebCrypto is there for pages of this machine, and of https.
    const server = createServer((_, res) => res.end('<!doctype html>')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.addScriptTag({ content: code });
      const verified = await page.evaluate(async given => {
        const { verifyProof } = (globalThis as unknown as { sluice: typeof client }).sluice;
        const { verifierKey } = given.checkpoint;
        const event = await verifyProof(given, { verifierKey });
        const forged = { ...given, content: given.content!.replace('pro', 'max') };
        const refused = await verifyProof(forged, { verifierKey }).catch((error: Error) => error);
        return { event, refused: (refused as Error).message };
      }, proof);
      expect(verified.event).toMatchObject({
        eventId: 'one',
        content: { payload: { plan: 'pro' } },
      });
      expect(verified.refused).toBe('Not proven: the content is not the one that was recorded.');
    } finally {
      await browser.close();
      server.close();
    }
  },
);

async function aProof(): Promise<InclusionProof> {
  const { slug, key } = await gateway.workspace();
  await gateway.data(
    `mutation ($slug: String!) {
      updateWorkspace(input: { slug: $slug, evidence: true }) { workspace { slug } }
      recordEvent(input: { workspace: $slug, event: {
        id: "one", type: "user.signup", payload: { plan: "pro" } } }) { receipt { status } } }`,
    { slug },
  );
  let proof: InclusionProof | null = null;
  const look = async () => {
    const { event } = await gateway.data<{ event: { inclusionProof: InclusionProof | null } }>(
      `{ event(eventId: "one") { inclusionProof { ${INCLUSION_PROOF_FIELDS} } } }`,
      {},
      key,
    );
    return (proof = event.inclusionProof);
  };
  await expect.poll(look, { timeout: 60_000 }).not.toBeNull();
  return proof as unknown as InclusionProof;
}
