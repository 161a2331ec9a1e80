/** Text → its records, each with the line where it begins, in memory that does not grow. */
import type { Bytes } from './source.ts';

export interface TextRecord {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** A record longer than this is no event, and would fill the memory. */
const RECORD_CHARS_MAX = 16_777_216;

/** Each line that is not blank. */
export async function* lines(bytes: Bytes): AsyncGenerator<TextRecord> {
  let line = 0;
  let rest = '';
  for await (const chunk of decoded(bytes)) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() as string;
    checkLength(rest, line + parts.length + 1);
    for (const text of parts) {
      line += 1;
      if (text.trim() !== '') yield { line, text };
    }
  }
  if (rest.trim() !== '') yield { line: line + 1, text: rest };
}

/** Each item of a JSON list, as it is written. */
export async function* listItems(bytes: Bytes): AsyncGenerator<TextRecord> {
  const scanner = new ListScanner();
  for await (const chunk of decoded(bytes)) yield* scanner.take(chunk);
  scanner.end();
}

class ListScanner {
  #line = 1;
  /** Of lists and objects; 1 is in the list itself. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #ended = false;
  #item = '';
  /** Where the item begins; 0 between items. */
  #itemLine = 0;

  *take(chunk: string): Generator<TextRecord> {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const char = chunk[at] as string;
      if (char === '\n') this.#line += 1;
      if (this.#itemLine === 0 && this.#depth === 1 && !/[\s,\]]/.test(char)) {
        this.#itemLine = this.#line;
      }
      const isBoundary = this.#step(char);
      if (isBoundary) {
        const text = (this.#item + chunk.slice(start, at)).trim();
        this.#item = '';
        if (text !== '') yield { line: this.#itemLine, text };
        this.#itemLine = 0;
        start = at + 1;
      }
    }
    if (this.#depth >= 1) this.#item += chunk.slice(start);
    if (this.#itemLine === 0) this.#item = '';
    checkLength(this.#item, this.#itemLine);
  }

  end(): void {
    if (!this.#ended) throw new Error('The list is cut off: its closing bracket is missing.');
  }

  /** Whether an item ends before this character. */
  #step(char: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === '\\') this.#escaped = true;
      else if (char === '"') this.#inString = false;
      return false;
    }
    if (char === '"') this.#inString = true;
    if (char === '[' || char === '{') {
      this.#depth += 1;
      return this.#depth === 1;
    }
    if (char === ']' || char === '}') {
      this.#depth -= 1;
      this.#ended = this.#depth === 0;
      return this.#ended;
    }
    return char === ',' && this.#depth === 1;
  }
}

async function* decoded(bytes: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function checkLength(text: string, line: number): void {
  if (text.length <= RECORD_CHARS_MAX) return;
  throw new Error(`Line ${line} is longer than any event: is this the right --format?`);
}
