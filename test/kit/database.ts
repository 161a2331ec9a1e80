import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { asRole, withDatabase } from './database-url.ts';

const PREFIX = 'sluice_test_';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/**
 * A migrated database of its own, for one test file: `await using database = await …`, or
 * disposed in `afterAll`. Dropped with whoever is still connected.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('adminUrl');
  const name = `${PREFIX}${randomBytes(6).toString('hex')}`;
  // In memory, where the suite has a server of its own, files are copied for half of the work.
  const strategy = process.env['TEST_DATABASE_URL'] === undefined ? 'strategy file_copy' : '';
  await asAdmin(`create database ${name} template ${inject('templateDatabase')} ${strategy}`);
  return {
    url: withDatabase(adminUrl, name),
    [Symbol.asyncDispose]: () => asAdmin(`drop database if exists ${name} with (force)`),
  };
}

/**
 * Where gateways find such a database. With `TEST_GATEWAY_ROLE` they own nothing in it: the tests
 * that pass then show that they need not.
 */
export function ofGateways(url: string): string {
  const isCopy = new URL(url).pathname.startsWith(`/${PREFIX}`);
  const isLowly = isCopy && process.env['TEST_GATEWAY_ROLE'] !== undefined;
  return isLowly ? asRole(url, inject('gatewayRole')) : url;
}

async function asAdmin(statement: string): Promise<void> {
  const admin = createDatabase({ url: inject('adminUrl'), applicationName: 'sluice-test-kit' });
  try {
    await admin.upkeep.query(statement);
  } finally {
    await admin.stop();
  }
}
