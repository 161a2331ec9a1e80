import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LogPlace } from '../../../src/core/cursor.ts';
import { createDatabase } from '../../../src/db/client.ts';
import type { Wakeup } from '../../../src/live/wakeup.ts';
import { seeded } from '../../kit/random.ts';
import {
  type LiveTestbed,
  positionsOf,
  type Process,
  READS,
  startLiveTestbed,
  takeUntil,
  upTo,
} from './kit.ts';

let bed: LiveTestbed;
beforeAll(async () => {
  bed = await startLiveTestbed();
});
afterAll(() => bed[Symbol.asyncDispose]());

/** Longer than a test takes. */
const NEVER_MS = 600_000;
const losesAllHints = (wakeup: Wakeup): Wakeup => ({ ...wakeup, announce: () => {} });

/** Commits events until there are as many, in flushes of random size, by several writers at once. */
async function recordConcurrently(
  processes: readonly Process[],
  workspace: number,
  options: { writers: number; total: number; random: () => number },
): Promise<void> {
  let left = options.total;
  const write = async (process: Process) => {
    while (left > 0) {
      const size = Math.min(left, 1 + Math.floor(options.random() * 20));
      left -= size;
      await process.record(workspace, size);
    }
  };
  const writers = upTo(options.writers).map(n => write(processes[n % processes.length]!));
  await Promise.all(writers);
}

test('who joins, leaves and rejoins under 8 writers gets every event once, in order', async () => {
  const random = seeded(4);
  const limits = { ringEventsMax: 64, ringBytesMax: 60_000 };
  const processes = [await bed.process({ limits }), await bed.process({ limits, pollMs: 20 })];
  const workspace = await bed.workspace();
  const total = 4_000;
  const recording = recordConcurrently(processes, workspace, { writers: 8, total, random });
  const restless = async (): Promise<number[]> => {
    const seen: number[] = [];
    let start: LogPlace | 'BEGINNING' = 'BEGINNING';
    while ((seen.at(-1) ?? 0) < total) {
      const process = processes[random() < 0.5 ? 0 : 1]!;
      const stream = process.subscribe(workspace, { start });
      for (let left = 1 + random() * 400; left > 0 && (seen.at(-1) ?? 0) < total; left--) {
        const { value } = await stream.next();
        start = value!.place;
        if (value!.kind === 'EVENT') seen.push(start.position);
        if (random() < 0.01) await new Promise(resolve => setTimeout(resolve, 5));
      }
      await stream.return();
    }
    return seen;
  };
  const all = await Promise.all([restless(), restless(), restless(), recording]);
  for (const seen of all.slice(0, 3)) expect(seen).toEqual(upTo(total));
  expect(processes[0]!.live.stats().catchUps).toBeGreaterThan(3);
});

test('each of two processes sees what the other records, by hints alone', async () => {
  const [one, two] = [await bed.process(), await bed.process()];
  const workspace = await bed.workspace();
  const streams = [one, two].map(process => process.subscribe(workspace));
  await Promise.all(streams.map(stream => stream.ready));
  const recording = recordConcurrently([one, two], workspace, {
    writers: 4,
    total: 1_000,
    random: seeded(1),
  });
  for (const stream of streams) {
    expect(positionsOf(await takeUntil(stream, 1_000))).toEqual(upTo(1_000));
  }
  await recording;
  expect(one.live.stats().offered).toBeGreaterThan(0);
  await Promise.all([one.stop(), two.stop()]);
});

test('each of two processes sees what the other records, though every hint is lost', async () => {
  const deaf = { pollMs: 10, wakeup: losesAllHints };
  const [one, two] = [await bed.process(deaf), await bed.process(deaf)];
  const workspace = await bed.workspace();
  const streams = [one, two].map(process => process.subscribe(workspace));
  await Promise.all(streams.map(stream => stream.ready));
  const random = seeded(2);
  const recording = recordConcurrently([one, two], workspace, { writers: 4, total: 500, random });
  for (const stream of streams) {
    expect(positionsOf(await takeUntil(stream, 500))).toEqual(upTo(500));
  }
  await recording;
  await Promise.all([one.stop(), two.stop()]);
});

