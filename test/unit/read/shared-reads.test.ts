import { expect, test } from 'vitest';
import { deferred, type Deferred } from '../../../src/core/isomorphic.ts';
import { createSharedReads } from '../../../src/read/shared-reads.ts';

/** Each question is answered by hand, with the number of the asking. */
function bench() {
  const asked: Deferred<number>[] = [];
  const share = createSharedReads<number>();
  const ask = (key = 'a') =>
    share(key, () => {
      const made = deferred<number>();
      asked.push(made);
      return made.promise;
    });
  const turn = () => new Promise(resolve => setImmediate(resolve));
  return { ask, asked, turn };
}

test('who comes alone asks at once, each time anew', async () => {
  const { ask, asked } = bench();
  const first = ask();
  asked[0]?.resolve(0);
  expect(await first).toBe(0);
  const second = ask();
  asked[1]?.resolve(1);
  expect(await second).toBe(1);
});

test('those who come while one is answered are answered together, by a question that is asked after them', async () => {
  const { ask, asked, turn } = bench();
  const first = ask();
  const waiting = [ask(), ask(), ask()];
  const other = ask('b');
  expect(asked).toHaveLength(2);
  asked[0]?.resolve(0);
  asked[1]?.resolve(1);
  expect([await first, await other]).toEqual([0, 1]);
  await turn();
  expect(asked).toHaveLength(3);
  const late = ask();
  asked[2]?.resolve(2);
  expect(await Promise.all(waiting)).toEqual([2, 2, 2]);
  await turn();
  asked[3]?.resolve(3);
  expect(await late).toBe(3);
});

test('a failure is that of those who asked together, and the next are asked for again', async () => {
  const { ask, asked, turn } = bench();
  const first = ask();
  const waiting = ask();
  asked[0]?.reject(new Error('failed'));
  await expect(first).rejects.toThrow('failed');
  await turn();
  asked[1]?.resolve(1);
  expect(await waiting).toBe(1);
});

test('nobody waits for long behind one that takes its time', async () => {
  const { ask, asked } = bench();
  void ask();
  const waiting = ask();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.resolve(1);
  expect(await waiting).toBe(1);
});
