/**
 * A registry of npm that has the packages of this repository's `node_modules` and no others, so
 * that npm installs without a network what it would get from the real one.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
}

export interface Registry extends AsyncDisposable {
  readonly url: string;
}

/** What nobody here runs or reads is half of all bytes: Postgres' own programs, and source maps. */
const LEFT_OUT = ['./node_modules', './native', '*.map'].map(name => `--exclude=${name}`);

export async function startRegistry(): Promise<Registry> {
  const folders = foldersOf();
  const server = createServer((req, res) => {
    const path = decodeURIComponent(new URL(req.url ?? '', url).pathname).slice(1);
    const folder = /^-\/(.+)\.tgz$/.exec(path)?.[1];
    if (folder !== undefined && [...folders.values()].some(known => known.has(folder))) {
      const tar = spawn('tar', ['-cf', '-', ...LEFT_OUT, '--transform=s,^\\.,package,', '.'], {
        cwd: resolve(folder),
      });
      tar.stdout.pipe(res);
      return;
    }
    const known = folders.get(path);
    if (known === undefined) {
      res.writeHead(404).end('{}');
      return;
    }
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(packument(path, known, url)));
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(closed => server.close(closed));
    },
  };
}

/** What each name may resolve to, by the folder, with what the lock file knows of it. */
function foldersOf(): Map<string, Map<string, Locked>> {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const found = new Map<string, Map<string, Locked>>();
  for (const [folder, locked] of Object.entries(packages)) {
    const name = /^.*node_modules\/(.+)$/.exec(folder)?.[1];
    if (name === undefined || locked.dev === true) continue;
    const known = found.get(name) ?? new Map<string, Locked>();
    found.set(name, known.set(folder, locked));
  }
  return found;
}

function packument(name: string, known: ReadonlyMap<string, Locked>, url: string) {
  const versions: Record<string, object> = {};
  for (const [folder, locked] of known) {
    const manifest = `${folder}/package.json`;
    // Those for other machines are not installed: npm reads in the lock that it can leave them out.
    const own = existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as object) : {};
    const dist = { tarball: `${url}/-/${encodeURIComponent(folder)}.tgz` };
    versions[locked.version] = { ...locked, ...own, name, version: locked.version, dist };
  }
  return { name, versions, 'dist-tags': { latest: Object.keys(versions).at(-1) } };
}