test('a flush that nobody announced is found by the poll, in a quiet workspace', async () => {
  const process = await bed.process({ pollMs: 20 });
  const silent = await bed.process({ wakeup: losesAllHints });
  const workspace = await bed.workspace();
  const stream = process.subscribe(workspace);
  await stream.next();
  await silent.record(workspace, 3);
  expect(positionsOf(await takeUntil(stream, 3))).toEqual([1, 2, 3]);
  await Promise.all([process.stop(), silent.stop()]);
});

test('one hint brings a stream to the head, however far that is', async () => {
  const [process, silent] = [await bed.process(), await bed.process({ wakeup: losesAllHints })];
  const workspace = await bed.workspace();
  const stream = process.subscribe(workspace);
  await stream.next();
  for (let flushes = 0; flushes < 4; flushes++) await silent.record(workspace, 700);
  const head = await silent.record(workspace, 1);
  process.live.recorded(new Map([[workspace, head]]));
  expect(positionsOf(await takeUntil(stream, 2_801))).toEqual(upTo(2_801));
  await Promise.all([process.stop(), silent.stop()]);
});

test('a stream that starts learns of a head that no hint told, for itself and the others', async () => {
  const [process, silent] = [await bed.process(), await bed.process({ wakeup: losesAllHints })];
  const workspace = await bed.workspace();
  const first = process.subscribe(workspace);
  await first.next();
  await silent.record(workspace, 5);
  const second = process.subscribe(workspace, { start: 'BEGINNING' });
  for (const stream of [second, first]) {
    expect(positionsOf(await takeUntil(stream, 5))).toEqual(upTo(5));
  }
  expect((await second.next()).value).toMatchObject({ kind: 'CAUGHT_UP', place: { position: 5 } });
  await Promise.all([process.stop(), silent.stop()]);
});

test('a hint of a head that does not exist does no harm', async () => {
  const process = await bed.process();
  const workspace = await bed.workspace();
  const stream = process.subscribe(workspace);
  await stream.next();
  const bogus = { position: 1_000, recordedAt: new Date() };
  process.live.recorded(new Map([[workspace, bogus]]));
  await expect.poll(() => process.live.stats().tailReads).toBeGreaterThan(0);
  await expect.poll(() => process.live.stats().lagEvents).toBe(0);
  await process.record(workspace, 2);
  expect(positionsOf(await takeUntil(stream, 2))).toEqual([1, 2]);
  expect(process.live.stats().tailReads).toBeLessThan(10);
  await process.stop();
});

test('a tail that offers of two writers reach in the wrong order reads what is missing', async () => {
  const process = await bed.process();
  const workspace = await bed.workspace();
  const stream = process.subscribe(workspace);
  await stream.next();
  const silent = await bed.process({ wakeup: losesAllHints });
  const first = await silent.record(workspace, 2);
  const second = await silent.record(workspace, 2);
  const events = await process.log.after(workspace, { ...first, position: 0 }, 10);
  process.live.recorded(new Map([[workspace, second]]), events.slice(2));
  process.live.recorded(new Map(), events.slice(0, 2));
  expect(positionsOf(await takeUntil(stream, 4))).toEqual(upTo(4));
  await Promise.all([process.stop(), silent.stop()]);
});

test('listener, tail and readers whose sessions are ended lose nothing and tell no reader', async () => {
  const process = await bed.process({ limits: { ringEventsMax: 32, retryMinMs: 5 } });
  const writer = await bed.process();
  const workspace = await bed.workspace();
  const streams = [
    process.subscribe(workspace),
    process.subscribe(workspace, { start: 'BEGINNING' }),
  ];
  await Promise.all(streams.map(stream => stream.ready));
  const admin = createDatabase({ url: bed.url, applicationName: 'assassin' });
  let isRecording = true;
  let killed = 0;
  const kills = (async () => {
    while (isRecording) {
      const [row] = await admin.upkeep.query<{ n: number }>(
        `select count(pg_terminate_backend(pid)) as n from pg_stat_activity
         where datname = current_database() and application_name = $1`,
        [READS],
      );
      killed += row!.n;
      await new Promise(resolve => setTimeout(resolve, 60));
    }
  })();
  const random = seeded(3);
  let total = 0;
  while (total < 1_500 || killed <= 10) {
    await recordConcurrently([writer], workspace, { writers: 2, total: 500, random });
    total += 500;
  }
  isRecording = false;
  await kills;
  for (const stream of streams) {
    expect(positionsOf(await takeUntil(stream, total))).toEqual(upTo(total));
  }
  await admin.stop();
  await Promise.all([process.stop(), writer.stop()]);
});

