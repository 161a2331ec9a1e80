/** The bytes of a file or of standard input, unpacked where they are gzip, with a count of them. */
import { createReadStream, fstatSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from '../errors.ts';

export type Bytes = AsyncIterable<Buffer>;

export interface Source {
  /** What its events' ids are made of, beside the lines; null: nobody can tell it again. */
  readonly name: string | null;
  /** Unpacked. */
  readonly bytes: Bytes;
  /** How many bytes there are, before unpacking; null where that is not known. */
  readonly size: number | null;
  /** How many of them were read. */
  readonly read: () => number;
}

/** @throws NodeJS.ErrnoException ENOENT */
export async function openSource(file: string): Promise<Source> {
  const isStdin = file === '-';
  const fd = isStdin ? 0 : openSync(file, 'r');
  const stat = fstatSync(fd);
  if (stat.isDirectory()) throw new UsageError(`${file} is a folder. Expected a file.`);
  let count = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of isStdin ? process.stdin : createReadStream(file, { fd })) {
      count += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  return {
    name: isStdin ? null : basename(file).replace(/\.gz$/, ''),
    bytes: await unpacked(counted()),
    size: stat.isFile() ? stat.size : null,
    read: () => count,
  };
}

async function unpacked(raw: Bytes): Promise<Bytes> {
  const { start, all } = await peek(raw, ({ length }) => length >= 2);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  return isGzip ? gunzipped(all) : all;
}

async function* gunzipped(packed: Bytes): AsyncGenerator<Buffer> {
  const source = Readable.from(packed);
  const unpacking = createGunzip();
  source.on('error', error => unpacking.destroy(error)).pipe(unpacking);
  try {
    yield* unpacking as AsyncIterable<Buffer>;
  } catch (error) {
    const isBroken = (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true;
    throw isBroken ? new Error('The gzip file is incomplete or damaged.') : error;
  }
}

/** The first bytes, as many as are enough or as there are, beside all of them. */
export async function peek(
  bytes: Bytes,
  isEnough: (start: Buffer) => boolean,
): Promise<{ start: Buffer; all: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let start = Buffer.alloc(0);
  for (let size = 0, next = 0; ;) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    chunks.push(value);
    size += value.length;
    // Long ones are looked at each time they have doubled: the time stays in proportion.
    if (size < next) continue;
    start = Buffer.concat(chunks);
    if (isEnough(start)) break;
    next = size < LOOK_AGAIN_BYTES ? 0 : 2 * size;
  }
  start = Buffer.concat(chunks);
  async function* all(): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { start, all: all() };
}

const LOOK_AGAIN_BYTES = 65_536;
