import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  BIN_OFFSET,
  DDSketch,
  LOG_GAMMA,
  PERCENTILE_ERROR,
  SMALLEST,
} from '../../../src/core/ddsketch.ts';
import { HyperLogLog, UNIQUE_ERROR } from '../../../src/core/hyperloglog.ts';
import { unzigzag, VarintReader, VarintWriter, zigzag } from '../../../src/core/varint.ts';

/** As SQL makes it of a value. */
function codeOf(value: string | number): number {
  const bits = createHash('sha256').update(String(value)).digest().readBigUInt64BE();
  const rest = bits & ((1n << 39n) - 1n);
  const rank = 40 - (rest === 0n ? 0 : rest.toString(2).length);
  return Number(bits >> 39n) * 64 + rank;
}

function uniques(values: Iterable<string | number>): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(codeOf(value));
  return sketch;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test.each([0, 1, 2, 10, 100, 1_000, 4_000])('%i different values are counted nearly exactly', n => {
  const counted = uniques([...range(0, n), ...range(0, n)]).count();
  expect(Math.abs(counted - n)).toBeLessThanOrEqual(n / 1_000);
});

test.each([5_000, 20_000, 100_000])(
  '%i different values are counted within three standard errors',
  n => {
    const counted = uniques(range(0, n)).count();
    expect(Math.abs(counted - n) / n).toBeLessThan(3 * UNIQUE_ERROR);
  },
);

test('the error of many counts is the standard error, without a bias', () => {
  const errors = range(0, 30).map(turn => {
    const n = 6_000 + turn * 200;
    const sketch = uniques(range(0, n).map(i => `${turn} ${i}`));
    return (sketch.count() - n) / n;
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
  expect(Math.abs(mean)).toBeLessThan(UNIQUE_ERROR / 2);
  expect(deviation).toBeLessThan(1.3 * UNIQUE_ERROR);
});

test('different values count the same however they are split, merged and stored', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3_000 }), {
        maxLength: 6,
      }),
      parts => {
        const whole = uniques(parts.flat());
        const merged = new HyperLogLog();
        for (const part of parts) {
          merged.merge(HyperLogLog.fromBytes(uniques(part).toBytes()));
        }
        expect(merged.toBytes()).toEqual(whole.toBytes());
        expect(merged.count()).toBe(whole.count());
      },
    ),
    { numRuns: 30 },
  );
});

test('a sketch of many values and one of few merge to the same, in either order', () => {
  const many = uniques(range(0, 30_000));
  const few = uniques(range(29_000, 31_000));
  const one = HyperLogLog.fromBytes(many.toBytes());
  one.merge(few);
  const other = HyperLogLog.fromBytes(few.toBytes());
  other.merge(many);
  expect(one.toBytes()).toEqual(other.toBytes());
  expect(one.toBytes().length).toBeLessThan(12_500);
});

function percentileOf(sorted: readonly number[], fraction: number): number {
  const place = fraction * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place % 1);
}

/** The bin of a number, as SQL computes it. */
function binOf(value: number): number {
  if (Math.abs(value) < SMALLEST) return 0;
  return Math.sign(value) * (Math.ceil(Math.log(Math.abs(value)) / LOG_GAMMA) + BIN_OFFSET);
}

function numbers(values: readonly number[]): DDSketch {
  const sketch = new DDSketch();
  for (const value of values) sketch.add(binOf(value), 1);
  return sketch;
}

const FRACTIONS = [0.5, 0.9, 0.95, 0.99];

test('percentiles of positive numbers are within a hundredth of the exact ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 300 }),
      values => {
        const sorted = values.toSorted((a, b) => a - b);
        const sketch = numbers(values);
        for (const fraction of FRACTIONS) {
          const exact = percentileOf(sorted, fraction);
          const error = Math.abs((sketch.percentile(fraction) as number) - exact);
          expect(error).toBeLessThanOrEqual(exact * (PERCENTILE_ERROR + 1e-9));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('percentiles of numbers of either sign are within a hundredth of the numbers around them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(0), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
        minLength: 1,
        maxLength: 200,
      }),
      values => {
        const sorted = values.toSorted((a, b) => a - b);
        const sketch = numbers(values);
        for (const fraction of FRACTIONS) {
          const place = fraction * (sorted.length - 1);
          const around = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!].map(Math.abs);
          const error = Math.abs(sketch.percentile(fraction)! - percentileOf(sorted, fraction));
          // What is next to nothing counts as nothing.
          expect(error).toBeLessThanOrEqual(
            Math.max(...around) * (PERCENTILE_ERROR + 1e-9) + 1e-300,
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('percentiles are the same however the numbers are split, merged and stored', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { maxLength: 50 }), {
        maxLength: 8,
      }),
      parts => {
        const merged = new DDSketch();
        for (const part of parts) merged.merge(DDSketch.fromBytes(numbers(part).toBytes()));
        expect(merged.toBytes()).toEqual(numbers(parts.flat()).toBytes());
      },
    ),
    { numRuns: 100 },
  );
});

test('numbers of every size fit, and the largest stay within their error', () => {
  const values = range(0, 12_000).map(i => 10 ** (-300 + i / 20));
  const sketch = numbers(values);
  expect(sketch.count).toBe(12_000);
  expect(sketch.toBytes().length).toBeLessThan(20_000);
  const exact = percentileOf(values, 0.99);
  expect(Math.abs(sketch.percentile(0.99)! - exact) / exact).toBeLessThanOrEqual(0.0101);
  expect(numbers([Number.MAX_VALUE]).percentile(0.5)).toBeGreaterThan(1.7e308);
  expect(numbers([]).percentile(0.5)).toBeNull();
});

test('whole numbers of either sign are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat()), values => {
      const writer = new VarintWriter();
      for (const value of values) writer.write(value);
      const reader = new VarintReader(writer.bytes());
      expect(values.map(() => reader.read())).toEqual(values);
      expect(reader.isAtEnd).toBe(true);
    }),
  );
  for (const value of [0, -1, 1, -50_000, 50_000]) expect(unzigzag(zigzag(value))).toBe(value);
});

test('bytes that are no sketch are refused', () => {
  expect(() => HyperLogLog.fromBytes(Uint8Array.of(9))).toThrow(RangeError);
  expect(() => HyperLogLog.fromBytes(Uint8Array.of(2, 0))).toThrow(RangeError);
  expect(() => DDSketch.fromBytes(Uint8Array.of(200))).toThrow(RangeError);
});
