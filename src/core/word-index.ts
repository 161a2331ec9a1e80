/**
 * Which of many words a text holds, found in one pass over the text however many words there are:
 * the algorithm of Aho and Corasick (https://doi.org/10.1145/360825.360855). Its time grows with
 * the length of the text alone, also for texts and words that are made to be slow.
 */

/** Bit n: the word with the number n is in the text. */
export type FoundWords = Uint32Array;

/** Numbers of states times this, plus a character, are small integers: up to 32,767 states. */
const CHARS = 65_536;
const NONE = -1;
/** States from the root are looked up without a map for these characters. */
const LATIN = 256;

export class WordIndex {
  readonly #numbers: ReadonlyMap<string, number>;
  /** From a state, by a character, to the next. */
  readonly #next = new Map<number, number>();
  readonly #fromRoot = new Int32Array(LATIN);
  /** The number of the word that ends in a state. */
  readonly #word: Int32Array;
  /** The longest other state that a state ends with. */
  readonly #fail: Int32Array;
  /** The longest other state that a state ends with and in which a word ends. */
  readonly #shorter: Int32Array;

  /** @param words none twice, none empty, together fewer than 32,767 characters */
  constructor(words: readonly string[]) {
    this.#numbers = new Map(words.map((word, number) => [word, number]));
    const states = 1 + words.reduce((sum, word) => sum + word.length, 0);
    this.#word = new Int32Array(states).fill(NONE);
    this.#fail = new Int32Array(states);
    this.#shorter = new Int32Array(states);
    const byDepth: number[][] = [];
    let made = 0;
    for (const [number, word] of words.entries()) {
      let state = 0;
      for (let at = 0; at < word.length; at++) {
        const step = state * CHARS + word.charCodeAt(at);
        let next = this.#next.get(step);
        if (next === undefined) {
          next = made += 1;
          this.#next.set(step, next);
          (byDepth[at] ??= []).push(step);
        }
        state = next;
      }
      this.#word[state] = number;
    }
    for (const steps of byDepth) for (const step of steps) this.#link(step);
    for (let char = 0; char < LATIN; char++) this.#fromRoot[char] = this.#next.get(char) ?? 0;
  }

  find(text: string): FoundWords {
    const found = new Uint32Array(Math.ceil(this.#numbers.size / 32));
    let left = this.#numbers.size;
    let state = 0;
    for (let at = 0; at < text.length && left > 0; at++) {
      state = this.#step(state, text.charCodeAt(at));
      let ending = this.#word[state] === NONE ? (this.#shorter[state] as number) : state;
      // Once a word was found, so were all that it ends with.
      while (ending > 0 && mark(found, this.#word[ending] as number)) {
        left -= 1;
        ending = this.#shorter[ending] as number;
      }
    }
    return found;
  }

  has(found: FoundWords, word: string): boolean {
    const number = this.#numbers.get(word);
    return number !== undefined && ((found[number >>> 5] as number) & (1 << (number & 31))) !== 0;
  }

  #step(from: number, char: number): number {
    let state = from;
    for (;;) {
      if (state === 0 && char < LATIN) return this.#fromRoot[char] as number;
      const next = this.#next.get(state * CHARS + char);
      if (next !== undefined) return next;
      if (state === 0) return 0;
      state = this.#fail[state] as number;
    }
  }

  /** States of less depth are linked. */
  #link(step: number): void {
    const state = this.#next.get(step) as number;
    const before = Math.floor(step / CHARS);
    if (before === 0) return;
    const char = step % CHARS;
    let fail = this.#fail[before] as number;
    let next = this.#next.get(fail * CHARS + char);
    while (next === undefined && fail !== 0) {
      fail = this.#fail[fail] as number;
      next = this.#next.get(fail * CHARS + char);
    }
    this.#fail[state] = next ?? 0;
    const failed = this.#fail[state];
    this.#shorter[state] = this.#word[failed] === NONE ? (this.#shorter[failed] as number) : failed;
  }
}

/** Whether it was not marked before. */
function mark(found: FoundWords, number: number): boolean {
  const bit = 1 << (number & 31);
  const before = found[number >>> 5] as number;
  found[number >>> 5] = before | bit;
  return (before & bit) === 0;
}
