import { EPOCH_DUE, readInstallation } from '../db/installation.ts';
import { verify } from '../db/verify.ts';
import { withInstallation } from './database.ts';
import { EXIT } from './errors.ts';
import { printable } from './output.ts';

/**
 * Prints a line a workspace and one for each violation; exit code 1 when there is any. Says when the
 * epoch is due, with a code of its own: nothing in the database is wrong.
 */
export async function verifyDatabase(): Promise<void> {
  await withInstallation(async db => {
    const { workspaces, violations } = await verify(db.upkeep, ({ workspace, events, head }) => {
      process.stdout.write(`${printable(`${workspace}: ${events} events, head ${head}`)}\n`);
    });
    for (const { workspace, rule, detail } of violations) {
      process.stdout.write(`${printable(`BROKEN in ${workspace}: ${rule}: ${detail}`)}\n`);
    }
    const verdict = violations.length === 0 ? 'every invariant holds' : 'invariants are broken';
    process.stdout.write(`${workspaces.length} workspaces: ${verdict}.\n`);
    const { isEpochDue } = await readInstallation(db.upkeep);
    if (isEpochDue) process.stdout.write(`EPOCH DUE: ${EPOCH_DUE}\n`);
    if (violations.length > 0) process.exitCode = EXIT.FAILED;
    else if (isEpochDue) process.exitCode = EXIT.EPOCH_DUE;
  });
}
