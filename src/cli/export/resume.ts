/** Where an export that was broken off goes on: its file says it, and there is no other state. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { csvRows } from '../import/csv-rows.ts';

export interface Place {
  /** Cursor of the last whole event in the file; undefined where there is none. */
  readonly after: string | undefined;
  /** Up to where the file is whole, in bytes. */
  readonly bytes: number;
}

const CHUNK = 65_536;

/** The last whole line of JSON. What comes after it was being written when the export broke off. */
export async function resumeNdjson(file: string): Promise<Place> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const end = (await newlineBefore(handle, size)) + 1;
    if (end === 0) return { after: undefined, bytes: 0 };
    const start = (await newlineBefore(handle, end - 1)) + 1;
    const line = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    return { after: cursorOf(line.buffer.toString('utf8'), file), bytes: end };
  } finally {
    await handle.close();
  }
}

/** The place of the last newline before a place; -1 for none. */
async function newlineBefore(handle: FileHandle, before: number): Promise<number> {
  for (let end = before; end > 0; end -= CHUNK) {
    const start = Math.max(0, end - CHUNK);
    const { buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    const at = buffer.lastIndexOf('\n');
    if (at !== -1) return start + at;
  }
  return -1;
}

function cursorOf(line: string, file: string): string {
  try {
    const { cursor } = JSON.parse(line) as { cursor?: unknown };
    if (typeof cursor === 'string') return cursor;
  } catch {
    // Said below.
  }
  throw new UsageError(`${file} does not end with an exported event. Use --force to overwrite it.`);
}

/** Cells may hold newlines: only a look at every row tells where one ends. */
export async function resumeCsv(file: string): Promise<Place & { columns: string[] | null }> {
  let columns: string[] | null = null;
  let last: WholeRow | null = null;
  let before: WholeRow | null = null;
  for await (const { cells, end, problem } of csvRows(createReadStream(file), ',')) {
    // What is not well-formed was cut off.
    if (problem !== undefined) break;
    const row = cells.map(cell => cell ?? '');
    columns ??= row;
    [before, last] = [last, { cells: row, bytes: end }];
  }
  const whole = last !== null && (await endsLine(file, last.bytes)) ? last : before;
  if (whole === null || columns === null) return { after: undefined, bytes: 0, columns: null };
  const at = columns.indexOf('cursor');
  if (at === -1)
    throw new UsageError(`${file} has no column "cursor". Use --force to overwrite it.`);
  const after = whole.cells === columns ? undefined : whole.cells[at];
  return { after, bytes: whole.bytes, columns };
}

interface WholeRow {
  readonly cells: string[];
  readonly bytes: number;
}

async function endsLine(file: string, bytes: number): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, bytes - 1);
    return bytesRead === 1 && buffer[0] === 0x0a;
  } finally {
    await handle.close();
  }
}
