/**
 * JSON as somebody types it: where it breaks off, and where each value stands. Browsers' own words
 * on a fault differ, and some name no place.
 */
import { pointerStep } from '../../../core/isomorphic.ts';

export interface Place {
  /** Characters before it. */
  readonly at: number;
  /** From 1, both. */
  readonly line: number;
  readonly column: number;
}

export interface JsonFault extends Place {
  /** What should stand there. */
  readonly expected: string;
}

export type ReadJson =
  | { readonly value: unknown; readonly fault: null }
  | { readonly value: undefined; readonly fault: JsonFault };

export function readJson(text: string): ReadJson {
  try {
    return { value: JSON.parse(text) as unknown, fault: null };
  } catch {
    const scan = new Scan(text);
    const expected = scan.run();
    return { value: undefined, fault: { ...placeAt(text, scan.at), expected } };
  }
}

/** Where the value of a JSON Pointer stands, or the nearest one around it. */
export function placeOf(text: string, pointer: string): Place {
  const scan = new Scan(text);
  scan.run();
  for (let path = pointer; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const at = scan.places.get(path);
    if (at !== undefined) return placeAt(text, at);
    if (path === '') return placeAt(text, 0);
  }
}

function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at);
  return { at, line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

class Unexpected extends Error {}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)(?!\w)/y;

/** Reads values as `JSON.parse` does; stops `at` the first thing that should not stand there. */
class Scan {
  readonly places = new Map<string, number>();
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** What was expected where it stopped. */
  run(): string {
    try {
      this.#value('');
      this.#skip();
      return 'the end';
    } catch (error) {
      if (error instanceof Unexpected) return error.message;
      throw error;
    }
  }

  #value(path: string): void {
    this.#skip();
    this.places.set(path, this.at);
    if (this.#take('{')) return this.#members('}', () => this.#member(path));
    if (this.#take('[')) {
      let index = 0;
      return this.#members(']', () => this.#value(`${path}/${index++}`));
    }
    if (
      this.#match(STRING) === null &&
      this.#match(NUMBER) === null &&
      this.#match(WORD) === null
    ) {
      throw new Unexpected(
        this.#text[this.at] === '"' ? 'a text on one line that ends with "' : 'a value',
      );
    }
  }

  #members(end: string, member: () => void): void {
    this.#skip();
    if (this.#take(end)) return;
    for (;;) {
      member();
      this.#skip();
      if (this.#take(end)) return;
      if (!this.#take(',')) throw new Unexpected(`, or ${end}`);
    }
  }

  #member(path: string): void {
    this.#skip();
    const name = this.#match(STRING);
    if (name === null) throw new Unexpected('a name in "quotes"');
    this.#skip();
    if (!this.#take(':')) throw new Unexpected(':');
    const key = JSON.parse(name) as string;
    this.#value(path + pointerStep(key));
  }

  #skip(): void {
    this.#match(SPACE);
  }

  #take(character: string): boolean {
    const isThere = this.#text[this.at] === character;
    if (isThere) this.at += 1;
    return isThere;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.at += found?.length ?? 0;
    return found;
  }
}
