import { expect, test } from 'vitest';
import { LIVE_LIMITS, type LiveLimits } from '../../../src/live/limits.ts';
import { Ring, type RingMemory, weigh } from '../../../src/live/ring.ts';
import { aStoredEvent, BEGINNING, upTo } from './kit.ts';

const events = (last: number, first = 1) => upTo(last, first).map(p => aStoredEvent(p));

function aRing(limits: Partial<LiveLimits> = {}, memory: RingMemory = aMemory()): Ring {
  const ring = new Ring({ ...LIVE_LIMITS, ...limits }, memory);
  ring.startAt(BEGINNING);
  return ring;
}

function aMemory(): RingMemory {
  return { bytes: 0, rings: new Set() };
}

test('a ring takes only what continues it, and each event once', () => {
  const ring = aRing();
  expect(ring.append(events(5, 2))).toEqual([]);
  expect(ring.append(events(3))).toHaveLength(3);
  expect(ring.append(events(5, 2)).map(e => e.position)).toEqual([4, 5]);
  expect(ring.append([...events(7, 6), ...events(9, 9)]).map(e => e.position)).toEqual([6, 7]);
  expect(ring.end?.position).toBe(7);
  expect(upTo(6, 0).map(p => ring.after(p)?.place.position)).toEqual(upTo(7));
  expect(ring.after(7)).toBeUndefined();
});

test('a ring takes nothing before it is known where it begins', () => {
  const ring = new Ring(LIVE_LIMITS, aMemory());
  expect(ring.append(events(3))).toEqual([]);
  expect(ring.covers(0)).toBe(false);
});

test('a ring is bounded in events and says from where it is complete', () => {
  const ring = aRing({ ringEventsMax: 100 });
  for (let from = 1; from <= 5_000; from += 50) ring.append(events(from + 49, from));
  expect(ring.size).toBe(100);
  expect(ring.base?.position).toBe(4_900);
  expect([ring.covers(4_899), ring.covers(4_900)]).toEqual([false, true]);
  expect(ring.after(4_900)?.place.position).toBe(4_901);
});

test('a ring is bounded in bytes, whatever the events weigh, but keeps the newest', () => {
  const heavy = aStoredEvent(1, { payload: 'x'.repeat(10_000) });
  const memory = aMemory();
  const ring = aRing({ ringBytesMax: weigh(heavy) * 2 }, memory);
  for (const position of upTo(10)) ring.append([{ ...heavy, position }]);
  expect(ring.size).toBe(2);
  expect(memory.bytes).toBe(weigh(heavy) * 2);
  ring.append([{ ...heavy, position: 11, payload: 'x'.repeat(100_000) }]);
  expect(ring.after(10)?.place.position).toBe(11);
});

test('all rings together are bounded, and the one idle for longest gives way', () => {
  const memory = aMemory();
  const bytes = weigh(aStoredEvent(1));
  const limits = { ringsBytesMax: bytes * 10 };
  const [idle, busy] = [aRing(limits, memory), aRing(limits, memory)];
  idle.append(events(6));
  busy.append(events(8));
  expect([idle.size, busy.size]).toEqual([2, 8]);
  busy.append(events(30, 9));
  expect([idle.size, busy.size]).toEqual([0, 10]);
  expect(idle.covers(5)).toBe(false);
  expect(idle.covers(6)).toBe(true);
  busy.drop();
  expect(memory).toEqual({ bytes: 0, rings: new Set() });
});
