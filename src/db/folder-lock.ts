import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderLock {
  release(): void;
}

const held = new Set<string>();

/**
 * Makes this process the only one that works on a folder. Node has no flock, so the lock is a
 * file that names its owner by pid and start time; that of a dead owner is put aside.
 * @throws Error that names folder and pid when a living process holds it.
 */
export function lockFolder(folder: string): FolderLock {
  const file = join(folder, 'gateway.lock');
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o644 });
  try {
    while (!tryLink(own, file)) {
      const owner = readOwner(file);
      if (owner !== undefined && isAlive(owner, file)) {
        const message = `${folder} is in use by the gateway with process id ${owner.pid}`;
        throw new Error(`${message}: stop it, or set SLUICE_DATA_DIR to another folder`);
      }
      putAside(file, owner);
    }
  } finally {
    rmSync(own, { force: true });
  }
  held.add(file);
  return {
    release: () => {
      if (held.delete(file)) rmSync(file, { force: true });
    },
  };
}

interface Owner {
  readonly pid: number;
  readonly text: string;
}

function readOwner(file: string): Owner | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    return { pid: Number.parseInt(text, 10), text };
  } catch {
    return undefined;
  }
}

function isAlive({ pid, text }: Owner, file: string): boolean {
  if (pid === process.pid) return held.has(file);
  const start = text.trim().split(' ')[1] ?? '';
  return processExists(pid) && startOf(pid) === start;
}

/** Renamed, not removed: of two that find a dead owner, one may meanwhile have locked anew. */
function putAside(file: string, owner: Owner | undefined): void {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== owner?.text) tryLink(aside, file);
    rmSync(aside, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

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

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
