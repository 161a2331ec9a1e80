import { readFileSync } from 'node:fs';

/** Written by the build of the console; the same from `src/graphql-http` and from `dist/graphql-http`. */
const BUILT = new URL('../../dist/console/documents.json', import.meta.url);

/** The documents of the console that is served from here; none where it is not built. */
export function consoleDocuments(file: URL = BUILT): string[] {
  try {
    return Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>);
  } catch {
    return [];
  }
}
