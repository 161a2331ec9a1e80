import { expect, test } from 'vitest';
import { WordIndex } from '../../../src/core/word-index.ts';

/** The same numbers each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return sides => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) % sides;
}

test('finds exactly the words that a text holds', () => {
  const roll = dice(7);
  // Few characters, so that words hold, begin and end one another.
  const textOf = (chars: number) =>
    Array.from({ length: chars }, () => 'ab€'.charAt((roll(1_000) >> 3) % 3)).join('');
  for (let round = 0; round < 300; round++) {
    const words = [...new Set(Array.from({ length: 12 }, () => textOf(1 + roll(5))))];
    const index = new WordIndex(words);
    for (const text of [textOf(roll(40)), textOf(roll(40)), '']) {
      const found = index.find(text);
      expect(words.filter(word => index.has(found, word))).toEqual(
        words.filter(word => text.includes(word)),
      );
    }
  }
});

test('takes as long for many words as for few, also where each nearly fits everywhere', () => {
  const text = 'a'.repeat(200_000);
  const msOf = (count: number) => {
    const words = Array.from({ length: count }, (_, n) => `${'a'.repeat(5)}${n.toString(36)}b`);
    const index = new WordIndex(words);
    index.find(text);
    const startedMs = process.cpuUsage();
    for (let n = 0; n < 5; n++) index.find(text);
    return process.cpuUsage(startedMs).user / 1_000;
  };
  const few = msOf(2);
  expect(msOf(1_000)).toBeLessThan(4 * few + 50);
});
