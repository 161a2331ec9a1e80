import { grantGateway } from '../db/grants.ts';
import { migrate } from '../db/migrate.ts';
import { checkServer } from '../db/server-check.ts';
import { transaction } from '../db/transaction.ts';
import { withDatabase } from './database.ts';

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
