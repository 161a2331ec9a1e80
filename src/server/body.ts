import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, type InputType, type ZlibOptions } from 'node:zlib';
import { GatewayError } from '../core/errors.ts';

/**
 * Reads request bodies within a bound, and refuses the rest early.
 *
 * Yoga's own limiter pipes each body through a web stream, which halves throughput; here the chunks
 * are counted as they come. `gzip` and `deflate` are read, since a batch of events shrinks tenfold,
 * and the bound holds for what comes out; any other Content-Encoding is refused, never ignored.
 */

type Inflate = (body: InputType, options: ZlibOptions) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Inflate>> = {
  gzip: promisify<InputType, ZlibOptions, Buffer>(gunzip),
  'x-gzip': promisify<InputType, ZlibOptions, Buffer>(gunzip),
  deflate: promisify<InputType, ZlibOptions, Buffer>(inflate),
};

/** Tells clients what may be sent instead. @see https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 */
export const ENCODINGS_READ = 'gzip, deflate';

/**
 * The whole body, inflated.
 * @throws GatewayError PAYLOAD_TOO_LARGE over the bound (whether declared, chunked or compressed),
 * UNSUPPORTED_MEDIA_TYPE for an unknown Content-Encoding, BAD_REQUEST for one that lies or a body
 * that breaks off.
 */
export async function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const encoding = req.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const decode = DECODERS[encoding];
  if (decode === undefined && encoding !== 'identity' && encoding !== '') {
    throw new GatewayError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Encoding is expected to be one of ${ENCODINGS_READ}, or absent.`,
    );
  }
  if (exceeds(req, bytesMax)) throw tooLarge(bytesMax);
  const sent = await collect(req, bytesMax);
  return decode === undefined ? sent : inflated(sent, decode, bytesMax);
}

/** Whether a request says by itself that it has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Whether a request says by itself that its body is over the bound. */
export function exceeds(req: IncomingMessage, bytesMax: number): boolean {
  return Number(req.headers['content-length'] ?? 0) > bytesMax;
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

function collect(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    function onData(chunk: Buffer): void {
      bytes += chunk.length;
      if (bytes <= bytesMax) return void chunks.push(chunk);
      chunks.length = 0;
      stop();
      req.pause();
      reject(tooLarge(bytesMax));
    }
    function onEnd(): void {
      stop();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    }
    function onBreak(cause?: Error): void {
      stop();
      reject(new GatewayError('BAD_REQUEST', 'The request body broke off.', { cause }));
    }
    function stop(): void {
      req.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak);
    }
    req.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak);
  });
}

async function inflated(sent: Buffer, decode: Inflate, bytesMax: number): Promise<Buffer> {
  try {
    return await decode(sent, { maxOutputLength: bytesMax });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new GatewayError('BAD_REQUEST', 'The body is not what its Content-Encoding says.', {
      cause,
    });
  }
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `A body may have at most ${bytesMax} bytes.`);
}
