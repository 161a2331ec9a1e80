/** Bytes of any encoding → bytes of UTF-8 without a byte order mark. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import { peek, type Bytes } from './source.ts';

export interface Encoded {
  /** As error messages call it. */
  readonly file: string;
  /** A label of the Encoding Standard, such as latin1; undefined: what the first bytes say. */
  readonly encoding: string | undefined;
}

/** As many bytes as tell an encoding; a pipe that has fewer is not waited for. */
const MARK_BYTES = 3;

/**
 * UTF-16 is known by its byte order mark. Everything else is taken for UTF-8, and what is not is
 * refused: by the line where only some lines are, or at once where the file looks like another
 * encoding as a whole, since its lines would come in twice when it is imported again.
 *
 * @throws UsageError before anything is imported
 */
export async function utf8Of(bytes: Bytes, { file, encoding }: Encoded): Promise<Bytes> {
  const { start, all } = await peek(bytes, ({ length }) => length >= MARK_BYTES);
  const label = encoding ?? encodingOf(start);
  if (label !== undefined && !isUtf8Label(label)) return transcoded(all, label);
  if (encoding === undefined) checkIsUtf8(start, file);
  return withoutMark(all);
}

/** A whole file in UTF-8. A text of another encoding would be stored with other characters. */
export function textIn(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${path} is not UTF-8. Save it as UTF-8.`);
  }
}

/** Whether Node knows an encoding of this name. */
export function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

function isUtf8Label(label: string): boolean {
  return new TextDecoder(label).encoding === 'utf-8';
}

function encodingOf(start: Buffer): string | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be';
  return undefined;
}

function checkIsUtf8(start: Buffer, file: string): void {
  // Neither JSON nor a table holds U+0000, and UTF-16 holds one in every character of English.
  const zero = start.subarray(0, 2).indexOf(0);
  if (zero !== -1) {
    const label = zero === 0 ? 'utf-16be' : 'utf-16le';
    throw new UsageError(`${file} looks like UTF-16. Use --encoding ${label}.`);
  }
  const lines = linesOf(start);
  const other = lines.findIndex((line, index) => !isUtf8Line(line, index === lines.length - 1));
  const isUtf8ElseWhere = lines.some(line => isUtf8(line) && line.some(byte => byte >= 0x80));
  if (other === -1 || isUtf8ElseWhere) return;
  throw new UsageError(
    `${file} is not UTF-8: see line ${other + 1}. Set its encoding with --encoding, such as --encoding windows-1252 for a table from Excel. --encoding utf-8 refuses only the lines that are not UTF-8.`,
  );
}

function linesOf(start: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = start.indexOf(0x0a); at !== -1; at = start.indexOf(0x0a, from)) {
    lines.push(start.subarray(from, at));
    from = at + 1;
  }
  return [...lines, start.subarray(from)];
}

/** @param isLast then it may be cut off within a character */
function isUtf8Line(line: Buffer, isLast: boolean): boolean {
  if (isUtf8(line)) return true;
  if (!isLast) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(line, { stream: true });
    return true;
  } catch {
    return false;
  }
}

async function* withoutMark(bytes: Bytes): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of bytes) {
    const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    yield hasMark ? chunk.subarray(3) : chunk;
    isFirst = false;
  }
}

/** @throws Error where the bytes are not of the encoding */
async function* transcoded(bytes: Bytes, label: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(label, { fatal: true });
  try {
    // Always as a stream: without, Node 20 takes windows-1252 for ISO 8859-1, which has no euro.
    for await (const chunk of bytes) yield Buffer.from(decoder.decode(chunk, { stream: true }));
    yield Buffer.from(decoder.decode());
  } catch (error) {
    const isFault = (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
    throw isFault ? new Error(`The input is not ${decoder.encoding}.`) : error;
  }
}
