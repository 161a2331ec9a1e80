import { readConfig } from '../config.ts';
import { createDatabase, type Database } from '../db/client.ts';
import { startEmbeddedPostgres } from '../db/embedded.ts';

/** Works on `DATABASE_URL`, else on the embedded Postgres of the data folder. */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDir } = readConfig(process.env);
  const embedded =
    databaseUrl === null ? await startEmbeddedPostgres({ dataDir, log: () => {} }) : null;
  const db = createDatabase({ url: databaseUrl ?? (embedded?.url as string) });
  try {
    return await work(db);
  } finally {
    await db.stop();
    await embedded?.stop();
  }
}
