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
 * build is seen at once; its files have a hash in their names.
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

const PAGE_HEADERS = {
  'content-security-policy': pagePolicy(),
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
