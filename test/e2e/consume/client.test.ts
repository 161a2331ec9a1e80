/** `client.consume`, as an application uses it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createClient, ParkError, SluiceError } from '../../../src/client/index.ts';
import { newBench, someEvents, startBench, type Bench } from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
beforeAll(async () => {
  world = await startBench();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newBench(world.gateway);
});

const BEGINNING = { from: { start: 'BEGINNING' } };
const newClient = () => createClient({ url: bench.gateway.url, key: bench.key });

test('each event is handled, and acknowledged once its handler is done', async () => {
  await bench.record(someEvents(20));
  await bench.create('c', BEGINNING);
  const stop = new AbortController();
  const seen: number[] = [];
  let atOnce = 0;
  let most = 0;
  await newClient().consume(
    'c',
    async ({ event, attempt }) => {
      most = Math.max(most, ++atOnce);
      await new Promise(resolve => setTimeout(resolve, 5));
      atOnce -= 1;
      expect(attempt).toBe(1);
      seen.push(event.position);
      if (seen.length === 20) stop.abort();
    },
    { parallel: 4, signal: stop.signal },
  );
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(4);
  expect(await bench.state('c')).toMatchObject({ settledPosition: 20, inFlightCount: 0 });
});

test('a handler that throws gets its event again, and a ParkError parks it', async () => {
  await bench.record(someEvents(2));
  await bench.create('c', BEGINNING);
  const stop = new AbortController();
  const failures: unknown[] = [];
  const attempts: number[] = [];
  await newClient().consume(
    'c',
    ({ event, attempt }) => {
      if (event.position === 2) throw new ParkError('of no use');
      attempts.push(attempt);
      if (attempt === 1) throw new Error('try again');
      stop.abort();
    },
    { signal: stop.signal, onFailed: error => failures.push((error as Error).message) },
  );
  expect(attempts).toEqual([1, 2]);
  expect(failures.sort()).toEqual(['of no use', 'try again']);
  expect(await bench.state('c')).toMatchObject({ parkedCount: 1, settledPosition: 2 });
});

test('a lease is kept while its handler is at work, however long that takes', async () => {
  await bench.record(someEvents(1));
  await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
  const stop = new AbortController();
  let calls = 0;
  await newClient().consume(
    'c',
    async ({ signal }) => {
      calls += 1;
      expect(await bench.pull('c', { wait: 'PT3S' })).toEqual([]);
      expect(signal.aborted).toBe(false);
      stop.abort();
    },
    { signal: stop.signal },
  );
  expect(calls).toBe(1);
  expect(await bench.state('c')).toMatchObject({ settledPosition: 1 });
});

test('a worker whose delivery was taken from it is told', async () => {
  await bench.record(someEvents(1));
  await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
  const stop = new AbortController();
  await newClient().consume(
    'c',
    async ({ signal }) => {
      await bench.change('seekConsumer', 'c', { to: { start: 'NOW' } });
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      stop.abort();
    },
    { signal: stop.signal },
  );
});

test('batches are acknowledged together', async () => {
  await bench.record(someEvents(25));
  await bench.create('c', BEGINNING);
  const stop = new AbortController();
  const sizes: number[] = [];
  await newClient().consumeBatches(
    'c',
    events => {
      sizes.push(events.length);
      if (sizes.reduce((sum, size) => sum + size, 0) === 25) stop.abort();
    },
    { batch: 10, signal: stop.signal },
  );
  expect(sizes).toEqual([10, 10, 5]);
  expect(await bench.state('c')).toMatchObject({ settledPosition: 25 });
});

test('a worker that waits is stopped at once, and one without a consumer says so', async () => {
  await bench.create('c');
  const stop = new AbortController();
  const working = newClient().consume('c', () => {}, { signal: stop.signal });
  stop.abort();
  await working;
  const error = await newClient()
    .consume('nobody', () => {})
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SluiceError);
  expect((error as SluiceError).code).toBe('NOT_FOUND');
});

test('the example in the docs does what it says', async () => {
  await bench.record([
    { id: 'signup-1', type: 'user.signup', payload: { plan: 'pro' } },
    { id: 'signup-0', type: 'user.signup' },
    { id: 'signup-2', type: 'user.signup', payload: { plan: 'free' } },
  ]);
  await bench.create('mailer', BEGINNING);
  const page = readFileSync('docs/consumers.md', 'utf8');
  const example = /```ts\n([^]*?)```/
    .exec(page)![1]!
    .replace('@sluice-events/sluice/client', resolve('src/client/index.ts'))
    .replace('http://127.0.0.1:4000', bench.gateway.url);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-consume-'));
  const file = join(folder, 'example.mts');
  writeFileSync(file, example);
  const { stdout } = await promisify(execFile)(
    'node',
    ['--import', import.meta.resolve('tsx'), file],
    {
      env: { ...process.env, SLUICE_KEY: bench.key },
    },
  );
  rmSync(folder, { recursive: true, force: true });
  expect(stdout.split('\n').sort()).toEqual([
    '',
    'mail for signup-1, attempt 1',
    'mail for signup-2, attempt 1',
  ]);
  expect(await bench.state('mailer')).toMatchObject({ settledPosition: 3, parkedCount: 1 });
});
