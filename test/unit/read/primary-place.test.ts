import { beforeEach, expect, test } from 'vitest';
import type { WalPlace } from '../../../src/db/standby-identity.ts';
import { createPrimaryPlace, type PrimaryPlace } from '../../../src/read/primary-place.ts';

/** The log grows by one with each question, and answers when it is told to. */
let answers: ((isAnswered: boolean) => void)[];
let asked: number;
let nowMs: number;
let place: PrimaryPlace;

beforeEach(() => {
  [answers, asked, nowMs] = [[], 0, 0];
  const ask = () =>
    new Promise<WalPlace>((resolve, reject) => {
      const lsn = ++asked;
      answers.push(isAnswered => {
        if (isAnswered) resolve({ lsn, timeline: 1 });
        else reject(new Error('the primary is away'));
      });
    });
  place = createPrimaryPlace(ask, () => nowMs);
});

const answer = async (isAnswered = true) => {
  answers.shift()?.(isAnswered);
  await new Promise(resolve => setImmediate(resolve));
};

test('a place holds for a second, for all workspaces', async () => {
  const first = place.of(1, false);
  await answer();
  expect((await first).lsn).toBe(1);
  nowMs = 999;
  expect((await place.of(2, false)).lsn).toBe(1);
  nowMs = 1_000;
  const next = place.of(2, false);
  await answer();
  expect((await next).lsn).toBe(2);
});

test('what was noted is asked for anew, once, and only for its workspace', async () => {
  const first = place.of(1, false);
  await answer();
  await first;
  place.note([7]);
  expect((await place.of(1, false)).lsn).toBe(1);
  const noted = place.of(7, false);
  await answer();
  expect((await noted).lsn).toBe(2);
  expect((await place.of(7, false)).lsn).toBe(2);
  place.note('ALL');
  const all = place.of(1, false);
  await answer();
  expect((await all).lsn).toBe(3);
});

test('a note of a question that is on its way is not included in its answer', async () => {
  const early = place.of(7, false);
  place.note([7]);
  const [one, two, unconcerned] = [place.of(7, false), place.of(7, false), place.of(8, false)];
  await answer();
  expect((await early).lsn).toBe(1);
  expect((await unconcerned).lsn).toBe(1);
  await answer();
  // Those who came meanwhile share the next.
  expect([(await one).lsn, (await two).lsn]).toEqual([2, 2]);
  expect(asked).toBe(2);
});

test('whoever needs a place of now never gets one that was asked for before', async () => {
  const first = place.of(1, true);
  const second = place.of(1, true);
  await answer();
  expect((await first).lsn).toBe(1);
  await answer();
  expect((await second).lsn).toBe(2);
});

test('a place that is not told is asked for anew', async () => {
  const failed = expect(place.of(1, false)).rejects.toThrow('away');
  await answer(false);
  await failed;
  const next = place.of(1, false);
  await answer();
  expect((await next).lsn).toBe(2);
});

test('however many workspaces are noted, none is forgotten', async () => {
  const first = place.of(1, false);
  await answer();
  await first;
  for (let id = 1; id <= 10_001; id++) place.note([id]);
  const next = place.of(1, false);
  await answer();
  expect((await next).lsn).toBe(2);
});
