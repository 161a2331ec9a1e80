import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, showLife, type Life } from './liveness-socket.ts';

export interface FolderLock {
  release(): void;
}

const NAME = 'gateway.lock';
const held = new Set<string>();

/**
 * Makes this process the only one that works on a folder. Node has no flock, so the lock is a
 * file that names its owner: by a socket that answers while it lives, and by pid and start time
 * for where there can be no socket. Pids alone would not do: of two containers on one volume each
 * has a pid 1 of its own. The lock of a dead owner is put aside.
 * @throws Error that names folder and pid when a living process holds it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = join(folder, NAME);
  const life = await showLife(folder);
  const own = `${file}.${process.pid}.${life?.name ?? ''}`;
  // A killed process may have left a file of the same name.
  rmSync(own, { force: true });
  writeFileSync(own, `${process.pid} ${startOf(process.pid)} ${life?.name ?? ''}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    while (!tryLink(own, file)) {
      const owner = readOwner(file);
      if (owner !== undefined && (await isAlive(owner, folder))) throw inUse(folder, owner);
      putAside(file, owner);
      if (owner?.socket) rmSync(join(folder, owner.socket), { force: true });
    }
  } catch (error) {
    life?.end();
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
  held.add(file);
  return { release: () => release(file, life) };
}

function release(file: string, life: Life | undefined): void {
  if (!held.delete(file)) return;
  rmSync(file, { force: true });
  life?.end();
}

interface Owner {
  readonly pid: number;
  readonly start: string;
  /** '' where it has none. */
  readonly socket: string;
  readonly text: string;
}

function readOwner(file: string): Owner | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const [pid = '', start = '', socket = ''] = text.trim().split(' ');
    return { pid: Number.parseInt(pid, 10), start, socket, text };
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, start, socket }: Owner, folder: string): Promise<boolean> {
  if (socket !== '') return answers(folder, socket);
  if (pid === process.pid) return held.has(join(folder, NAME));
  return processExists(pid) && startOf(pid) === start;
}

function inUse(folder: string, { pid }: Owner): Error {
  const message = `${folder} is in use by the gateway with process id ${pid}`;
  return new Error(`${message}: stop it, or set SLUICE_DATA_DIR to another folder`);
}

/** Renamed, not removed: of two that find a dead owner, one may meanwhile have locked anew. */
function putAside(file: string, owner: Owner | undefined): void {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== owner?.text) tryLink(aside, file);
    rmSync(aside, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What can be told of a process by its id, here: in another container ids mean others. */
export function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Ticks since boot on Linux: pids come round again, in containers within seconds. Else ''. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? 'dead' : (fields[18] ?? '');
  } catch {
    return '';
  }
}
