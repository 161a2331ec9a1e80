import { expect, test } from 'vitest';
import { cellsOf, nextSize, takeSlice } from '../../../src/core/log-slices.ts';

const weights = [0, 10, 20, 30].map(at => ({ at, events: 100 }));

test('cells lie between the edges, and have all events', () => {
  expect(cellsOf({ from: 5, to: 35 }, [0, 10, 30, 40], weights)).toEqual([
    { to: 10, events: 100 },
    { to: 30, events: 200 },
    { to: 35, events: 100 },
  ]);
  expect(cellsOf({ from: 5, to: 35 }, [], weights)).toEqual([{ to: 35, events: 400 }]);
});

test('a slice has at least one cell, and no more than wanted beside', () => {
  const cells = [500, 0, 100, 100, 0].map((events, at) => ({ to: at, events }));
  expect(takeSlice(cells, 0, 100)).toEqual({ end: 2, events: 500 });
  expect(takeSlice(cells, 2, 150)).toEqual({ end: 3, events: 100 });
  expect(takeSlice(cells, 3, 150)).toEqual({ end: 5, events: 100 });
});

test('slices grow with what was read in their time, and never below the least', () => {
  const limits = { limitMs: 600, sliceMin: 50 };
  expect(nextSize({ events: 100, ms: 50 }, limits)).toBe(200);
  expect(nextSize({ events: 100, ms: 0.1 }, limits)).toBe(1_000);
  expect(nextSize({ events: 100, ms: 10_000 }, limits)).toBe(50);
});
