import { describe, expect, test } from 'vitest';
import {
  compareNumbers,
  equalsExactly,
  ExactNumber,
  parseExact,
  parsePayload,
} from '../../src/core/exact-json.ts';

const payload = (numbers: string) => parsePayload(`{"v": ${numbers}}`)['v'];

describe('a payload for readers of doubles', () => {
  test('has integers within 2^53 and short decimals as numbers', () => {
    expect(
      payload('[0, -1, 9007199254740992, -9007199254740992, 1.10, 0.1000000000000000055]'),
    ).toEqual([0, -1, 9007199254740992, -9007199254740992, 1.1, 0.1]);
  });

  test('has integers beyond 2^53, and what no double holds, as text', () => {
    expect(payload('[9007199254740993, -9007199254740993, 1000000000000000000000, 1e400]')).toEqual(
      ['9007199254740993', '-9007199254740993', '1000000000000000000000', '1e400'],
    );
  });

  test('leaves digits in texts and keys alone', () => {
    const text =
      '{"1234567890123456789": "a \\"9007199254740993\\" \\\\", "__proto__": {"a": 9007199254740993}}';
    const parsed = parsePayload(text);
    expect(Object.keys(parsed)).toEqual(['1234567890123456789', '__proto__']);
    expect(parsed['1234567890123456789']).toBe('a "9007199254740993" \\');
    expect(Object.getOwnPropertyDescriptor(parsed, '__proto__')?.value).toEqual({
      a: '9007199254740993',
    });
  });
});

describe('exact numbers', () => {
  test('stand apart where a double would lose digits', () => {
    expect(parseExact('[1, 0.5, 9007199254740993, "9007199254740993", 1e400]')).toEqual([
      1,
      0.5,
      new ExactNumber('9007199254740993'),
      '9007199254740993',
      new ExactNumber('1e400'),
    ]);
  });

  test('have the order of their decimals', () => {
    const ascending = [
      '-1e400',
      '-100.5',
      '-100',
      '-0.001',
      '0',
      '1e-400',
      '0.001',
      '0.1',
      '0.10000000000000000001',
      '9',
      '10',
      '99',
      '100',
      '9007199254740992',
      '9007199254740992.5',
      '9007199254740993',
      '1e21',
      '1e400',
    ].map(literal => new ExactNumber(literal));
    ascending.forEach((a, i) =>
      ascending.forEach((b, j) => expect(Math.sign(compareNumbers(a, b))).toBe(Math.sign(i - j))),
    );
  });

  test('are equal however they are written', () => {
    const pairs = [
      ['0', '-0'],
      ['0.0', '0e5'],
      ['1', '1.000'],
      ['1e3', '1000'],
      ['0.5e1', '5'],
      ['120', '12E+1'],
    ];
    for (const [a, b] of pairs) {
      expect(compareNumbers(new ExactNumber(a!), new ExactNumber(b!))).toBe(0);
    }
    expect(compareNumbers(new ExactNumber('1e21'), 1e21)).toBe(0);
    expect(
      compareNumbers(0.1, new ExactNumber('0.1000000000000000055511151231257827')),
    ).toBeLessThan(0);
  });
});

test('equality is of values, whatever the order of keys', () => {
  expect(equalsExactly({ a: 1, b: [new ExactNumber('2.0'), null] }, { b: [2, null], a: 1 })).toBe(
    true,
  );
  const unequal = [
    [1, '1'],
    ['1', 1],
    [null, {}],
    [{}, null],
    [[], {}],
    [{}, []],
    [[1], [1, 2]],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, {}],
    [true, 1],
    [JSON.parse('{"__proto__": {}}'), { b: 1 }],
    [{ toString: 1 }, { b: 1 }],
  ] as const;
  for (const [a, b] of unequal) expect(equalsExactly(a, b)).toBe(false);
});
