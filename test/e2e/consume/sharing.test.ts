/** Several workers share a consumer without coordination, also through several gateways. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import {
  firstError,
  newBench,
  positions,
  someEvents,
  startBench,
  subscribe,
  type Bench,
  type Delivery,
} from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let second: TestGateway;
let bench: Bench;
let elsewhere: Bench;
beforeAll(async () => {
  world = await startBench();
  second = await startTestGateway({ databaseUrl: world.gateway.databaseUrl });
});
afterAll(async () => {
  await second[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bench = await newBench(world.gateway);
  elsewhere = bench.on(second);
});

const BEGINNING = { from: { start: 'BEGINNING' } };
const WAIT = { wait: 'PT20S' };

test('each event goes to one of the workers of two gateways', async () => {
  await bench.record(someEvents(2_000));
  await bench.create('c', BEGINNING);
  const seen: number[] = [];
  async function work(place: Bench) {
    for (;;) {
      const some = await place.pull('c', { first: 37 });
      if (some.length === 0) return;
      seen.push(...positions(some));
      expect(await place.acknowledge('c', some)).toMatchObject({ count: some.length });
    }
  }
  await Promise.all([bench, elsewhere, bench, elsewhere, bench, elsewhere].map(work));
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, at) => at + 1));
  expect(await bench.state('c')).toMatchObject({ settledPosition: 2_000, inFlightCount: 0 });
});

test('a worker with its gateway is killed, and another one gets what it had', async () => {
  await bench.record(someEvents(5));
  await bench.create('c', { ...BEGINNING, leaseDuration: 'PT2S' });
  const child = await startChildGateway(world.gateway.databaseUrl);
  const pulled = await child.graphql<{ pullEvents: { deliveries: Delivery[] } }>(
    `mutation { pullEvents(input: { workspace: "${bench.slug}", consumer: "c" }) {
      deliveries { token event { position } } } }`,
  );
  expect(pulled.data!.pullEvents.deliveries).toHaveLength(5);
  child.process.kill('SIGKILL');
  await child[Symbol.asyncDispose]();
  const again = await bench.pull('c', WAIT);
  expect(again.map(({ event, attempt }) => [event.position, attempt])).toEqual([
    ...[1, 2, 3, 4, 5].map(position => [position, 2]),
  ]);
});

describe('a worker that waits', () => {
  beforeEach(() => bench.create('c', { filter: { types: ['wanted'] } }));

  test('is answered with the first event that matches, wherever it is recorded', async () => {
    for (const [waiter, recorder] of [
      [bench, bench],
      [bench, elsewhere],
    ] as const) {
      const waiting = waiter.pull('c', WAIT);
      await recorder.record([...someEvents(3), ...someEvents(1, { type: 'wanted' })]);
      const some = await waiting;
      expect(some.map(({ event }) => event.type)).toEqual(['wanted']);
      await bench.acknowledge('c', some);
    }
  });

  test('gets what a worker of another gateway gives back', async () => {
    await bench.record(someEvents(1, { type: 'wanted' }));
    const some = await elsewhere.pull('c');
    const waiting = bench.pull('c', WAIT);
    await elsewhere.release('c', some, { delay: 'PT0S' });
    expect(await waiting).toMatchObject([{ attempt: 2 }]);
  });

  test('goes on where another gateway seeks to', async () => {
    await bench.record(someEvents(1, { type: 'wanted' }));
    await bench.acknowledge('c', await bench.pull('c'));
    const waiting = bench.pull('c', WAIT);
    await elsewhere.change('seekConsumer', 'c', { to: { start: 'BEGINNING' } });
    expect(positions(await waiting)).toEqual([1]);
  });

  test('is answered with nothing when its time is over', async () => {
    expect(await bench.pull('c', { wait: 'PT0.1S' })).toEqual([]);
  });

  test('that has left is given nothing', async () => {
    const leaving = new AbortController();
    const gone = fetch(`${world.gateway.url}/graphql`, {
      method: 'POST',
      signal: leaving.signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bench.key}` },
      body: JSON.stringify({
        query:
          'mutation { pullEvents(input: { consumer: "c", wait: "PT20S" }) { deliveries { token } } }',
      }),
    }).catch(() => 'left');
    await expect
      .poll(async () => (await world.gateway.data<Status>(STATUS)).status.streams.open)
      .toBe(1);
    leaving.abort();
    expect(await gone).toBe('left');
    await bench.record(someEvents(1, { type: 'wanted' }));
    expect(await bench.pull('c', WAIT)).toMatchObject([{ attempt: 1 }]);
  });

  test('learns that the consumer was deleted', async () => {
    const waiting = bench.tryPull('c', WAIT);
    await bench.change('deleteConsumer', 'c', {}, 'deletedName');
    expect(firstError(await waiting)).toBe('NOT_FOUND');
  });
});

type Status = { status: { streams: { open: number } } };
const STATUS = '{ status { streams { open } } }';

describe('the subscription', () => {
  test('hands out what is due, at most `window` unsettled at a time', async () => {
    await bench.record(someEvents(3));
    await bench.create('c', BEGINNING);
    await using stream = subscribe(bench, 'c', 2);
    const first = (await stream.next()) as Delivery;
    const second = (await stream.next()) as Delivery;
    expect(positions([first, second])).toEqual([1, 2]);
    expect(await bench.state('c')).toMatchObject({ inFlightCount: 2 });
    const third = stream.next();
    await elsewhere.acknowledge('c', [first]);
    expect(((await third) as Delivery).event.position).toBe(3);
    await bench.acknowledge('c', [second, (await third) as Delivery]);
    const fourth = stream.next();
    await elsewhere.record(someEvents(1));
    expect(((await fourth) as Delivery).event.position).toBe(4);
  });

  test('ends with its connection, and what it had is delivered again', async () => {
    await bench.record(someEvents(5));
    await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
    const stream = subscribe(bench, 'c');
    await stream.next();
    await stream[Symbol.asyncDispose]();
    const again = await bench.pull('c', WAIT);
    expect(again[0]).toMatchObject({ event: { position: 1 }, attempt: 2 });
  });

  test('names the error that refuses it', async () => {
    await using stream = subscribe(bench, 'nobody');
    await expect(stream.next()).rejects.toThrow('NOT_FOUND');
  });
});

test('a rare filter over many events costs many short statements, and moves on meanwhile', async () => {
  await bench.record(someEvents(30_000));
  await bench.record(someEvents(1, { type: 'rare' }));
  await bench.create('c', { ...BEGINNING, filter: { payload: [{ path: ['x'], exists: true }] } });
  await bench.create('rare', { ...BEGINNING, filter: { types: ['rare'] } });
  expect(positions(await bench.pull('rare', WAIT))).toEqual([30_001]);
  // Nothing matches, but its place moves.
  await expect
    .poll(async () => {
      await bench.pull('c');
      return (await bench.state('c')).settledPosition;
    })
    .toBe(30_001);
});
