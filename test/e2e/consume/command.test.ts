/** `sluice consume`, as a script uses it. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sluice, startSluice } from '../cli/run.ts';
import { newBench, someEvents, startBench, type Bench } from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
let folder: string;
let environment: Record<string, string>;
beforeAll(async () => {
  world = await startBench();
  folder = mkdtempSync(join(tmpdir(), 'sluice-consume-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bench = await newBench(world.gateway);
  environment = { SLUICE_URL: bench.gateway.url, SLUICE_KEY: bench.key };
  await bench.record(someEvents(5));
  await bench.create('c', { from: { start: 'BEGINNING' } });
});

test('runs the command for each event, and acknowledges where it exits with 0', async () => {
  const { code, out, err } = await sluice(
    ['consume', 'c', '--take', '5', '--', 'cat'],
    environment,
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const lines = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { position: number });
  expect(lines.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
  expect(lines[0]).toMatchObject({ type: 'made', payload: { n: 1 }, attempt: 1 });
  expect(await bench.state('c')).toMatchObject({ settledPosition: 5, inFlightCount: 0 });
});

test('gives back what the command refuses, and says so', async () => {
  const script = 'read line; case "$line" in *\\"attempt\\":1*) exit 7;; esac; echo "$line"';
  const { code, out, err } = await sluice(
    ['consume', 'c', '--batch', '5', '--take', '5', '--', 'sh', '-c', script],
    environment,
  );
  expect(code).toBe(0);
  expect(err).toBe('sluice: #1 #2 #3 #4 #5: Exit code 7.\n');
  expect(JSON.parse(out)).toMatchObject({ position: 1, attempt: 2 });
});

test('ends in order when it is told to: what runs is finished and acknowledged', async () => {
  const started = join(folder, 'started');
  const script = `touch ${started}; sleep 1; cat > ${join(folder, 'done')}`;
  const { process: child } = startSluice(['consume', 'c', '--', 'sh', '-c', script], environment);
  await expect.poll(() => readFileSync(started, 'utf8'), { timeout: 20_000 }).toBe('');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(readFileSync(join(folder, 'done'), 'utf8')).toContain('"position":1');
  expect(await bench.state('c')).toMatchObject({ settledPosition: 1, inFlightCount: 0 });
});

test('a command or a consumer that is not there is told, with its exit code', async () => {
  const none = await sluice(['consume', 'c', '--', './no-such-command'], environment);
  expect(none).toMatchObject({ code: 2 });
  expect(none.err).toContain('cannot be run');
  const nobody = await sluice(['consume', 'nobody', '--', 'cat'], environment);
  expect(nobody).toMatchObject({ code: 1 });
  expect(nobody.err).toContain('There is no consumer "nobody"');
});
