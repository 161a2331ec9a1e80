import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown, type Plugin } from 'rolldown';

/** Where the build of this run is: what runs outside of the suite has none. */
const BUILT = 'TEST_BUILD';

/** Node's arguments that run `sluice`: from the build of this run, else from the sources. */
export function sluiceProgram(): readonly string[] {
  const built = process.env[BUILT];
  if (built !== undefined) return [join(built, 'cli', 'main.js')];
  return ['--import', import.meta.resolve('tsx'), resolve('src/cli/main.ts')];
}

/** An entry of the build for processes of their own, such as `client/index`. */
export function builtModule(name: string): string {
  return join(process.env[BUILT] as string, `${name}.js`);
}

/**
 * Bundles `src` with the packages that it uses, once for the suite, which starts the program many
 * times: from one file it starts for half of the work that a thousand files make. The folder looks
 * like this repository to what runs in it.
 */
export async function buildProgram(): Promise<{ remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-build-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  for (const name of ['package.json', 'node_modules', 'src', 'dist']) {
    symlinkSync(resolve(name), join(folder, name));
  }
  const built = join(folder, 'build');
  try {
    await bundle(built);
    process.env[BUILT] = built;
  } catch (error) {
    // A fault in one file hurts those alone that load it: from its sources the program still runs.
    console.error(error);
  }
  return { remove };
}

/** What is started, and what is imported, by its name. */
const ENTRIES = ['cli/main', 'json-schema/thread', 'client/index'];

async function bundle(built: string): Promise<void> {
  const made = await rolldown({
    input: Object.fromEntries(ENTRIES.map(name => [name, `src/${name}.ts`])),
    platform: 'node',
    external: id => id === GRAPHIQL,
    plugins: [inPlace(built)],
  });
  await made.write({ dir: built, entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' });
  await made.close();
}

/** Nine megabytes that one page is made of, and few tests ask for. */
const GRAPHIQL = '@graphql-yoga/render-graphiql/graphiql';

/** Each module finds files as if it lay where `tsc` would have put it. */
function inPlace(built: string): Plugin {
  const root = resolve('src');
  return {
    name: 'in-place',
    transform: {
      filter: { code: 'import.meta.url' },
      handler(code, id) {
        const place = relative(root, id);
        if (place.startsWith('..')) return null;
        const url = pathToFileURL(join(built, place.replace(/\.ts$/, '.js'))).href;
        return code.replaceAll('import.meta.url', JSON.stringify(url));
      },
    },
  };
}
