import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Several times what a suite writes. */
const ROOM_BYTES = 4 * 2 ** 30;

/** In memory, if the machine has enough: the suite makes hundreds of databases. */
export function quickFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > ROOM_BYTES ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}

/**
 * Puts the temporary files of the suite and of its child processes into memory, and removes them at
 * the end. Packages are installed there, which takes twice as long on a disk. If TMPDIR is set, or if
 * programs cannot be run from memory, the usual folder is used.
 */
export function useQuickTemporary(): { remove(): void } {
  const { TMPDIR } = process.env;
  if (TMPDIR !== undefined) return { remove: () => {} };
  const folder = mkdtempSync(join(quickFolder(), 'sluice-'));
  // If the suite runs as root, the user of Postgres must be able to enter.
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
