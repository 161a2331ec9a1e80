import { readConfig } from '../config/config.ts';
import { AUDIT_SLUG, changesOf } from '../core/audit.ts';
import { verifierKeyOf } from '../core/signed-note.ts';
import type { Deed } from '../db/audit-log.ts';
import { createDatabase, type Connection, type Database } from '../db/client.ts';
import { startEmbeddedPostgres } from '../db/embedded.ts';
import { grantGateway } from '../db/grants.ts';
import { EPOCH_DUE, readInstallation, readVersion, renewEpoch } from '../db/installation.ts';
import { migrate, readMigrations } from '../db/migrate.ts';
import { checkServer } from '../db/server-check.ts';
import { transaction } from '../db/transaction.ts';
import { verify } from '../db/verify.ts';
import { rotateEvidenceKey } from '../evidence/keys.ts';
import { listTrees, verifyTree } from '../evidence/verify-tree.ts';
import { createUnheardAudit, ensureAuditWorkspace } from '../record/audit.ts';
import { EXIT, NothingThereError } from './errors.ts';
import { printable } from './output.ts';

/** Works on `DATABASE_URL`, else on the embedded Postgres of the data folder. */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDir } = readConfig(process.env);
  const embedded =
    databaseUrl === null ? await startEmbeddedPostgres({ dataDir, log: () => {} }) : null;
  const db = createDatabase({ url: databaseUrl ?? (embedded?.url as string) });
  try {
    await db.checkSessions();
    return await work(db);
  } finally {
    await db.stop();
    await embedded?.stop();
  }
}

/** The same, for what needs the tables of this version. */
export async function withInstallation<T>(work: (db: Database) => Promise<T>): Promise<T> {
  return withDatabase(async db => {
    assertCurrent(await readVersion(db.upkeep), readMigrations().at(-1)?.version ?? 0);
    return work(db);
  });
}

function assertCurrent(version: number | null, known: number): void {
  if (version === null) {
    const message = 'The database has no Sluice tables yet. Start a gateway on it';
    throw new NothingThereError(`${message}, or run "sluice migrate" once.`);
  }
  if (version === known) return;
  const message = `The database has version ${version}, this program has version ${known}`;
  const help =
    version > known ? 'use a newer program' : 'run "sluice migrate", or use an older program';
  throw new Error(`${message}: ${help}.`);
}

/** Brings the database to this version, as `serve` does when it starts. */
export async function migrateDatabase({ role }: { readonly role?: string }): Promise<void> {
  const applied = await withDatabase(async db => {
    await checkServer(db.upkeep);
    const migrations = await migrate(db.upkeep);
    if (role !== undefined) {
      await transaction(db.upkeep, connection => grantGateway(connection, role));
    }
    return migrations;
  });
  for (const { version, name } of applied) process.stdout.write(`applied ${version} ${name}\n`);
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : 'Done.\n');
  if (role !== undefined) {
    process.stdout.write(`The role ${role} may do what a gateway does, and nothing else.\n`);
  }
}

/** In one transaction with its audit, for which there is a place also before a gateway has started. */
async function recording<T>(
  db: Database,
  work: (connection: Connection, deed: Deed) => Promise<T>,
): Promise<T> {
  await ensureAuditWorkspace(db.write);
  return createUnheardAudit(db)(db.write, work, { actor: null });
}

/** Gateways sign with it within seconds, but for those that have SLUICE_EVIDENCE_KEY. */
export async function rotateDatabaseEvidenceKey(): Promise<void> {
  await withInstallation(async db => {
    await recording(db, async (connection, deed) => {
      const key = await rotateEvidenceKey(connection);
      await deed.record({
        type: 'sluice.evidence-key.rotated',
        subject: verifierKeyOf(AUDIT_SLUG, key.publicKey),
        workspaceId: null,
      });
    });
  });
  process.stdout.write(
    'A new key signs checkpoints now. "sluice checkpoint --json" prints its verifier ' +
      'key. Gateways with SLUICE_EVIDENCE_KEY continue to use that key.\n',
  );
}

/** Renews the epoch: cursors from before it are refused with CURSOR_EPOCH from the next start on. */
export async function renewDatabaseEpoch({ keep = false }: { keep?: boolean }): Promise<void> {
  const epoch = await withInstallation(db =>
    recording(db, async (connection, deed) => {
      const { epoch: before } = await readInstallation(connection);
      const after = await renewEpoch(connection, { keep });
      await deed.record({
        type: 'sluice.epoch.renewed',
        subject: after,
        workspaceId: null,
        ...changesOf({ epoch: before }, { epoch: after }),
      });
      return after;
    }),
  );
  const said = keep ? `stays ${epoch}` : `is now ${epoch}`;
  process.stdout.write(`The epoch ${said}. Start the gateways again.\n`);
}

/**
 * Prints a line a workspace and one for each violation; exit code 1 when there is any. Says when the
 * epoch is due, with a code of its own: nothing in the database is wrong.
 */
export async function verifyDatabase(): Promise<void> {
  await withInstallation(async db => {
    const { workspaces, violations: found } = await verify(
      db.upkeep,
      ({ workspace, events, head }) => {
        process.stdout.write(`${printable(`${workspace}: ${events} events, head ${head}`)}\n`);
      },
    );
    const violations = [...found];
    for (const tree of await listTrees(db.upkeep)) {
      const findings = (await verifyTree(db.upkeep, tree, null))?.findings ?? [];
      const rule = 'the log is that of its tree';
      violations.push(...findings.map(detail => ({ workspace: tree.slug, rule, detail })));
    }
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
