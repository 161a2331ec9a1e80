import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** When anything in a folder was last changed, in ms. */
export function newestChangeMs(folder) {
  const files = readdirSync(folder, { recursive: true });
  return Math.max(...files.map(file => statSync(join(folder, file)).mtimeMs));
}
