import { readFileSync } from 'node:fs';

/** Of this gateway, as its package says: MAJOR.MINOR.PATCH. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;
