import { expect, test } from 'vitest';
import type { StoredEvent } from '../../../src/core/event.ts';
import { compileFilter, isExpired } from '../../../src/core/filter-matches.ts';
import { compareTexts, valueAt } from '../../../src/core/filter-values.ts';
import { createFound, SearchedWords } from '../../../src/live/searched-words.ts';

// That the predicate means what SQL does is in test/unit/read/filters.test.ts.

const event = (more: Partial<StoredEvent>) =>
  ({ type: 'a', source: null, payload: '{}', expiresAt: null, ...more }) as StoredEvent;

test('without a filter every event matches', () => {
  expect(compileFilter(null)(event({}))).toBe(true);
  expect(compileFilter(undefined)(event({}))).toBe(true);
});

test('an event has expired from its instant on', () => {
  const expiresAt = new Date(1_000);
  expect(isExpired(event({ expiresAt }), new Date(999))).toBe(false);
  expect(isExpired(event({ expiresAt }), expiresAt)).toBe(true);
  expect(isExpired(event({}), expiresAt)).toBe(false);
});

test('an event is parsed once for all predicates', () => {
  let reads = 0;
  const counted = event({});
  Object.defineProperty(counted, 'payload', { get: () => (reads++, '{"a": "word"}') });
  const payload = [{ path: ['a'], equals: 'word' }];
  expect([{ payload }, { payload }].every(filter => compileFilter(filter)(counted))).toBe(true);
  expect(reads).toBe(1);
  const words = new SearchedWords(createFound());
  words.add(new Set(['word']));
  words.add(new Set(['ord', 'none']));
  expect(['word', 'ord', 'none'].map(word => words.finds(counted, word))).toEqual([
    ...[true, true, false],
  ]);
  expect(reads).toBe(2);
});

test('texts are ordered by code point, not by UTF-16 unit', () => {
  const ascending = [
    '',
    'A',
    'a',
    'aa',
    'b',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '😀',
    '\u{10ffff}',
  ];
  ascending.forEach((a, i) =>
    ascending.forEach((b, j) => expect(Math.sign(compareTexts(a, b))).toBe(Math.sign(i - j))),
  );
});

test('a path goes through keys, and through lists by plain decimal indexes', () => {
  const payload = { list: [{ a: 1 }, 2], '0': 'zero', text: 'abc' };
  const at = (...path: string[]) => valueAt(payload, path);
  expect(at('list', '0', 'a')).toBe(1);
  expect(at('0')).toBe('zero');
  for (const step of ['-1', '01', '+1', ' 1', '2', 'length', ''])
    expect(at('list', step)).toBeUndefined();
  expect(at('text', '0')).toBeUndefined();
  expect(at('toString')).toBeUndefined();
});
