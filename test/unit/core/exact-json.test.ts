import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  equalsExactly,
  parseExact,
  parsePayload,
  writeExact,
} from '../../../src/core/exact-json.ts';
import {
  compareNumbers,
  exactNumber,
  ExactNumber,
  numberFault,
} from '../../../src/core/exact-number.ts';

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
    const text =
      '[1, 0.5, 9007199254740993, "9007199254740993", 1e400, 6.022e23, 1.0000000000000000]';
    expect(parseExact(text)).toEqual([
      1,
      0.5,
      new ExactNumber('9007199254740993'),
      '9007199254740993',
      new ExactNumber('1e400'),
      6.022e23,
      1,
    ]);
  });

  test('are written as they were read, up to zeros and exponents', () => {
    const texts = [
      [
        '[12345678901234567890,-0.1234567890123456789]',
        '[12345678901234567890,-0.1234567890123456789]',
      ],
      [
        '[1234567890123456789.100, 12345678901234567891e3]',
        '[1234567890123456789.1,12345678901234567891000]',
      ],
      [
        '[12345678901234567891E-22,1.7976931348623157e308,5e-324,0e999]',
        '[0.0012345678901234567891,1.7976931348623157e+308,5e-324,0]',
      ],
      [
        '{"a\\"1":"\\u0000\\" 12345678901234567890","b":12345678901234567890}',
        '{"a\\"1":"\\u0000\\" 12345678901234567890","b":12345678901234567890}',
      ],
      ['{"__proto__":{"n":12345678901234567890}}', '{"__proto__":{"n":12345678901234567890}}'],
    ];
    for (const [text, written] of texts) expect(writeExact(parseExact(text!))).toBe(written);
  });

  test('have one literal for one value, whatever the literal that came', () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{16,40}$/);
    fc.assert(
      fc.property(digits, fc.integer({ min: -60, max: 60 }), (mantissa, exponent) => {
        const value = String(exactNumber(`${mantissa}e${exponent}`));
        expect(String(exactNumber(`${mantissa}000e${exponent - 3}`))).toBe(value);
        expect(String(exactNumber(`0.${mantissa}E${exponent + mantissa.length}`))).toBe(value);
        expect(compareNumbers(exactNumber(value), new ExactNumber(`${mantissa}e${exponent}`))).toBe(
          0,
        );
      }),
    );
  });

  test('leave what is no JSON no JSON', () => {
    const faults = [
      '{12345678901234567890:1}',
      '{12345678901234567890 :1}',
      '[012345678901234567890]',
      '[12345678901234567890.]',
      '[1.2345678901234567e]',
      '[-]',
      '[12345678901234567890"]',
      '12345678901234567890 12345678901234567890',
      '"\\u000"12345678901234567890',
    ];
    for (const text of faults) expect(() => parseExact(text), text).toThrow(SyntaxError);
  });

  test('take time by the length of a text alone', () => {
    const zeros = '0'.repeat(1_000_000);
    const started = performance.now();
    parseExact(`[1${zeros}1, 0.${zeros}1${zeros}, 1e${zeros}1, "${'\\\\'.repeat(500_000)}"]`);
    // The square of it would take hours.
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('are kept within the range of doubles and 400 digits', () => {
    const kept = ['1.7976931348623157e308', '5e-324', '4.9406564584124654e-324', '9'.repeat(300)];
    for (const literal of kept) expect(numberFault(exactNumber(literal)), literal).toBeNull();
    const refused = [
      ['1e400', 'range', '1e400'],
      ['-1e131071', 'range', '-1e131071'],
      ['1e-400', 'range', '1e-400'],
      ['1e9999999999', 'range', '1e9999999999'],
      [`0.${'1'.repeat(400)}`, '400 digits', '401'],
      [`${'1'.repeat(300)}.${'1'.repeat(300)}`, '400 digits', '600'],
    ];
    for (const [literal, expected, came] of refused) {
      expect(numberFault(exactNumber(literal!))).toEqual({
        expected: expect.stringContaining(expected!),
        came: expect.stringContaining(came!),
      });
    }
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
