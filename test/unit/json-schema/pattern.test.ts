import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../../src/json-schema/pattern.ts';
import { OutOfWork, WorkBudget } from '../../../src/json-schema/work-budget.ts';

const unmetered = () => new WorkBudget(Infinity, Infinity);
const matches = (pattern: string, text: string) =>
  compilePattern(pattern, unmetered()).test(text, unmetered());

const CHARS = [
  ...'ab-_1 ',
  '\u00a0',
  '\ufeff',
  '\v',
  '\n',
  '\u2028',
  'é',
  'λ',
  '😀',
  '😁',
  '٣',
  'ſ',
];
const ATOMS = [
  ...['a', 'b', '-', '😀', 'é', '.', '^', '$', '\\b', '\\s', '\\S', '\\w', '\\W', '\\d', '\\D'],
  ...['[a-c]', '[^a]', '[]', '[^]', '[^\\W\\d_]', '[\\s\\-😀-😂]', '\\n', '\\x41', '\\/'],
  ...['\\p{L}', '\\P{Lu}', '\\p{Script=Greek}', '\\p{ASCII}', '\\uD83D\\uDE00', '\\u{1F600}'],
];
const TIMES = ['', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '{0}'];

const { pattern: PATTERN } = fc.letrec<{ pattern: string; part: string }>(tie => ({
  part: fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...ATOMS) },
        { weight: 1, arbitrary: tie('pattern').map(inner => `(?:${inner})`) },
      ),
      fc.constantFrom(...TIMES),
    )
    .map(([atom, times]) => (/^(\^|\$|\\b)$/.test(atom) ? atom : atom + times)),
  pattern: fc
    .array(fc.array(tie('part'), { maxLength: 4 }), { minLength: 1, maxLength: 2 })
    .map(alternatives => alternatives.map(parts => parts.join('')).join('|')),
}));

describe('a pattern', () => {
  test('matches what ECMAScript matches with the flag u', () => {
    const text = fc.array(fc.constantFrom(...CHARS), { maxLength: 8 }).map(c => c.join(''));
    fc.assert(
      fc.property(PATTERN, fc.array(text, { minLength: 1, maxLength: 8 }), (pattern, texts) => {
        const native = new RegExp(pattern, 'u');
        const automaton = compilePattern(pattern, unmetered());
        for (const t of texts) expect(automaton.test(t, unmetered())).toBe(native.test(t));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['^\\d{4}\\-\\d\\d$', '2026-11'],
    ['^[\\w-\\.]+@([\\w-]+\\.)+[\\w-]{2,4}$', 'jane.doe@mail.example.org'],
    ['^\\"\\_\\@$', '"_@'],
  ])('may escape what needs no escape: %s', (pattern, text) => {
    expect(matches(pattern, text)).toBe(true);
  });

  test.each([
    ['(?=a)b', 'look-around is not supported: (?=a)'],
    ['(?<!a)b', 'look-around is not supported: (?<!a)'],
    ['(a)\\1', 'back-references are not supported: \\1'],
    ['^a\\Z', 'Invalid escape'],
    ['(?i)a', 'Invalid group'],
    ['a**', 'Nothing to repeat'],
    ['\\p{Nonsense}', 'Invalid property name'],
    ['((a{100}){100}){100}', 'its repetitions have 2030302 steps, and may have 20000'],
    ['a'.repeat(10_001), 'it has 10001 characters, and may have 10000'],
  ])('that is not usable says why: %s', (pattern, reason) => {
    expect(() => compilePattern(pattern, unmetered())).toThrow(reason);
  });

  test('takes time that grows with the text alone, however it is nested', () => {
    const used = (length: number) => {
      const budget = unmetered();
      const automaton = compilePattern('^(([a-z])+.)+[A-Z]([a-z])+$', budget);
      const counted = new WorkBudget(1e9, Infinity);
      automaton.test('a'.repeat(length), counted);
      return counted.used;
    };
    expect(used(20_000)).toBeLessThan(used(10_000) * 2.1);
  });

  test('ends when its work is used up', () => {
    const automaton = compilePattern('(a|b)*a(a|b){900}$', unmetered());
    let x = 1;
    const text = Array.from({ length: 20_000 }, () =>
      (x = (x * 48_271) % 2_147_483_647) % 2 === 0 ? 'a' : 'b',
    ).join('');
    expect(() => automaton.test(text, new WorkBudget(100_000, Infinity))).toThrow(OutOfWork);
  });
});
