/**
 * UTF-8 → the rows of a table (RFC 4180), whatever their line ends. A quote is one only at the
 * start of a cell, as spreadsheets read it: in `5" pipe` it is a character like any other.
 *
 * A row that is not well-formed costs no other row: it is refused as far as its line goes, and
 * reading goes on with the next line. `csv-parse` takes the rows that follow into the open cell,
 * and does not say what the row was.
 */
import type { EventProblem } from '../../client/index.ts';
import { problem } from './event-fields.ts';
import { RECORD_BYTES_MAX, SHOWN_BYTES_MAX, textRecord, type TextRecord } from './lines.ts';
import type { Bytes } from './source.ts';

export interface CsvRow extends TextRecord {
  /** Null: nothing stands in the cell, not even quotes. No cells where `problem` is there. */
  readonly cells: readonly (string | null)[];
  /** Where it ends, in the bytes of the input; with its line end, if that is there. */
  readonly end: number;
}

/** Each row in which anything stands. */
export async function* csvRows(bytes: Bytes, delimiter: string): AsyncGenerator<CsvRow> {
  const reader = new RowReader(Buffer.from(delimiter));
  for await (const chunk of bytes) yield* reader.take(chunk);
  yield* reader.end();
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

const BAD_QUOTE = problem(
  'NOT_CSV',
  '',
  'A quoted cell is not closed, or something follows its closing quote.',
);

/** Up to so many bytes are looked at again with each chunk. */
const SMALL_BYTES = 65_536;
/** So many lines tell whether an open quote has swallowed rows. */
const COMPARED_LINES = 3;

class RowReader {
  readonly #delimiter: Buffer;
  #bytes: Buffer = Buffer.alloc(0);
  /** Of the row that is looked at, in the bytes. */
  #start = 0;
  #line = 1;
  #columns = 0;
  /** Of all bytes that came. */
  #taken = 0;
  /** What came since the bytes were looked at. */
  #chunks: Buffer[] = [];
  #size = 0;
  /** A long row is looked at again when there is twice as much of it: the time stays linear. */
  #lookAgainAt = 0;
  #skipping: Skipping | null = null;

  constructor(delimiter: Buffer) {
    this.#delimiter = delimiter;
  }

  *take(chunk: Buffer): Generator<CsvRow> {
    let rest = chunk;
    this.#taken += chunk.length;
    if (this.#skipping !== null) {
      const end = this.#skipping.take(chunk);
      if (end === -1) return;
      yield this.#skipped(this.#skipping, chunk.length - end);
      rest = chunk.subarray(end);
    }
    this.#chunks.push(rest);
    this.#size += rest.length;
    if (this.#size >= this.#lookAgainAt) yield* this.#rows(false);
  }

  *end(): Generator<CsvRow> {
    if (this.#skipping !== null) yield this.#skipped(this.#skipping, 0);
    else yield* this.#rows(true);
  }

  *#rows(isLast: boolean): Generator<CsvRow> {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#start), ...this.#chunks]);
    this.#start = 0;
    this.#chunks = [];
    while (this.#start < this.#bytes.length) {
      const scanned = scanRow(this.#bytes, this.#start, this.#delimiter, isLast);
      if (typeof scanned === 'object') {
        const row = this.#rowOf(scanned);
        this.#advance(scanned.next);
        if (row !== null) yield row;
        continue;
      }
      const line = lineFrom(this.#bytes, this.#start, isLast);
      const isTooLong = this.#bytes.length - this.#start > RECORD_BYTES_MAX;
      if (line !== null && (scanned === 'BAD_QUOTE' || (isTooLong && this.#areRows(line.next)))) {
        yield {
          ...this.#textTo(line.end),
          cells: [],
          end: this.#placeOf(line.next),
          problem: BAD_QUOTE,
        };
        this.#advance(line.next);
        continue;
      }
      if (isTooLong) return this.#beginSkipping();
      break;
    }
    this.#size = this.#bytes.length - this.#start;
    const doubled = Math.min(2 * this.#size, RECORD_BYTES_MAX + 1);
    this.#lookAgainAt = this.#size > SMALL_BYTES ? doubled : 0;
  }

  #textTo(end: number): TextRecord {
    return textRecord(this.#line, this.#bytes.subarray(this.#start, end));
  }

  /** Null for a row of empty cells. */
  #rowOf({ cells, end: textEnd, next }: Row): CsvRow | null {
    if (cells.every(({ from, to, isQuoted }) => from === to && !isQuoted)) return null;
    this.#columns ||= cells.length;
    const record = { ...this.#textTo(textEnd), end: this.#placeOf(next) };
    if (record.problem !== undefined) return { ...record, cells: [] };
    const { text } = record;
    // Of ASCII, places in the bytes are places in the text.
    const isAscii = text.length === textEnd - this.#start;
    return {
      ...record,
      cells: cells.map(({ from, to, isQuoted }) => {
        if (from === to) return isQuoted ? '' : null;
        const cell = isAscii
          ? text.slice(from - this.#start, to - this.#start)
          : this.#bytes.toString('utf8', from, to);
        return isQuoted ? cell.replaceAll('""', '"') : cell;
      }),
    };
  }

  /** In all bytes, of a place in those that are held. */
  #placeOf(at: number): number {
    return this.#taken - this.#bytes.length + at;
  }

  #advance(next: number): void {
    this.#line += linesIn(this.#bytes, this.#start, next);
    this.#start = next;
  }

  /** Whether what an open quote took in looks like rows of this table: then it is a stray one. */
  #areRows(from: number): boolean {
    if (this.#columns < 2) return false;
    for (let count = 0, at = from; count < COMPARED_LINES; count += 1) {
      const line = lineFrom(this.#bytes, at, false);
      if (line === null) return false;
      const text = this.#bytes.toString('latin1', at, line.end);
      const cells = text.split(this.#delimiter.toString('latin1')).length;
      if (cells !== this.#columns) return false;
      at = line.next;
    }
    return true;
  }

  #beginSkipping(): void {
    this.#skipping = new Skipping(this.#delimiter);
    this.#skipping.take(this.#bytes.subarray(this.#start));
    this.#bytes = Buffer.alloc(0);
    this.#start = 0;
  }

  /** @param after bytes that came after its end */
  #skipped(skipping: Skipping, after: number): CsvRow {
    const row = { ...skipping.record(this.#line), cells: [], end: this.#taken - after };
    this.#line += skipping.lines;
    this.#skipping = null;
    this.#size = 0;
    this.#lookAgainAt = 0;
    return row;
  }
}

/** Where a cell stands in the bytes, without its quotes. */
interface Cell {
  readonly from: number;
  readonly to: number;
  readonly isQuoted: boolean;
}

interface Row {
  readonly cells: readonly Cell[];
  /** Before the end of its line. */
  readonly end: number;
  readonly next: number;
}

/** MORE: more bytes are needed to tell. */
type Scanned = Row | 'MORE' | 'BAD_QUOTE';

function scanRow(bytes: Buffer, start: number, delimiter: Buffer, isLast: boolean): Scanned {
  const cells: Cell[] = [];
  for (let at = start; ;) {
    const isQuoted = bytes[at] === QUOTE;
    const from = isQuoted ? at + 1 : at;
    const to = isQuoted ? closingQuote(bytes, from) : endOfCell(bytes, from, delimiter);
    if (to === -1) return isLast ? 'BAD_QUOTE' : 'MORE';
    cells.push({ from, to, isQuoted });
    at = isQuoted ? to + 1 : to;
    if (!isLast && bytes.length - at < delimiter.length) return 'MORE';
    if (isAt(bytes, at, delimiter)) {
      at += delimiter.length;
      continue;
    }
    if (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) return 'BAD_QUOTE';
    const next = afterLineEnd(bytes, at, isLast);
    return next === null ? 'MORE' : { cells, end: at, next };
  }
}

/** Two quotes within a cell stand for one. -1: there is none. */
function closingQuote(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(QUOTE, from);
  while (at !== -1 && bytes[at + 1] === QUOTE) at = bytes.indexOf(QUOTE, at + 2);
  return at;
}

function endOfCell(bytes: Buffer, from: number, delimiter: Buffer): number {
  let at = from;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === LF || byte === CR) break;
    if (byte === delimiter[0] && isAt(bytes, at, delimiter)) break;
  }
  return at;
}

function isAt(bytes: Buffer, at: number, delimiter: Buffer): boolean {
  for (let index = 0; index < delimiter.length; index += 1) {
    if (bytes[at + index] !== delimiter[index]) return false;
  }
  return true;
}

/** Null: the byte that tells is not there yet. */
function afterLineEnd(bytes: Buffer, at: number, isLast: boolean): number | null {
  if (!isLast && at + (bytes[at] === CR ? 1 : 0) >= bytes.length) return null;
  return Math.min(bytes.length, at + (bytes[at] === CR && bytes[at + 1] === LF ? 2 : 1));
}

/** A line of text, whatever quotes are in it; null: its end is not there yet. */
function lineFrom(bytes: Buffer, start: number, isLast: boolean) {
  let end = start;
  while (end < bytes.length && bytes[end] !== LF && bytes[end] !== CR) end += 1;
  const next = afterLineEnd(bytes, end, isLast);
  return next === null ? null : { end, next };
}

function linesIn(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) count += 1;
  }
  return count;
}

/** Passes over a row that is too long to be held, up to the end of its last line. */
class Skipping {
  readonly #delimiterEnd: number;
  #size = 0;
  #shown: Buffer = Buffer.alloc(0);
  #inQuotes = false;
  /** What the byte before was. */
  #before: 'START_OF_CELL' | 'CLOSING_QUOTE' | 'CR' | null = 'START_OF_CELL';
  lines = 0;

  constructor(delimiter: Buffer) {
    this.#delimiterEnd = delimiter.at(-1) as number;
  }

  /** Where the row ends, -1: not in here. */
  take(chunk: Buffer): number {
    if (this.#size === 0) this.#shown = Buffer.from(chunk.subarray(0, SHOWN_BYTES_MAX));
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#before === 'CR' && !this.#inQuotes) return byte === LF ? at + 1 : at;
      if (byte === CR || (byte === LF && this.#before !== 'CR')) this.lines += 1;
      this.#step(byte);
      if (byte === LF && !this.#inQuotes) {
        this.#size += at;
        return at + 1;
      }
    }
    this.#size += chunk.length;
    return -1;
  }

  #step(byte: number): void {
    const opens = this.#before === 'START_OF_CELL' || this.#before === 'CLOSING_QUOTE';
    if (byte === QUOTE && this.#inQuotes) {
      this.#inQuotes = false;
      this.#before = 'CLOSING_QUOTE';
      return;
    }
    if (byte === QUOTE && opens) this.#inQuotes = true;
    const startsCell = byte === this.#delimiterEnd && !this.#inQuotes;
    this.#before = byte === CR ? 'CR' : startsCell ? 'START_OF_CELL' : null;
  }

  record(line: number): TextRecord {
    const record = textRecord(line, this.#shown, this.#size);
    return this.#inQuotes ? { ...record, problem: unclosed(line, line + this.lines) } : record;
  }
}

function unclosed(line: number, last: number): EventProblem {
  const message = `A quoted cell begins here and is never closed, so lines ${line} to ${last} are not read.`;
  return problem('NOT_CSV', '', message);
}
