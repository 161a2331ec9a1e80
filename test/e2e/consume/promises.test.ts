/** At least once, settled once; and nothing is lost by a consumer that is away. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verify } from '../../../src/db/verify.ts';
import { purgeParked } from '../../../src/upkeep/upkeep-purge.ts';
import { firstError, newBench, positions, someEvents, startBench, type Bench } from './kit.ts';

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
const WAIT = { wait: 'PT20S' };

describe('a delivery that is not settled', () => {
  test('is delivered again once its lease runs out, to whoever waits', async () => {
    await bench.record(someEvents(3));
    await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
    const [lost, ...others] = await bench.pull('c');
    await bench.acknowledge('c', others);
    const again = await bench.pull('c', WAIT);
    expect(again.map(({ event, attempt }) => [event.position, attempt])).toEqual([[1, 2]]);
    // Who was late has nothing to settle any more.
    expect(await bench.acknowledge('c', [lost!])).toEqual({ count: 0, expired: [lost!.token] });
    expect(await bench.acknowledge('c', again)).toMatchObject({ count: 1 });
    expect(await bench.state('c')).toMatchObject({ settledPosition: 3 });
  });

  test('is settled by its worker also after the lease, while nobody else has it', async () => {
    await bench.record(someEvents(1));
    await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
    const leased = await bench.pull('c');
    await expect
      .poll(() => bench.state('c'), { timeout: 10_000 })
      .toMatchObject({ retryingCount: 1 });
    expect(await bench.acknowledge('c', leased)).toEqual({ count: 1, expired: [] });
    expect(await bench.pull('c')).toEqual([]);
  });

  test('stays with a worker that extends it', async () => {
    await bench.record(someEvents(1));
    await bench.create('c', { ...BEGINNING, leaseDuration: 'PT1S' });
    const [leased] = await bench.pull('c');
    expect(await bench.extend('c', [leased!], { leaseDuration: 'PT1H' })).toEqual({
      count: 1,
      expired: [],
    });
    expect(await bench.pull('c', { wait: 'PT2S' })).toEqual([]);
    expect(await bench.acknowledge('c', [leased!])).toMatchObject({ count: 1 });
  });

  test('is parked after all its attempts, with the reason, and holds up nothing', async () => {
    await bench.record(someEvents(2));
    await bench.create('c', { ...BEGINNING, maxAttempts: 2 });
    const [first, second] = await bench.pull('c');
    await bench.acknowledge('c', [second!]);
    await bench.release('c', [first!], { delay: 'PT0S', reason: 'not yet' });
    const again = await bench.pull('c', WAIT);
    expect(again.map(({ attempt }) => attempt)).toEqual([2]);
    await bench.release('c', again, { reason: 'never' });
    expect(await bench.pull('c')).toEqual([]);
    expect(await bench.state('c')).toMatchObject({
      settledPosition: 2,
      parkedCount: 1,
      retryingCount: 0,
    });
    expect(await parked('c')).toMatchObject([
      { attempts: 2, reason: 'never', event: { position: 1 } },
    ]);
  });

  test('is parked by the gateway where every lease ran out', async () => {
    await bench.record(someEvents(1));
    await bench.create('c', { ...BEGINNING, maxAttempts: 1, leaseDuration: 'PT1S' });
    await bench.pull('c');
    expect(await bench.pull('c', { wait: 'PT2S' })).toEqual([]);
    expect(await parked('c')).toMatchObject([{ attempts: 1, reason: 'The lease ran out.' }]);
  });

  test('waits for as long as it was released', async () => {
    await bench.record(someEvents(2));
    await bench.create('c', BEGINNING);
    const [one, two] = await bench.pull('c');
    await bench.release('c', [one!], { delay: 'PT1H' });
    await bench.release('c', [two!], { delay: 'PT0.3S' });
    expect(positions(await bench.pull('c', WAIT))).toEqual([2]);
    expect(await bench.state('c')).toMatchObject({
      settledPosition: 0,
      retryingCount: 1,
      inFlightCount: 1,
    });
  });
});

describe('what is parked', () => {
  beforeEach(async () => {
    await bench.record(someEvents(4));
    await bench.create('c', BEGINNING);
    const all = await bench.pull('c');
    await bench.release('c', all.slice(0, 3), { park: true });
    await bench.acknowledge('c', all.slice(3));
  });

  test('is delivered again, one or all, with all attempts before it', async () => {
    expect(await bench.state('c')).toMatchObject({ settledPosition: 4, parkedCount: 3 });
    const [, second] = await parked('c');
    const one = await bench.change(
      'redeliverParked',
      'c',
      { ids: [second!.id] },
      'redeliveredCount',
    );
    expect(one).toEqual({ redeliveredCount: 1 });
    // It is not settled any more, so the place is before it.
    expect(await bench.state('c')).toMatchObject({ settledPosition: 1, parkedCount: 2 });
    const again = await bench.pull('c');
    expect(again.map(({ event, attempt }) => [event.position, attempt])).toEqual([[2, 1]]);
    await bench.acknowledge('c', again);
    const all = await bench.change('redeliverParked', 'c', {}, 'redeliveredCount');
    expect(all).toEqual({ redeliveredCount: 2 });
    expect(positions(await bench.pull('c'))).toEqual([1, 3]);
  });

  test('is discarded, and its event stays in the log', async () => {
    const [first] = await parked('c');
    const one = await bench.change('discardParked', 'c', { ids: [first!.id] }, 'discardedCount');
    expect(one).toEqual({ discardedCount: 1 });
    expect(await bench.change('discardParked', 'c', {}, 'discardedCount')).toEqual({
      discardedCount: 2,
    });
    expect(await bench.state('c')).toMatchObject({ settledPosition: 4, parkedCount: 0 });
    const { events } = await bench.gateway.data<{ events: { nodes: unknown[] } }>(
      '{ events { nodes { id } } }',
      {},
      bench.key,
    );
    expect(events.nodes).toHaveLength(4);
  });

  test('is paged, and found by its id', async () => {
    const { consumer } = await bench.gateway.data<{
      consumer: { parkedDeliveries: { edges: { cursor: string }[] } };
    }>(
      '{ consumer(name: "c") { parkedDeliveries(first: 1) { edges { cursor } } } }',
      {},
      bench.key,
    );
    const after = consumer.parkedDeliveries.edges[0]!.cursor;
    const rest = await bench.gateway.data<{
      consumer: { parkedDeliveries: { nodes: { id: string }[]; pageInfo: object } };
    }>(
      `query($after: String) { consumer(name: "c") { parkedDeliveries(after: $after) {
        nodes { id event { position } } pageInfo { hasNextPage hasPreviousPage } } } }`,
      { after },
      bench.key,
    );
    expect(rest.consumer.parkedDeliveries).toMatchObject({
      nodes: [{ event: { position: 2 } }, { event: { position: 3 } }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
    const { node } = await bench.gateway.data<{ node: unknown }>(
      'query($id: ID!) { node(id: $id) { ... on ParkedDelivery { event { position } } } }',
      { id: rest.consumer.parkedDeliveries.nodes[0]!.id },
      bench.key,
    );
    expect(node).toEqual({ event: { position: 2 } });
  });
});

test('what is parked goes with its event when retention takes that', async () => {
  await bench.record(someEvents(3));
  await bench.create('c', BEGINNING);
  await bench.release('c', await bench.pull('c'), { park: true });
  await takeAway(2);
  expect(await parked('c')).toMatchObject([{ event: { position: 3 } }]);
  expect(await purgeParked(bench.gateway.db.upkeep)).toBe(2);
  expect(await bench.state('c')).toMatchObject({ parkedCount: 1, gonePosition: null });
  const { violations } = await verify(bench.gateway.db.upkeep);
  // What was taken away above was not counted, as retention would have waited for.
  expect(violations.filter(({ rule }) => rule === 'consumers keep their place')).toEqual([]);
});

describe('a consumer that is away', () => {
  test('goes on where it stood, whatever was recorded meanwhile', async () => {
    await bench.record(someEvents(3));
    await bench.create('c', BEGINNING);
    const [one, two, three] = await bench.pull('c');
    const paused = await bench.change('pauseConsumer', 'c', { reason: 'moving house' });
    expect(paused).toMatchObject({ consumer: { status: 'PAUSED', pausedReason: 'moving house' } });
    await bench.record(someEvents(2_500));
    expect(await bench.pull('c', { wait: 'PT0.2S' })).toEqual([]);
    // What workers have, they can settle.
    await bench.acknowledge('c', [one!, three!]);
    await bench.release('c', [two!], { delay: 'PT0S' });
    expect(await bench.change('resumeConsumer', 'c')).toMatchObject({
      consumer: { status: 'ACTIVE', pausedReason: null },
    });
    const seen: number[] = [];
    for (let some = await bench.pull('c', { first: 1_000 }); some.length > 0;) {
      seen.push(...positions(some));
      await bench.acknowledge('c', some);
      some = await bench.pull('c', { first: 1_000 });
    }
    expect(seen).toEqual([2, ...Array.from({ length: 2_500 }, (_, at) => at + 4)]);
    expect(await bench.state('c')).toMatchObject({ settledPosition: 2_503, lagEvents: 0 });
  });

  test('wakes a worker that waits when it is resumed', async () => {
    await bench.record(someEvents(1));
    await bench.create('c', BEGINNING);
    await bench.change('pauseConsumer', 'c');
    const waiting = bench.pull('c', WAIT);
    await bench.change('resumeConsumer', 'c');
    expect(positions(await waiting)).toEqual([1]);
  });

  test('says so where retention has passed it, and skips nothing in silence', async () => {
    await bench.record(someEvents(10));
    await bench.create('c', BEGINNING);
    await bench.acknowledge('c', await bench.pull('c', { first: 2 }));
    await takeAway(5);
    expect(await bench.state('c')).toMatchObject({ settledPosition: 2, gonePosition: 3 });
    const refused = await bench.tryPull('c');
    expect(firstError(refused)).toBe('CURSOR_EXPIRED');
    expect(refused.errors?.[0]?.message).toContain('from position 3 to 5');
    const after = refused.errors?.[0]?.extensions['oldestCursor'];
    const moved = await bench.change('seekConsumer', 'c', { to: { after } });
    expect(moved).toMatchObject({ consumer: { settledPosition: 5, gonePosition: null } });
    expect(positions(await bench.pull('c'))).toEqual([6, 7, 8, 9, 10]);
  });

  test('says which retry retention has taken, and delivers the others', async () => {
    await bench.record(someEvents(4));
    await bench.create('c', BEGINNING);
    await bench.release('c', await bench.pull('c'), { delay: 'PT0S' });
    await takeAway(2);
    expect(positions(await bench.pull('c', WAIT))).toEqual([3, 4]);
    expect(await bench.state('c')).toMatchObject({ gonePosition: 1 });
  });
});

describe('what happens to events', () => {
  test('a redacted event is delivered as pages show it', async () => {
    await bench.record(someEvents(1, { subject: 'somebody' }));
    await bench.create('c', BEGINNING);
    await bench.release('c', await bench.pull('c'), { delay: 'PT0S' });
    await bench.gateway.data(
      'mutation { redactEvents(input: { subject: "somebody" }) { redactedCount } }',
      {},
      bench.key,
    );
    const [again] = await bench.pull('c', WAIT);
    expect(again!.event).toMatchObject({ position: 1, subject: null, payload: {} });
  });

  test('an expired event is not delivered, nor again, and nothing waits for it', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    await bench.record([...someEvents(1, { expiresAt }), ...someEvents(1)]);
    await bench.create('c', BEGINNING);
    const [first, second] = await bench.pull('c');
    await bench.release('c', [first!], { delay: 'PT2S' });
    await bench.acknowledge('c', [second!]);
    expect(await bench.pull('c', { wait: 'PT3S' })).toEqual([]);
    expect(await bench.state('c')).toMatchObject({ settledPosition: 2, gonePosition: null });
    await bench.create('later', BEGINNING);
    expect(positions(await bench.pull('later'))).toEqual([2]);
  });
});

async function parked(name: string) {
  const { consumer } = await bench.gateway.data<{
    consumer: {
      parkedDeliveries: {
        nodes: { id: string; attempts: number; reason: string; event: { position: number } }[];
      };
    };
  }>(
    `query($name: String!) { consumer(name: $name) { parkedDeliveries {
      nodes { id attempts reason event { position } } } } }`,
    { name },
    bench.key,
  );
  return consumer.parkedDeliveries.nodes;
}

/** As retention does, of which the time can't be awaited. */
async function takeAway(upTo: number): Promise<void> {
  const { db } = bench.gateway;
  const own = 'workspace_id = (select id from workspaces where slug = $1)';
  await db.upkeep.query(
    `with gone as (delete from events where ${own} and position <= $2 returning 1)
     update workspace_marks set tail = $2 + 1 where ${own}`,
    [bench.slug, upTo],
  );
}
