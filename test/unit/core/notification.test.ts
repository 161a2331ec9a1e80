import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tell, together, type News } from '../../../src/core/notification.ts';
import {
  countWithin,
  judgeEvents,
  judgeTime,
  stepMsOf,
  type Crossing,
} from '../../../src/core/threshold.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const news = (position: number, count = 1): News => ({
  ...{ kind: 'EVENTS', position, recordedAt: at(position), count },
});

describe('what is told', () => {
  const NEVER = { pending: null, lastNotifiedAt: null };

  test('is each of the news where there is no quiet time', () => {
    const told = tell(NEVER, [news(1), news(2)], { quietMs: 0, now: at(9) });
    expect(told).toEqual({
      ...{ told: [news(1), news(2)], pending: null, lastNotifiedAt: at(9), flushAt: null },
    });
  });

  test('is nothing within the quiet time, and then all of it at once', () => {
    const quiet = { quietMs: 60_000, now: at(10) };
    const first = tell(NEVER, [news(1), news(2)], quiet);
    expect(first.told).toEqual([news(2, 2)]);
    const second = tell(first, [news(3)], { ...quiet, now: at(20) });
    expect(second).toEqual({
      ...{ told: [], pending: news(3), lastNotifiedAt: at(10), flushAt: at(70) },
    });
    const third = tell(second, [news(4), news(5)], { ...quiet, now: at(69) });
    expect(third.told).toEqual([]);
    const last = tell(third, [], { ...quiet, now: at(70) });
    expect(last).toEqual({
      ...{ told: [news(5, 3)], pending: null, lastNotifiedAt: at(70), flushAt: null },
    });
    expect(tell(last, [], { ...quiet, now: at(200) }).told).toEqual([]);
  });

  test('counts every event once, whatever comes when, and keeps the quiet time', () => {
    const steps = fc.array(fc.record({ afterS: fc.nat(40), count: fc.nat(3) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.nat(60), (given, quietS) => {
        let state: Parameters<typeof tell>[0] = NEVER;
        let now = 0;
        let position = 0;
        const told: { readonly atS: number; readonly count: number }[] = [];
        for (const { afterS, count } of [...given, { afterS: 100, count: 0 }]) {
          now += afterS;
          const fresh = Array.from({ length: count }, () => news((position += 1)));
          const telling = tell(state, fresh, { quietMs: quietS * 1_000, now: at(now) });
          told.push(...telling.told.map(each => ({ atS: now, count: each.count })));
          state = telling;
        }
        expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(position);
        if (quietS === 0) return;
        for (const [index, { atS }] of told.slice(1).entries()) {
          expect(atS - told[index]!.atS).toBeGreaterThanOrEqual(quietS);
        }
      }),
    );
  });

  test('of a threshold is the newest crossing', () => {
    const crossing: News = { kind: 'AT_LEAST', position: 7, recordedAt: at(7), count: 12 };
    expect(together(news(1, 5), crossing)).toEqual(crossing);
  });
});

describe('a threshold', () => {
  const NONE: Crossing = { counts: [], isCrossed: false };
  const minute = { count: 3, withinMs: 60_000 };
  const upward = { ...minute, comparison: 'AT_LEAST' } as const;
  const downward = { ...minute, comparison: 'FEWER_THAN' } as const;
  const events = (...seconds: number[]) =>
    seconds.map((second, index) => ({ position: index + 1, recordedAt: at(second) }));

  test('is told of once for each crossing', () => {
    const { news: told } = judgeEvents(NONE, upward, events(0, 1, 2, 3, 4, 5, 200, 201, 202, 203));
    expect(told.map(({ position, count }) => [position, count])).toEqual([
      [3, 3],
      [9, 3],
    ]);
  });

  test('is not crossed by events that are further apart', () => {
    expect(judgeEvents(NONE, upward, events(0, 40, 80, 120, 160, 200)).news).toEqual([]);
  });

  test('that stays crossed is not told of again', () => {
    const steady = Array.from({ length: 100 }, (_, index) => index * 15);
    expect(judgeEvents(NONE, upward, events(...steady)).news).toHaveLength(1);
  });

  test('is crossed alike however the events come in batches', () => {
    const seconds = fc.array(fc.nat(30), { maxLength: 60 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 1, max: 7 }), (gaps, size) => {
        let now = 0;
        const all = events(...gaps.map(gap => (now += gap)));
        const whole = judgeEvents(NONE, upward, all).news;
        const parts: News[] = [];
        let state = NONE;
        for (let from = 0; from < all.length; from += size) {
          const judged = judgeEvents(state, upward, all.slice(from, from + size));
          parts.push(...judged.news);
          state = judged;
        }
        expect(parts).toEqual(whole);
      }),
    );
  });

  test('of fewer is told of when time passes, and again after there were enough', () => {
    const since = at(0);
    const enough = judgeEvents(NONE, downward, events(1, 2, 3));
    expect(judgeTime(enough, downward, { at: at(59), since }).news).toEqual([]);
    expect(judgeTime(enough, downward, { at: at(61), since }).news).toEqual([]);
    const fewer = judgeTime(enough, downward, { at: at(70), since });
    expect(fewer.news).toEqual([{ kind: 'FEWER_THAN', position: 0, recordedAt: at(70), count: 0 }]);
    expect(judgeTime(fewer, downward, { at: at(300), since }).news).toEqual([]);
    const again = judgeEvents(fewer, downward, events(301, 302, 303));
    expect(again.isCrossed).toBe(false);
    expect(judgeTime(again, downward, { at: at(310), since }).news).toEqual([]);
    expect(judgeTime(again, downward, { at: at(400), since }).news).toHaveLength(1);
  });

  test('of fewer is told of no sooner than its time after the beginning', () => {
    expect(judgeTime(NONE, downward, { at: at(59), since: at(0) }).news).toEqual([]);
    expect(judgeTime(NONE, downward, { at: at(60), since: at(0) }).news).toHaveLength(1);
  });

  test('keeps no more counts than steps, and counts no event for longer than a step more', () => {
    const week = { count: 1, withinMs: 7 * 86_400_000, comparison: 'AT_LEAST' } as const;
    const { counts } = judgeEvents(
      NONE,
      week,
      events(...Array.from({ length: 300 }, (_, n) => n * 3_600)),
    );
    expect(counts.length).toBeLessThanOrEqual(62);
    const one = judgeEvents(NONE, week, events(0)).counts;
    const stepS = stepMsOf(week) / 1_000;
    expect(countWithin(one, week, at(7 * 86_400))).toBe(1);
    expect(countWithin(one, week, at(7 * 86_400 + 2 * stepS))).toBe(0);
  });
});
