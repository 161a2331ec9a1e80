/** With an order, at most one delivery of a value is out; without it, a slow event holds up nobody. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newBench, positions, startBench, type Bench } from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
beforeAll(async () => {
  world = await startBench();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newBench(world.gateway);
});

const WAIT = { wait: 'PT20S' };
const ordered = (orderedBy: string, more = {}) => ({
  ...{ from: { start: 'BEGINNING' }, orderedBy },
  ...more,
});

/** One event for each letter, which is its subject; a dash has none. */
const recordSubjects = (letters: string) =>
  bench.record(
    [...letters].map(letter => ({ type: 'made', subject: letter === '-' ? null : letter })),
  );

describe('ordered by subject', () => {
  test('the next of a subject comes once the one before is settled', async () => {
    await recordSubjects('abaabc');
    await bench.create('c', ordered('SUBJECT'));
    const first = await bench.pull('c');
    expect(positions(first)).toEqual([1, 2, 6]);
    expect(await bench.pull('c')).toEqual([]);
    await bench.acknowledge('c', [first[0]!]);
    const second = await bench.pull('c');
    expect(positions(second)).toEqual([3]);
    await bench.acknowledge('c', [first[1]!, ...second]);
    expect(positions(await bench.pull('c'))).toEqual([4, 5]);
  });

  test('a later one waits for the retry of an earlier one, or until that is parked', async () => {
    await recordSubjects('aab');
    await bench.create('c', ordered('SUBJECT'));
    const [a, b] = await bench.pull('c');
    await bench.acknowledge('c', [b!]);
    await bench.release('c', [a!], { delay: 'PT1H' });
    expect(await bench.pull('c')).toEqual([]);
    await bench.change('seekConsumer', 'c', { to: { start: 'BEGINNING' } });
    const [again] = await bench.pull('c');
    expect(again!.event.position).toBe(1);
    await bench.release('c', [again!], { park: true });
    expect(positions(await bench.pull('c'))).toEqual([2]);
  });

  test('one that had all its attempts lets the next one go', async () => {
    await recordSubjects('aa');
    await bench.create('c', ordered('SUBJECT', { maxAttempts: 1, leaseDuration: 'PT1S' }));
    expect(positions(await bench.pull('c'))).toEqual([1]);
    expect(positions(await bench.pull('c', WAIT))).toEqual([2]);
  });

  test('a worker that waits is woken by what another one settles', async () => {
    await recordSubjects('aa');
    await bench.create('c', ordered('SUBJECT'));
    const first = await bench.pull('c');
    const waiting = bench.pull('c', WAIT);
    await bench.acknowledge('c', first);
    expect(positions(await waiting)).toEqual([2]);
  });

  test('events without a subject wait for none', async () => {
    await recordSubjects('a--a-');
    await bench.create('c', ordered('SUBJECT'));
    expect(positions(await bench.pull('c'))).toEqual([1, 2, 3, 5]);
  });

  test('an event of a new page of the log waits for one of an old page', async () => {
    await recordSubjects('ab');
    await bench.create('c', ordered('SUBJECT'));
    await bench.pull('c');
    await recordSubjects('ac');
    expect(positions(await bench.pull('c'))).toEqual([4]);
  });
});

test('ordered by workspace, one event is out at a time', async () => {
  await recordSubjects('abc');
  await bench.create('c', ordered('WORKSPACE'));
  for (const position of [1, 2, 3]) {
    const some = await bench.pull('c');
    expect(positions(some)).toEqual([position]);
    expect(await bench.pull('c')).toEqual([]);
    await bench.acknowledge('c', some);
  }
  expect(await bench.state('c')).toMatchObject({ settledPosition: 3 });
});

test('without an order, a slow event holds up nobody', async () => {
  await recordSubjects('aaaa');
  await bench.create('c', { from: { start: 'BEGINNING' } });
  await bench.pull('c', { first: 1 });
  expect(positions(await bench.pull('c'))).toEqual([2, 3, 4]);
});

test('many workers, with failures, see each subject in order', async () => {
  const subjects = 'abcdefgh';
  await recordSubjects(subjects.repeat(30));
  await bench.create('c', ordered('SUBJECT', { maxAttempts: 100 }));
  const seen: { position: number; subject: string }[] = [];
  const out = new Set<string>();
  async function work() {
    for (;;) {
      const some = await bench.pull('c', { first: 5, wait: 'PT1S' });
      if (some.length === 0) return;
      for (const { event } of some) {
        expect(out.has(event.subject!), `two of ${event.subject} are out`).toBe(false);
        out.add(event.subject!);
      }
      const failing = some.filter(() => Math.random() < 0.2);
      const done = some.filter(delivery => !failing.includes(delivery));
      for (const { event } of done) seen.push({ ...event, subject: event.subject! });
      for (const { event } of some) out.delete(event.subject!);
      if (failing.length > 0) await bench.release('c', failing, { delay: 'PT0S' });
      if (done.length > 0) await bench.acknowledge('c', done);
    }
  }
  await Promise.all([work(), work(), work(), work()]);
  expect(seen).toHaveLength(240);
  for (const subject of subjects) {
    const own = seen.filter(each => each.subject === subject).map(({ position }) => position);
    expect(own).toEqual([...own].sort((a, b) => a - b));
  }
});
