/** Files that the gateway and the command line keep for themselves, such as keys. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Only this user may read it. */
const OWN = 0o600;

/**
 * Writes a file in place of whatever has its name: a symbolic link that somebody put there is
 * replaced, not followed, and what others may read is not written into.
 * @param mode of the file. @default only this user may read it
 * @throws the error of the file system, such as EACCES
 */
export function writeOwnFile(path: string, text: string, mode = OWN): void {
  const draft = `${path}.${process.pid}`;
  // A process that was killed may have left one.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode, flag: 'wx' });
  renameSync(draft, path);
}
