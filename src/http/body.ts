import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import { GatewayError } from '../core/errors.ts';
import type { Work } from './admission.ts';

/**
 * Reads request bodies within a bound, and refuses the rest early.
 *
 * Yoga's own limiter pipes each body through a web stream, which halves throughput; here the chunks
 * are counted as they come. `gzip` and `deflate` are read, since a batch of events shrinks tenfold,
 * and the bound holds for what comes out; any other Content-Encoding is refused, never ignored.
 */

const DECODERS: Readonly<Record<string, () => Gunzip | Inflate>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
};

/** Tells clients what may be sent instead. @see https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 */
export const ENCODINGS_READ = 'gzip, deflate';

/** Whose body it is, and where its bytes are counted. */
export interface Sender {
  readonly req: IncomingMessage;
  readonly work: Work | undefined;
}

/**
 * The whole body, inflated.
 * @param implied its encoding where no header tells it
 * @throws GatewayError PAYLOAD_TOO_LARGE over the bound (whether declared, chunked or compressed),
 * UNSUPPORTED_MEDIA_TYPE for an unknown Content-Encoding, BAD_REQUEST for one that lies or a body
 * that breaks off, OVERLOADED where there is no room for it.
 */
export async function readBody(
  { req, work }: Sender,
  bytesMax: number,
  implied = 'identity',
): Promise<Buffer> {
  const encoding = req.headers['content-encoding']?.trim().toLowerCase() ?? implied;
  const decode = DECODERS[encoding];
  if (decode === undefined && encoding !== 'identity' && encoding !== '') {
    throw new GatewayError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Encoding must be one of ${ENCODINGS_READ}, or absent.`,
    );
  }
  if (exceeds(req, bytesMax)) throw tooLarge(bytesMax);
  let known = declaredBytes(req);
  const collecting: Collecting = {
    bytesMax,
    broken: 'The request body broke off.',
    onBytes(bytes) {
      if (bytes > known) work?.grow(bytes - known);
      known = Math.max(bytes, known);
    },
  };
  const sent = await collect(req, collecting);
  if (decode === undefined) return sent;
  const inflating = decode();
  inflating.end(sent);
  const broken = 'The body does not match its Content-Encoding.';
  return collect(inflating, { ...collecting, broken }).finally(() => inflating.destroy());
}

/** Whether a request says by itself that it has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What a request says of the size of its body; 0 where it says nothing. */
export function declaredBytes({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** Whether a request says by itself that its body is over the bound. */
export function exceeds(req: IncomingMessage, bytesMax: number): boolean {
  return declaredBytes(req) > bytesMax;
}

/** What is still read of a body that was refused. */
const DRAIN_BYTES_MAX = 33_554_432;
const DRAIN_MS = 2_000;
const DRAIN_CHECK_MS = 50;

/**
 * Reads the rest of a refused body, within bounds, and resolves: a sender that is still writing
 * when the connection closes sees a broken pipe, and never the refusal. One that goes on beyond the
 * bounds is cut.
 */
export function drained(req: IncomingMessage): Promise<void> {
  return new Promise(resolve => {
    if (req.complete || req.destroyed) return resolve();
    const { socket } = req;
    const bytesBefore = socket.bytesRead;
    const deadline = Date.now() + DRAIN_MS;
    const timer = setInterval(() => {
      const bytes = socket.bytesRead - bytesBefore;
      if (bytes > DRAIN_BYTES_MAX || Date.now() > deadline) req.destroy();
    }, DRAIN_CHECK_MS);
    function done(): void {
      clearInterval(timer);
      resolve();
    }
    req.once('end', done).once('close', done).once('error', done);
    req.resume();
  });
}

interface Collecting {
  readonly bytesMax: number;
  /** Hears how many bytes there are, with each chunk. @throws GatewayError */
  readonly onBytes: (bytes: number) => void;
  /** What is said when the end does not come. */
  readonly broken: string;
}

function collect(source: Readable, { bytesMax, onBytes, broken }: Collecting): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    function onData(chunk: Buffer): void {
      bytes += chunk.length;
      try {
        if (bytes > bytesMax) throw tooLarge(bytesMax);
        onBytes(bytes);
        chunks.push(chunk);
      } catch (error) {
        chunks.length = 0;
        stop();
        source.pause();
        reject(error as Error);
      }
    }
    function onEnd(): void {
      stop();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    }
    function onBreak(cause?: Error): void {
      stop();
      reject(new GatewayError('BAD_REQUEST', broken, { cause }));
    }
    function stop(): void {
      source.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak);
    }
    source.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak);
  });
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A body may have at most ${bytesMax} bytes.`);
}
