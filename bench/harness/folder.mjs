import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder for a gateway's data that the user of Postgres may enter: as root it would otherwise
 * keep its data elsewhere, where nobody takes it away.
 */
export function makeDataFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  chmodSync(folder, 0o711);
  return folder;
}
