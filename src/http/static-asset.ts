import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip, type InputType } from 'node:zlib';
import { takesGzip } from './accept.ts';

/** A file of a page, kept as it is sent to most. */
export interface StaticAsset {
  readonly type: string;
  readonly zipped: Buffer;
}

const zip = promisify<InputType, Buffer>(gzip);
const unzip = promisify<InputType, Buffer>(gunzip);

export async function staticAsset(type: string, content: string | Buffer): Promise<StaticAsset> {
  return { type, zipped: await zip(content) };
}

/** Sends a file whose path holds a hash of its content: what stands there never changes. */
export async function sendStaticAsset(
  { type, zipped }: StaticAsset,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const takesZipped = takesGzip(req.headers['accept-encoding'] as string | undefined);
  const body = takesZipped ? zipped : await unzip(zipped);
  res.writeHead(200, {
    ...(takesZipped && { 'content-encoding': 'gzip' }),
    'content-type': `${type}; charset=utf-8`,
    'content-length': body.length,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}
