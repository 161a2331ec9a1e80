import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a suite writes, several times over. */
const ROOM_BYTES = 4 * 2 ** 30;

/** In memory, where a machine has so much to spare: the suite makes hundreds of databases. */
export function quickFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > ROOM_BYTES ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}

/**
 * Lets the suite and what it starts have their temporary files in memory, and removes them all in
 * the end. Packages are installed there: on a disk that is half of the work. Not where somebody
 * has said by TMPDIR where they are to be, nor where no program can be run from memory.
 */
export function useQuickTemporary(): { remove(): void } {
  const { TMPDIR } = process.env;
  if (TMPDIR !== undefined) return { remove: () => {} };
  const folder = mkdtempSync(join(quickFolder(), 'sluice-'));
  // Postgres' own user must be able to enter, where the suite runs as root.
  chmodSync(folder, 0o711);
  if (runsFrom(folder)) process.env['TMPDIR'] = folder;
  return {
    remove() {
      delete process.env['TMPDIR'];
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runsFrom(folder: string): boolean {
  const program = join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  return spawnSync(program).status === 0;
}
