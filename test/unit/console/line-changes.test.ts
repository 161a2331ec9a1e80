import { expect, test } from 'vitest';
import { folded, lineChanges } from '../../../src/console/pages/definitions/line-changes.ts';
import { seeded } from '../../kit/random.ts';

/** As a page shows them: a sign, and the line. */
function shown(before: string, after: string): string[] {
  const lines = (text: string) => (text === '' ? [] : text.split(' '));
  const signs = { SAME: ' ', NEW: '+', GONE: '-' };
  return lineChanges(lines(before), lines(after)).map(({ kind, text }) => signs[kind] + text);
}

test.for([
  ['', '', []],
  ['a b', 'a b', [' a', ' b']],
  ['', 'a b', ['+a', '+b']],
  ['a b', '', ['-a', '-b']],
  ['a b c', 'a x c', [' a', '-b', '+x', ' c']],
  ['a b c', 'a c', [' a', '-b', ' c']],
  ['a c', 'a b c', [' a', '+b', ' c']],
  ['a b c d', 'c d a b', ['-a', '-b', ' c', ' d', '+a', '+b']],
  ['{ } }', '{ x } }', [' {', '+x', ' }', ' }']],
] as const)('from %j to %j as few lines as possible change', ([before, after, lines]) => {
  expect(shown(before, after)).toEqual(lines);
});

test('both texts can be read out of their changes', () => {
  const random = seeded(7);
  for (let round = 0; round < 200; round++) {
    const [before, after] = [0, 1].map(() =>
      Array.from({ length: Math.floor(random() * 12) }, () => String(Math.floor(random() * 4))),
    ) as [string[], string[]];
    const changes = lineChanges(before, after);
    const without = (kind: string) =>
      changes.filter(change => change.kind !== kind).map(({ text }) => text);
    expect(without('NEW')).toEqual(before);
    expect(without('GONE')).toEqual(after);
  }
});

test('texts that are too long to compare are told as gone and as new', () => {
  const before = Array.from({ length: 2_001 }, (_, at) => String(at));
  const changes = lineChanges(before, before);
  expect(changes).toHaveLength(4_002);
  expect(changes.slice(0, 2_001).every(({ kind }) => kind === 'GONE')).toBe(true);
  expect(changes.slice(2_001).every(({ kind }) => kind === 'NEW')).toBe(true);
});

test('far from a change lines are folded, and three are left around it', () => {
  const before = 'a b c d e f g h i j k l m n o p q r s t'.split(' ');
  const after = before.map(line => (line === 'f' || line === 'o' ? line.toUpperCase() : line));
  const parts = folded(lineChanges(before, after));
  const texts = parts.map(part => (part.kind === 'FOLDED' ? part.count : part.text));
  expect(texts.join(' ')).toBe('2 c d e f F g h i 2 l m n o O p q r 2');
  expect(folded(lineChanges(before, before))).toEqual([{ kind: 'FOLDED', count: 20 }]);
});

test('a single line is shown, not folded', () => {
  const before = 'a b c d e f g h i'.split(' ');
  const after = ['A', ...before.slice(1, 8), 'I'];
  expect(folded(lineChanges(before, after)).every(({ kind }) => kind !== 'FOLDED')).toBe(true);
});
