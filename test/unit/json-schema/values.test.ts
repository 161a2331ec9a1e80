import { expect, test } from 'vitest';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { isInteger, isMultipleOf, textOf } from '../../../src/json-schema/values.ts';
import { WorkBudget } from '../../../src/json-schema/work-budget.ts';

const budget = new WorkBudget(Infinity, Infinity);

test.each([
  [1e308, 0.123456789, false],
  [1e308, 0.5, true],
  [1e300, 3, false],
  [19.99, 0.01, true],
  [0.0075, 0.0001, true],
  [-4.5, 1.5, true],
  [0, 7, true],
  [new ExactNumber('123456789012345678903'), 3, true],
  [new ExactNumber('123456789012345678901'), 2, false],
  [new ExactNumber('0.12345678901234567'), 1e-17, true],
])('%s as a multiple of %s: %s, to the last digit', (value, step, expected) => {
  expect(isMultipleOf(value, step, budget)).toBe(expected);
});

test('numbers of many digits are integers, and equal, by their value', () => {
  expect(isInteger(new ExactNumber('12345678901234567890.0'))).toBe(true);
  expect(isInteger(new ExactNumber('1234567890123456789.5'))).toBe(false);
  const text = (value: ExactNumber | number) => textOf(value, new Map(), budget);
  expect(text(new ExactNumber('10000000000000000.0'))).toBe(text(1e16));
  expect(text(new ExactNumber('9007199254740993'))).not.toBe(text(9007199254740992));
  expect(text(new ExactNumber('1.00000000000000000010'))).toBe(
    text(new ExactNumber('1.0000000000000000001')),
  );
});
