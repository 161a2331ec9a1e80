import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { GatewayError } from '../core/errors.ts';
import { answer } from './answer.ts';
import { pathOf, type HttpHandler } from './handler.ts';
import { pagePolicy, sendStaticAsset, staticAsset, type StaticAsset } from './static-asset.ts';

/**
 * The console: one page, at `/` and at the addresses that it keeps its views under, and the files
 * that `npm run build` made for it. The page itself is asked for anew each time, so that a new
 * build is seen at once; its files have a hash in their names, but for those that browsers know by
 * their names: the service worker, and what makes the console an app.
 */
export function createConsole(folder = BUILT): HttpHandler {
  const assets = new Map<string, StaticAsset>();

  async function assetAt(path: string): Promise<StaticAsset | undefined> {
    const name = path.slice(ASSETS.length);
    const type = TYPES[extname(name)];
    if (!path.startsWith(ASSETS) || !type || !/^[\w.-]+$/.test(name)) return undefined;
    const known = assets.get(name);
    if (known) return known;
    const content = await readIfThere(new URL(`assets/${name}`, folder));
    if (!content) return undefined;
    const asset = await staticAsset(type, content);
    assets.set(name, asset);
    return asset;
  }

  return {
    name: 'console',
    isPublic: true,
    readOnly: 'The console supports GET.',
    matches: path => path === '/' || `${path}/`.startsWith(VIEWS) || path.startsWith(OWN),
    async handle({ req, res }) {
      const path = pathOf(req);
      if (!path.startsWith(OWN)) return sendPage(folder, res);
      const type = NAMED[path.slice(OWN.length)];
      const named = type && (await readIfThere(new URL(path.slice(OWN.length), folder)));
      if (type && named) return sendNamed(res, { type, content: named });
      const asset = await assetAt(path);
      if (asset) return sendStaticAsset(asset, req, res);
      throw new GatewayError('NOT_FOUND', 'There is no such file.');
    },
  };
}

/** The same from `src/http` and from `dist/http`. */
const BUILT = new URL('../../dist/console/', import.meta.url);
const VIEWS = '/w/';
const OWN = '/console/';
const ASSETS = `${OWN}assets/`;

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Asked for by these names, and so never kept without asking. */
const NAMED: Readonly<Record<string, string>> = {
  'service-worker.js': 'text/javascript; charset=utf-8',
  'manifest.webmanifest': 'application/manifest+json; charset=utf-8',
  'icon-192.png': 'image/png',
  'icon-512.png': 'image/png',
};

interface Named {
  readonly type: string;
  readonly content: Buffer;
}

function sendNamed(res: ServerResponse, { type, content }: Named): void {
  res.writeHead(200, {
    'content-type': type,
    'content-length': content.length,
    'cache-control': 'no-cache',
    // Of the worker: it asks nobody for anything.
    'content-security-policy': "default-src 'none'; img-src 'self'",
  });
  res.end(res.req.method === 'HEAD' ? undefined : content);
}

const PAGE_HEADERS = {
  'content-security-policy': pagePolicy({ 'manifest-src': "'self'" }),
  'cache-control': 'no-cache',
} as const;

async function sendPage(folder: URL, res: ServerResponse): Promise<void> {
  const page = await readIfThere(new URL('index.html', folder));
  if (page) {
    return answer(res, {
      status: 200,
      type: 'text/html',
      body: String(page),
      headers: PAGE_HEADERS,
    });
  }
  const body = 'The console is not built yet: run `npm run build`, then load this page again.\n';
  answer(res, { status: 404, type: 'text/plain', body });
}

async function readIfThere(file: URL): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch {
    return undefined;
  }
}
