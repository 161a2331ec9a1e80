import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformWithOxc } from 'vite';

/** Where the build of this run is: what runs outside of the suite has none. */
const BUILT = 'TEST_BUILD';

/** Node's arguments that run `sluice`: from the build of this run, else from the sources. */
export function sluiceProgram(): readonly string[] {
  const built = process.env[BUILT];
  if (built !== undefined) return [join(built, 'cli', 'main.js')];
  return ['--import', import.meta.resolve('tsx'), resolve('src/cli/main.ts')];
}

/** A module of `src` for processes of their own, such as `client/index`. */
export function builtModule(name: string): string {
  return join(process.env[BUILT] as string, `${name}.js`);
}

/**
 * Takes the types out of `src`, once for the suite, which starts the program many times: from its
 * sources each start costs several times as much. The folder looks like this repository to what
 * runs in it. One file at a time, so that a fault in one hurts those alone that load it.
 */
export async function buildProgram(): Promise<{ remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-build-'));
  for (const name of ['package.json', 'node_modules', 'src', 'dist']) {
    symlinkSync(resolve(name), join(folder, name));
  }
  const built = join(folder, 'build');
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const sources = files.filter(file => file.endsWith('.ts') && !file.startsWith('console'));
  await Promise.all(sources.map(file => emit(file, built)));
  process.env[BUILT] = built;
  return { remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function emit(file: string, folder: string): Promise<void> {
  const source = readFileSync(join('src', file), 'utf8');
  const { code } = await transformWithOxc(source, file, { target: 'node20' });
  const target = join(folder, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code.replace(/((?:from|import)\s*\(?["']\.[^"']+)\.ts(?=["'])/g, '$1.js'));
}
