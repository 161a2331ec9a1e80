import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AggregateBucket } from '../../src/core/aggregate.ts';
import { systemClock } from '../../src/live/clock.ts';
import {
  createLiveAggregates,
  type AggregateAnswer,
  type LiveAggregates,
} from '../../src/live/live-aggregates.ts';
import { BEGINNING, startLiveTestbed, type LiveTestbed, type Process } from '../unit/live/kit.ts';

let bed: LiveTestbed;
let gateway: Process;
beforeAll(async () => {
  bed = await startLiveTestbed();
  gateway = await bed.process();
});
afterAll(() => bed[Symbol.asyncDispose]());

/** Streams of queries that are all different. */
async function subscriber(read: () => Promise<AggregateAnswer>) {
  const liveAggregates = createLiveAggregates({
    // One workspace alone has room for twenty, three quarters of these.
    ...{ live: gateway.live, read, clock: systemClock, heldBucketsMax: 27 },
  });
  return subscriberOf(await bed.workspace(), liveAggregates);
}

function subscriberOf(workspaceId: number, liveAggregates: LiveAggregates) {
  let queries = 0;
  return () => {
    const query = { timeframe: { last: (queries += 1) * 1_000_000 } } as never;
    const aborting = new AbortController();
    const { signal } = aborting;
    const updates = liveAggregates({ workspaceId, query, tag: 'a', signal });
    return { first: updates.next(), leave: () => updates.return(), abort: () => aborting.abort() };
  };
}

test('however many different queries one workspace watches, two are read at a time', async () => {
  let reading = 0;
  let most = 0;
  const subscribe = await subscriber(async () => {
    most = Math.max(most, (reading += 1));
    await new Promise(resolve => setTimeout(resolve, 5));
    reading -= 1;
    return { buckets: [], asOf: BEGINNING };
  });
  const streams = Array.from({ length: 12 }, subscribe);
  const updates = await Promise.all(streams.map(({ first }) => first));
  expect(updates.map(({ value }) => value?.snapshot)).toEqual(streams.map(() => true));
  expect(most).toBe(2);
  streams.forEach(({ abort }) => abort());
});

test('what all of them hold is bounded: who would bring more is refused, until others leave', async () => {
  const buckets = Array.from({ length: 10 }, (_, at) => ({ id: `${at}` }) as AggregateBucket);
  const subscribe = await subscriber(() => Promise.resolve({ buckets, asOf: BEGINNING }));
  const one = subscribe();
  expect((await one.first).value?.aggregates).toEqual(buckets);
  const other = subscribe();
  expect((await other.first).value?.aggregates).toEqual(buckets);
  await expect(subscribe().first).rejects.toMatchObject({ code: 'TOO_MANY_STREAMS' });
  await one.leave();
  const late = subscribe();
  expect((await late.first).value?.aggregates).toEqual(buckets);
  await Promise.all([other.leave(), late.leave()]);
});

test('a workspace that watches all it may leaves turns and room to another', async () => {
  const buckets = Array.from({ length: 10 }, (_, at) => ({ id: `${at}` }) as AggregateBucket);
  const [busy, quiet] = [await bed.workspace(), await bed.workspace()];
  const reads: number[] = [];
  const liveAggregates = createLiveAggregates({
    ...{ live: gateway.live, clock: systemClock, heldBucketsMax: 40 },
    async read(workspaceId) {
      reads.push(workspaceId);
      await new Promise(resolve => setTimeout(resolve, 50));
      return { buckets, asOf: BEGINNING };
    },
  });
  const subscribe = subscriberOf(busy, liveAggregates);
  const busyOnes = Array.from({ length: 50 }, subscribe);
  await expect.poll(() => reads.length).toBeGreaterThanOrEqual(2);
  const before = reads.length;
  const other = subscriberOf(quiet, liveAggregates)();
  expect((await other.first).value?.aggregates).toEqual(buckets);
  expect(reads.indexOf(quiet)).toBeLessThanOrEqual(before + 2);
  const settled = await Promise.allSettled(busyOnes.map(({ first }) => first));
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  for (const { abort } of [...busyOnes, other]) abort();
});
