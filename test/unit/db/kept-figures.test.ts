import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepFigures } from '../../../src/db/kept-figures.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('figures are read once a second, and stay as they were while they cannot be read', async () => {
  const errors: unknown[] = [];
  let reads = 0;
  const figures = keepFigures(
    async () => {
      reads += 1;
      if (reads === 2) throw new Error('the database is away');
      return reads;
    },
    0,
    error => errors.push(error),
  );
  expect(await Promise.all([figures(), figures(), figures()])).toEqual([1, 1, 1]);
  vi.advanceTimersByTime(1_001);
  expect(await Promise.all([figures(), figures()])).toEqual([1, 1]);
  expect(errors).toHaveLength(1);
  vi.advanceTimersByTime(1_001);
  expect(await figures()).toBe(3);
});
