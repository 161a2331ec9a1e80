import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/core/errors.ts';
import { systemClock } from '../../../src/live/clock.ts';
import { createLiveAggregates, type AggregateAnswer } from '../../../src/live/live-aggregates.ts';
import { BEGINNING, startLiveTestbed, type LiveTestbed, type Process } from './kit.ts';

let bed: LiveTestbed;
let gateway: Process;
beforeAll(async () => {
  bed = await startLiveTestbed();
  gateway = await bed.process();
});
afterAll(() => bed[Symbol.asyncDispose]());

const QUERY = { timeframe: { last: 3_600_000 } } as never;
const away = () => new GatewayError('SERVICE_UNAVAILABLE', 'The database does not answer.');

/** A subscription, and what its next step comes to. */
async function subscribe(read: () => Promise<AggregateAnswer>, workspaceId?: number) {
  const liveAggregates = createLiveAggregates({ live: gateway.live, read, clock: systemClock });
  const aborting = new AbortController();
  const { signal } = aborting;
  const updates = liveAggregates({
    ...{ workspaceId: workspaceId ?? (await bed.workspace()), query: QUERY, tag: 'a', signal },
  });
  return { updates, abort: () => aborting.abort() };
}

const DEAD_ENDS: readonly (readonly [string, () => Promise<AggregateAnswer>])[] = [
  ['refuses', async () => Promise.reject(away())],
  ['does not answer', () => new Promise(() => {})],
];

describe.each(DEAD_ENDS)('while the database %s', (_, read) => {
  test('a reader that leaves is let go at once', async () => {
    let reads = 0;
    let isReading = () => {};
    const begun = new Promise<void>(resolve => (isReading = resolve));
    const { updates, abort } = await subscribe(() => {
      reads++;
      isReading();
      return read();
    });
    const next = updates.next();
    await begun;
    abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(gateway.live.stats().subscribers).toBe(0);
    const readsThen = reads;
    // Nobody asks any more: nor does the process. Longer than the pause between two tries.
    await new Promise(resolve => setTimeout(resolve, 700));
    expect(reads).toBeLessThanOrEqual(readsThen + 1);
  });

  test('a reader whose stream is ended is told why', async () => {
    let isReading = () => {};
    const begun = new Promise<void>(resolve => (isReading = resolve));
    const { updates } = await subscribe(() => {
      isReading();
      return read();
    });
    const next = updates.next();
    await begun;
    gateway.live.end(({ tag }) => tag === 'a', new GatewayError('GOING_AWAY', 'Stopping.'));
    await expect(next).rejects.toMatchObject({ code: 'GOING_AWAY' });
  });
});

test('an answer that an outage delayed comes when it is over', async () => {
  let isAway = true;
  const answer = { buckets: [], asOf: BEGINNING };
  const { updates, abort } = await subscribe(async () => {
    if (isAway) throw away();
    return answer;
  });
  const next = updates.next();
  setTimeout(() => (isAway = false), 100);
  expect((await next).value).toMatchObject({ snapshot: true, aggregates: [] });
  abort();
  expect((await updates.next()).done).toBe(true);
});
