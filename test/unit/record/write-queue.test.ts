import { expect, test } from 'vitest';
import { Crowd } from '../../../src/core/fairness.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { Submission, type ResolvedEvent } from '../../../src/record/submission.ts';
import { WriteQueue } from '../../../src/record/write-queue.ts';

let made = 0;

function submission(workspaceId: number, count: number, payload = '{}'): Submission {
  const events = Array.from({ length: count }, () => {
    made += 1;
    return { key: `key-${made}`, payload } as ResolvedEvent;
  });
  return new Submission({ workspaceId, events, atomic: false, actor: null, arrivedMs: 0 });
}

const taken = (room: WriteQueue) => room.take().map(portion => portion.submission);

test('few events wait for the flush of their workspace that runs, and go together after it', () => {
  const room = new WriteQueue();
  const [first, second, third] = [submission(1, 1), submission(1, 1), submission(1, 200)];
  room.enter(first);
  expect(taken(room)).toEqual([first]);
  room.enter(second);
  room.enter(third);
  expect(taken(room)).toEqual([]);
  room.leave(first);
  expect(taken(room)).toEqual([second, third]);
});

test('many events, and those of other workspaces, do not wait', () => {
  const room = new WriteQueue();
  const [first, other, many] = [submission(1, 1), submission(2, 1), submission(1, 250)];
  room.enter(first);
  expect(taken(room)).toEqual([first]);
  room.enter(other);
  expect(taken(room)).toEqual([other]);
  room.enter(many);
  expect(taken(room)).toEqual([many]);
});

test('callers that come back together are parted, until each half is read while the other commits', () => {
  const room = new WriteQueue();
  const callersOf = (submissions: Submission[]) => submissions.map(() => submission(1, 1));
  const enter = (submissions: Submission[]) => submissions.forEach(each => room.enter(each));
  const leave = (submissions: Submission[]) => submissions.forEach(each => room.leave(each));

  const lone = submission(1, 1);
  room.enter(lone);
  let inFlight = taken(room);
  enter(Array.from({ length: 15 }, () => submission(1, 1)));
  const sizes: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    leave(inFlight);
    const answered = inFlight;
    inFlight = taken(room);
    sizes.push(inFlight.length);
    enter(callersOf(answered));
  }
  expect(sizes).toEqual([8, 8, 8, 8, 8, 8]);
});

test('a request is not parted for that, and a few events are not', () => {
  const room = new WriteQueue();
  const [many, one] = [submission(1, 200), submission(1, 1)];
  room.enter(many);
  room.enter(one);
  expect(taken(room)).toEqual([many]);
  const other = new WriteQueue();
  const few = Array.from({ length: 4 }, () => submission(1, 1));
  few.forEach(each => other.enter(each));
  expect(taken(other)).toEqual(few);
});

test('is never all taken by one workspace: another finds some', () => {
  const limits = { ...LIMITS, waitingEventsMax: 1_000, waitingBytesMax: 10_000 };
  const room = new WriteQueue(limits);
  const enterAll = (workspaceId: number, count: number) => {
    for (let entered = 0; ; entered++) {
      try {
        room.enter(submission(workspaceId, count));
      } catch (error) {
        expect(error).toMatchObject({ code: 'OVERLOADED' });
        return entered;
      }
    }
  };
  const busy = enterAll(1, 10);
  expect(busy).toBeGreaterThan(0);
  const quiet = submission(2, 10);
  room.enter(quiet);
  expect(room.depth).toBe(busy * 10 + 10);
  // Its turn is not behind all that waits.
  expect(taken(room)).toContain(quiet);
});

test('while several workspaces record, each has one flush at a time and a third of it', () => {
  let nowMs = 0;
  const room = new WriteQueue(LIMITS, new Crowd(() => nowMs));
  const busy = Array.from({ length: 10 }, () => submission(1, 300));
  for (const each of busy) room.enter(each);
  const sizeOf = (portions: ReturnType<typeof room.take>) =>
    portions.reduce((sum, { events }) => sum + events.length, 0);
  expect(sizeOf(room.take())).toBe(1_000);
  room.enter(submission(2, 1));
  // The other writer is there for it.
  expect(sizeOf(room.take())).toBe(1);
  expect(sizeOf(room.take())).toBe(0);
  nowMs = 1_000;
  expect(sizeOf(room.take())).toBe(1_000);
});

test('while several workspaces record, little does not wait for the flush of much', () => {
  const room = new WriteQueue(LIMITS, new Crowd(() => 0));
  const [much, more] = [submission(1, 300), submission(2, 200)];
  const [little, less] = [submission(3, 2), submission(4, 1)];
  for (const each of [much, little, more, less]) room.enter(each);
  expect(taken(room)).toEqual([much, more]);
  expect(taken(room)).toEqual([little, less]);
  expect(taken(room)).toEqual([]);
});

test('few large events are as much as many small ones', () => {
  const room = new WriteQueue(LIMITS, new Crowd(() => 0));
  const large = submission(1, 1, 'a'.repeat(100_000));
  const little = submission(2, 1);
  for (const each of [large, little]) room.enter(each);
  expect(taken(room)).toEqual([large]);
  expect(taken(room)).toEqual([little]);
});

test('the flushes of one workspace that records much beside others are short', () => {
  const room = new WriteQueue(LIMITS, new Crowd(() => 0));
  room.enter(submission(1, 1));
  room.enter(submission(2, 2_000));
  const sizes = () => room.take().map(({ events }) => events.length);
  expect(sizes()).toEqual([1]);
  expect(sizes()).toEqual([100]);
  room.enter(submission(3, 2_000));
  room.enter(submission(4, 2_000));
  expect(sizes()).toEqual([334, 334]);
});
