import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { withDatabase } from './database-url.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/**
 * A migrated database of its own, for one test file: `await using database = await …`, or
 * disposed in `afterAll`. Dropped with whoever is still connected.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('adminUrl');
  const name = `sluice_test_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create database ${name} template ${inject('templateDatabase')}`);
  return {
    url: withDatabase(adminUrl, name),
    [Symbol.asyncDispose]: () => asAdmin(`drop database if exists ${name} with (force)`),
  };
}

async function asAdmin(statement: string): Promise<void> {
  const admin = createDatabase({ url: inject('adminUrl'), applicationName: 'sluice-test-kit' });
  try {
    await admin.upkeep.query(statement);
  } finally {
    await admin.stop();
  }
}
