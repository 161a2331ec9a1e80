import { readFileSync } from 'node:fs';

const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');

/** Of this gateway, as its package says: MAJOR.MINOR.PATCH. */
export const VERSION = (JSON.parse(file) as { readonly version: string }).version;
