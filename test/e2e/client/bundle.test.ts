import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { expect, test } from 'vitest';
import type { createClient } from '../../../src/client/index.ts';
import { startTestGateway } from '../../kit/gateway.ts';

async function bundle(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      lib: { entry: 'src/client/index.ts', formats: ['iife'], name: 'sluice' },
    },
  })) as Rollup.RollupOutput[];
  const [chunk, ...others] = built[0]!.output;
  expect(others).toEqual([]);
  return chunk.code;
}

/** What browsers and edge runtimes have in common, and nothing of Node. */
function webGlobals() {
  const { fetch, crypto, URL, TextEncoder, TextDecoder, AbortController, AbortSignal } = globalThis;
  const web = { fetch, crypto, URL, TextEncoder, TextDecoder, AbortController, AbortSignal };
  return { ...web, setTimeout, clearTimeout, queueMicrotask };
}

test('the client is small, imports nothing, and needs only what every web runtime has', async () => {
  const code = await bundle();
  expect(code).not.toMatch(/\brequire\(|\bimport\s*[({"'`]|["'`]node:|\bBuffer\b|\bprocess\b/);
  expect(gzipSync(code).length).toBeLessThan(8_500);
  await using gateway = await startTestGateway();
  const { key } = await gateway.workspace();
  // A page, as far as the client looks at one.
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const listeners = new EventTarget();
  const sent: RequestInit[] = [];
  const web = {
    ...webGlobals(),
    fetch: (url: string, init: RequestInit) => {
      sent.push(init);
      return fetch(url, init);
    },
    document: page,
    addEventListener: listeners.addEventListener.bind(listeners),
    removeEventListener: listeners.removeEventListener.bind(listeners),
  };
  const context = createContext(web);
  const { createClient: create } = runInContext(`${code}; sluice`, context) as {
    createClient: typeof createClient;
  };
  const client = create({ url: gateway.url, key });
  const { cursor } = await client.record({ type: 'opened' });
  const stream = client.subscribe({ after: cursor as string })[Symbol.asyncIterator]();
  const first = stream.next();
  // Left while events wait: sent once more so that it outlives the page, and stored once.
  const closing = [client.record({ type: 'closed' }), client.record({ type: 'closed' })];
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  expect(sent.some(({ keepalive }) => keepalive)).toBe(true);
  const positions = (await Promise.all(closing)).map(({ position }) => position);
  expect(positions).toEqual([2, 3]);
  expect((await first).value).toBeDefined();
  await stream.return?.();
  await client.flush();
  const { workspace } = await client.query<{ workspace: { headPosition: number } }>(
    '{ workspace { headPosition } }',
  );
  expect(workspace.headPosition).toBe(3);
  await client.close();
});
