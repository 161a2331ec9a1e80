/**
 * The words that the streams of one workspace search for. Each event is looked through once for
 * all words of all streams: what a stream costs does not grow with its words, nor with the streams
 * beside it.
 */
import { LRUCache } from 'lru-cache';
import type { StoredEvent } from '../core/event.ts';
import { searchableText } from '../core/filter-search.ts';
import { WordIndex, type FoundWords } from '../core/word-index.ts';

/** What was found in events, by which index: of all workspaces, in the order of the looks. */
export type Found = LRUCache<
  StoredEvent,
  { readonly index: WordIndex; readonly words: FoundWords }
>;

/** Streams look at an event at about the same time: what was found is kept of the newest ones. */
const KEPT_BYTES = 8_388_608;
/** Beside the texts of an event. */
const ENTRY_BYTES = 500;

export function createFound(): Found {
  return new LRUCache({ maxSize: KEPT_BYTES });
}

export class SearchedWords {
  /** By word: how many streams search for it. */
  readonly #streams = new Map<string, number>();
  readonly #found: Found;
  #index: WordIndex | null = null;

  constructor(found: Found) {
    this.#found = found;
  }

  /** Characters of those that nobody searches for yet. */
  newChars(words: ReadonlySet<string>): number {
    return charsOf([...words].filter(word => !this.#streams.has(word)));
  }

  add(words: ReadonlySet<string>): void {
    if (this.newChars(words) > 0) this.#index = null;
    for (const word of words) this.#streams.set(word, (this.#streams.get(word) ?? 0) + 1);
  }

  /** Returns the characters of those that nobody searches for any more. */
  remove(words: ReadonlySet<string>): number {
    const gone: string[] = [];
    for (const word of words) {
      const left = (this.#streams.get(word) ?? 0) - 1;
      if (left > 0) this.#streams.set(word, left);
      else if (this.#streams.delete(word)) gone.push(word);
    }
    if (gone.length > 0) this.#index = null;
    return charsOf(gone);
  }

  /** Whether the event holds a word, which must be among those that were added. */
  finds(event: StoredEvent, word: string): boolean {
    const index = (this.#index ??= new WordIndex([...this.#streams.keys()]));
    const known = this.#found.get(event);
    const words = known?.index === index ? known.words : this.#look(event, index);
    return index.has(words, word);
  }

  #look(event: StoredEvent, index: WordIndex): FoundWords {
    const text = searchableText(event);
    const words = index.find(text);
    const bytes = ENTRY_BYTES + text.length + words.byteLength;
    this.#found.set(event, { index, words }, { size: bytes });
    return words;
  }
}

export function charsOf(words: Iterable<string>): number {
  let chars = 0;
  for (const word of words) chars += word.length;
  return chars;
}
