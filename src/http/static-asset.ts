import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip, type InputType } from 'node:zlib';
import { takesGzip } from './accept.ts';

/** A file of a page, kept as it is sent to most. */
export interface StaticAsset {
  readonly type: string;
  readonly zipped: Buffer;
  /**
   * For those who take no gzip. Made when the first of them comes, and the same for all: a stranger
   * may ask for it again and again, and read nothing of it.
   */
  plain?: Promise<Buffer>;
}

const zip = promisify<InputType, Buffer>(gzip);
const unzip = promisify<InputType, Buffer>(gunzip);

export async function staticAsset(type: string, content: string | Buffer): Promise<StaticAsset> {
  return { type, zipped: await zip(content) };
}

/** Sends a file whose path holds a hash of its content: what stands there never changes. */
export async function sendStaticAsset(
  asset: StaticAsset,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { type, zipped } = asset;
  const takesZipped = takesGzip(req.headers['accept-encoding'] as string | undefined);
  const body = takesZipped ? zipped : await (asset.plain ??= unzip(zipped));
  res.writeHead(200, {
    ...(takesZipped && { 'content-encoding': 'gzip' }),
    'content-type': `${type}; charset=utf-8`,
    'content-length': body.length,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/**
 * What a page of ours may load: files of this gateway and nothing else, and no script that stands in
 * the page itself. `more` are the directives in which a page differs.
 * @see https://www.w3.org/TR/CSP3/
 */
export function pagePolicy(more: Readonly<Record<string, string>> = {}): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'font-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    ...more,
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}
