import { migrate } from '../db/migrate.ts';
import { withDatabase } from './database.ts';

/** Brings the database to this version, as `serve` does when it starts. */
export async function migrateDatabase(): Promise<void> {
  const applied = await withDatabase(db => migrate(db.upkeep));
  for (const { version, name } of applied) process.stdout.write(`applied ${version} ${name}\n`);
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : 'Done.\n');
}
