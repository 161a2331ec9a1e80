import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstError, positions, someEvents, startBench, type Bench } from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
beforeAll(async () => {
  world = await startBench();
  bench = await world.bench();
  await bench.record(someEvents(10));
});
afterAll(() => world[Symbol.asyncDispose]());

const BEGINNING = { from: { start: 'BEGINNING' } };

describe('a pull', () => {
  test('leases events in the order of positions, to one worker alone', async () => {
    await bench.create('order', BEGINNING);
    const first = await bench.pull('order', { first: 4 });
    const second = await bench.pull('order', { first: 100 });
    expect(positions(first)).toEqual([1, 2, 3, 4]);
    expect(positions(second)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(first.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
    expect(first[0]!.event.payload).toEqual({ n: 1 });
    expect(await bench.pull('order')).toEqual([]);
    expect(await bench.state('order')).toMatchObject({
      ...{ inFlightCount: 10, retryingCount: 0, parkedCount: 0, settledPosition: 0, lagEvents: 10 },
    });
  });

  test('begins with new events by default', async () => {
    await bench.create('new');
    expect(await bench.pull('new')).toEqual([]);
    const { lagEvents } = await bench.state('new');
    expect(lagEvents).toBe(0);
  });
});

describe('an acknowledgement', () => {
  test('settles for good, and moves the place up to what is still open', async () => {
    await bench.create('settled', BEGINNING);
    const all = await bench.pull('settled');
    const open = all.filter(({ event }) => event.position === 4);
    const others = all.filter(({ event }) => event.position !== 4);
    expect(await bench.acknowledge('settled', others)).toEqual({ count: 9, expired: [] });
    expect(await bench.state('settled')).toMatchObject({ settledPosition: 3, inFlightCount: 1 });
    expect(await bench.acknowledge('settled', open)).toEqual({ count: 1, expired: [] });
    expect(await bench.state('settled')).toMatchObject({ settledPosition: 10, inFlightCount: 0 });
    expect(await bench.pull('settled')).toEqual([]);
  });

  test('that is repeated, or forged, names its tokens and changes nothing', async () => {
    await bench.create('repeated', BEGINNING);
    const all = await bench.pull('repeated');
    const some = all.slice(0, 2);
    await bench.acknowledge('repeated', some);
    const tokens = some.map(({ token }) => token);
    expect(await bench.acknowledge('repeated', some)).toEqual({ count: 0, expired: tokens });
    const forged = {
      ...all[5]!,
      token: `${all[5]!.token.slice(0, -1)}${all[5]!.token.endsWith('0') ? '1' : '0'}`,
    };
    expect(await bench.acknowledge('repeated', [forged])).toMatchObject({ count: 0 });
    expect(await bench.acknowledge('repeated', [{ ...forged, token: 'none' }])).toMatchObject({
      count: 0,
    });
    expect(await bench.state('repeated')).toMatchObject({ settledPosition: 2, inFlightCount: 8 });
  });

  test('of another consumer’s delivery settles nothing here', async () => {
    await bench.create('one', BEGINNING);
    await bench.create('other', BEGINNING);
    const [one] = await bench.pull('one');
    await bench.pull('other');
    expect(await bench.acknowledge('other', [one!])).toEqual({ count: 0, expired: [one!.token] });
    expect(await bench.state('other')).toMatchObject({ settledPosition: 0, inFlightCount: 10 });
  });
});

test('there is no such consumer', async () => {
  expect(firstError(await bench.tryPull('nobody'))).toBe('NOT_FOUND');
});
