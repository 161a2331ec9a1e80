import { renewEpoch } from '../db/installation.ts';
import { withInstallation } from './database.ts';

/** Renews the epoch: cursors from before it are refused with CURSOR_EPOCH from the next start on. */
export async function renewDatabaseEpoch({ keep = false }: { keep?: boolean }): Promise<void> {
  const epoch = await withInstallation(db => renewEpoch(db.write, { keep }));
  const said = keep ? `stays ${epoch}` : `is now ${epoch}`;
  process.stdout.write(`The epoch ${said}. Start the gateways again.\n`);
}
