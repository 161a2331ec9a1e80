/**
 * The words that the streams of one workspace search for. Each event is looked through once for
 * all words of all streams: what a stream costs does not grow with its words, nor with the streams
 * beside it.
 */
import type { StoredEvent } from '../core/event.ts';
import { searchableText } from '../core/filter-search.ts';
import { Recent } from '../core/recent.ts';
import { WordIndex, type FoundWords } from '../core/word-index.ts';

/** Streams look at an event at about the same time: what was found is kept of the newest ones. */
const KEPT_EVENTS = 256;

export class SearchedWords {
  /** By word: how many streams search for it. */
  readonly #streams = new Map<string, number>();
  readonly #found = new Recent<StoredEvent, FoundWords>(KEPT_EVENTS);
  #index: WordIndex | null = null;

  /** Characters of those that nobody searches for yet. */
  newChars(words: ReadonlySet<string>): number {
    let chars = 0;
    for (const word of words) if (!this.#streams.has(word)) chars += word.length;
    return chars;
  }

  add(words: ReadonlySet<string>): void {
    if (this.newChars(words) > 0) this.#change();
    for (const word of words) this.#streams.set(word, (this.#streams.get(word) ?? 0) + 1);
  }

  /** Returns the characters of those that nobody searches for any more. */
  remove(words: ReadonlySet<string>): number {
    let chars = 0;
    for (const word of words) {
      const left = (this.#streams.get(word) ?? 0) - 1;
      if (left > 0) this.#streams.set(word, left);
      else if (this.#streams.delete(word)) chars += word.length;
    }
    if (chars > 0) this.#change();
    return chars;
  }

  /** Whether the event holds a word, which must be among those that were added. */
  finds(event: StoredEvent, word: string): boolean {
    const index = (this.#index ??= new WordIndex([...this.#streams.keys()]));
    const found =
      this.#found.get(event) ?? this.#found.set(event, index.find(searchableText(event)), 1);
    return index.has(found, word);
  }

  #change(): void {
    this.#index = null;
    this.#found.clear();
  }
}
