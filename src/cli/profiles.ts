/** Addresses of gateways and their keys, kept in a file of this user between commands. */
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeOwnFile } from '../security/own-file.ts';
import { UsageError } from './errors.ts';

export interface Profile {
  readonly url: string;
  readonly key: string;
}

export const DEFAULT_PROFILE = 'default';

function profilesFile(): string {
  const folder = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return join(folder, 'sluice', 'profiles.json');
}

/** @throws UsageError where the file is there and cannot be read */
export function readProfiles(): Readonly<Record<string, Profile>> {
  const file = profilesFile();
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Profile>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new UsageError(
      `The file of profiles cannot be read: ${file}. Run "sluice logout --all".`,
    );
  }
}

/** Replaces the whole file at once, which nobody else may read. Returns where it is. */
export function writeProfiles(profiles: Readonly<Record<string, Profile>>): string {
  const file = profilesFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeOwnFile(file, `${JSON.stringify(profiles, null, 2)}\n`);
  return file;
}