test('while the database refuses, streams wait without an error, then go on', async () => {
  const process = await bed.process({ limits: { retryMinMs: 5, retryMaxMs: 50 } });
  const workspace = await bed.workspace();
  const live = process.subscribe(workspace);
  await live.next();
  const writer = await bed.process();
  const database = new URL(bed.url).pathname.slice(1);
  const elsewhere = new URL(bed.url);
  elsewhere.pathname = '/postgres';
  const admin = createDatabase({ url: elsewhere.href });
  const head = await writer.record(workspace, 300);
  await admin.upkeep.query(`alter database ${database} with allow_connections false`);
  await admin.upkeep.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
    [database],
  );
  const catchingUp = process.subscribe(workspace, { start: 'BEGINNING' });
  const all = Promise.all([live, catchingUp].map(stream => takeUntil(stream, 300)));
  const failures = process.live.stats().failures;
  await expect.poll(() => process.live.stats().failures).toBeGreaterThan(failures + 3);
  const aborted = new AbortController();
  const leaving = process.subscribe(workspace, { start: head, signal: aborted.signal }).next();
  aborted.abort();
  expect((await leaving).done).toBe(true);
  await admin.upkeep.query(`alter database ${database} with allow_connections true`);
  process.live.recorded(new Map([[workspace, head]]));
  for (const taken of await all) expect(positionsOf(taken)).toEqual(upTo(300));
  expect(process.warnings.length).toBeLessThan(10);
  await Promise.all([admin.stop(), process.stop(), writer.stop()]);
});

test('a workspace whose log can not be read keeps no other stream waiting', async () => {
  let broken = 0;
  const process = await bed.process({
    limits: { retryMinMs: NEVER_MS, retryMaxMs: NEVER_MS },
    log: log => ({
      ...log,
      after: (workspaceId, ...rest) =>
        workspaceId === broken
          ? Promise.reject(new RangeError('no door has the number 99'))
          : log.after(workspaceId, ...rest),
    }),
  });
  const silent = await bed.process({ wakeup: losesAllHints });
  const [odd, other] = [await bed.workspace(), await bed.workspace()];
  broken = odd;
  const streams = [odd, other].map(workspace => process.subscribe(workspace));
  for (const stream of streams) await stream.next();
  const tell = async (workspace: number) =>
    process.live.recorded(new Map([[workspace, await silent.record(workspace, 3)]]));
  await tell(odd);
  await expect.poll(() => process.live.stats().failures).toBe(1);
  await tell(odd);
  await tell(other);
  expect(positionsOf(await takeUntil(streams[1]!, 3))).toEqual(upTo(3));
  expect(process.live.stats().failures).toBe(1);
  await Promise.all([process.stop(), silent.stop()]);
});

test('a workspace whose log can be read again is read on', async () => {
  let isBroken = true;
  const process = await bed.process({
    limits: { retryMinMs: 5, retryMaxMs: 20 },
    log: log => ({
      ...log,
      after: (...span) =>
        isBroken ? Promise.reject(new RangeError('no door has the number 99')) : log.after(...span),
    }),
  });
  const silent = await bed.process({ wakeup: losesAllHints });
  const workspace = await bed.workspace();
  const stream = process.subscribe(workspace);
  await stream.next();
  const head = await silent.record(workspace, 3);
  process.live.recorded(new Map([[workspace, head]]));
  await expect.poll(() => process.live.stats().failures).toBeGreaterThan(2);
  isBroken = false;
  expect(positionsOf(await takeUntil(stream, 3))).toEqual(upTo(3));
  await Promise.all([process.stop(), silent.stop()]);
});
