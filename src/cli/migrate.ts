import { migrate } from '../db/migrate.ts';
import { checkServer } from '../db/server-check.ts';
import { withDatabase } from './database.ts';

/** Brings the database to this version, as `serve` does when it starts. */
export async function migrateDatabase(): Promise<void> {
  const applied = await withDatabase(async db => {
    await checkServer(db.upkeep);
    return migrate(db.upkeep);
  });
  for (const { version, name } of applied) process.stdout.write(`applied ${version} ${name}\n`);
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : 'Done.\n');
}
