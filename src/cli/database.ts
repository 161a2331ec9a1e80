import { readConfig } from '../config.ts';
import { createDatabase, type Database } from '../db/client.ts';
import { startEmbeddedPostgres } from '../db/embedded.ts';
import { readVersion } from '../db/installation.ts';
import { readMigrations } from '../db/migrate.ts';
import { NothingThereError } from './errors.ts';

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
