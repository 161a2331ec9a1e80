/** UTF-8 → its records, each with the line where it begins, in memory that does not grow. */
import { isUtf8 } from 'node:buffer';
import type { EventProblem } from '../../client/index.ts';
import { problem } from './event-fields.ts';
import type { Bytes } from './source.ts';

export interface TextRecord {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** Why the text is not what the input holds. */
  readonly problem?: EventProblem;
}

/** A record longer than this is no event, and would fill the memory: it is refused. */
export const RECORD_BYTES_MAX = 16_777_216;
/** Of a longer record so much is shown. */
export const SHOWN_BYTES_MAX = 65_536;

const LF = 0x0a;

/** Each line that is not blank. */
export async function* lines(bytes: Bytes): AsyncGenerator<TextRecord> {
  let line = 0;
  const rest = new Piece();
  for await (const chunk of bytes) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      line += 1;
      rest.add(chunk.subarray(from, at));
      const record = rest.take(line);
      if (record.text.trim() !== '') yield record;
      from = at + 1;
    }
    rest.add(chunk.subarray(from));
  }
  const last = rest.take(line + 1);
  if (last.text.trim() !== '') yield last;
}

/** The bytes of a record that is not complete yet. */
class Piece {
  #chunks: Buffer[] = [];
  #kept = 0;
  #size = 0;

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    // What is beyond the bound is counted, and of the rest only the beginning is shown.
    if (this.#kept > RECORD_BYTES_MAX) return;
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#kept += chunk.length;
  }

  take(line: number): TextRecord {
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    const record = textRecord(line, bytes, this.#size);
    this.#chunks = [];
    this.#kept = 0;
    this.#size = 0;
    return record;
  }
}

/** @param size in bytes, where not all of them are there */
export function textRecord(line: number, bytes: Buffer, size = bytes.length): TextRecord {
  if (size > RECORD_BYTES_MAX) {
    return { line, text: bytes.toString('utf8', 0, SHOWN_BYTES_MAX), problem: tooLong(size) };
  }
  const text = bytes.toString('utf8');
  return isUtf8(bytes) ? { line, text } : { line, text, problem: NOT_UTF8 };
}

function tooLong(size: number): EventProblem {
  const message =
    `It has ${size.toLocaleString('en')} bytes, but an event has at most ` +
    `${RECORD_BYTES_MAX.toLocaleString('en')}. Only its beginning is shown.`;
  return problem('RECORD_TOO_LONG', '', message);
}

const NOT_UTF8 = problem(
  'NOT_UTF8',
  '',
  'It is not valid UTF-8. Set the encoding of the file with --encoding, such as windows-1252.',
);

/** Where the records of a JSON text stand: in a list, or one after the other. */
export type Nesting = 'IN_LIST' | 'IN_SEQUENCE';

/** Each item of a list, or of a sequence of objects that are written on several lines each. */
export async function* jsonItems(bytes: Bytes, nesting: Nesting): AsyncGenerator<TextRecord> {
  const scanner = new ItemScanner(nesting === 'IN_LIST' ? 1 : 0);
  for await (const chunk of bytes) yield* scanner.take(chunk);
  yield* scanner.end();
}

/** Whether the first item is there as a whole. */
export function hasItem(start: Buffer, nesting: Nesting): boolean {
  const scanner = new ItemScanner(nesting === 'IN_LIST' ? 1 : 0);
  return scanner.take(start).next().done === false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
/** `[` and `{`; with 2 more, `]` and `}`. */
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const BLANK = new Set([0x20, 0x09, 0x0d, LF]);

class ItemScanner {
  /** How many brackets are open around an item. */
  readonly #itemDepth: number;
  #line = 1;
  #depth = 0;
  #inString = false;
  #escaped = false;
  readonly #item = new Piece();
  /** Where the item begins; 0 between items. */
  #itemLine = 0;

  constructor(itemDepth: number) {
    this.#itemDepth = itemDepth;
  }

  *take(chunk: Buffer): Generator<TextRecord> {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (byte === LF) this.#line += 1;
      if (this.#inString) {
        this.#stepInString(byte);
        continue;
      }
      const isBoundary = this.#isBoundary(byte);
      if (!isBoundary && this.#itemLine === 0 && !BLANK.has(byte)) {
        this.#itemLine = this.#line;
        start = at;
      }
      const endsItem = this.#step(byte);
      if (this.#itemLine > 0 && (isBoundary || endsItem)) {
        const end = endsItem ? at + 1 : at;
        this.#item.add(chunk.subarray(start, end));
        yield this.#taken();
      }
    }
    if (this.#itemLine > 0) this.#item.add(chunk.subarray(start));
  }

  /** @throws Error where the list does not end */
  *end(): Generator<TextRecord> {
    if (this.#itemLine > 0) yield this.#taken();
    if (this.#itemDepth > 0 && this.#depth > 0)
      throw new Error('The list is cut off: its closing bracket is missing.');
  }

  #taken(): TextRecord {
    const { line, text, problem: why } = this.#item.take(this.#itemLine);
    this.#itemLine = 0;
    return { line, text: text.trim(), ...(why && { problem: why }) };
  }

  /** Whether it stands between items: a comma, or a bracket of the list itself. */
  #isBoundary(byte: number): boolean {
    if (this.#itemDepth === 0 || this.#depth > 1) return false;
    if (this.#depth === 0) return byte === 0x5b;
    return byte === COMMA || byte === 0x5d;
  }

  /** Whether an item of a sequence ends with this byte. */
  #step(byte: number): boolean {
    if (byte === QUOTE) this.#inString = true;
    else if (OPENING.has(byte)) this.#depth += 1;
    else if (CLOSING.has(byte)) {
      this.#depth -= 1;
      return this.#itemDepth === 0 && this.#depth === 0;
    }
    return false;
  }

  #stepInString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }
}
