import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded.ts';
import { grantGateway } from '../../src/db/grants.ts';
import { migrate } from '../../src/db/migrate.ts';
import { transaction } from '../../src/db/transaction.ts';
import { browserPath } from './browser-path.ts';
import { withDatabase } from './database-url.ts';
import { buildProgram } from './program.ts';
import { quickFolder, useQuickTemporary } from './temporary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection to the server that the suite runs on. */
    adminUrl: string;
    /** A migrated database that nobody is connected to. */
    templateDatabase: string;
    /** Owns nothing, and may do in each copy of the template what a gateway does. Also its password. */
    gatewayRole: string;
    /** Whether the console's build is that of its sources; null where no browser would see it. */
    isConsoleBuilt: boolean | null;
  }
}

/** One Postgres for the suite, or that of TEST_DATABASE_URL, one migrated template in it, one build. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const undo: (() => unknown)[] = [];
  const teardown = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    undo.push(useQuickTemporary().remove);
    // Before the build: as root it takes on another user for moments, and with it all that runs in this process.
    const server = await startServer();
    undo.push(server.stop);
    const building = Promise.all([buildProgram(), isConsoleBuilt()]);
    undo.push(() => building.then(([{ remove }]) => remove()));
    const admin = createDatabase({ url: server.url });
    undo.push(() => admin.stop());
    const suffix = randomBytes(4).toString('hex');
    const [template, role] = [`sluice_template_${suffix}`, `sluice_gateway_${suffix}`];
    // A test that was cut off has left a database that knows the role: then it stays.
    undo.push(() => admin.upkeep.query(`drop role if exists ${role}`).catch(() => {}));
    await admin.upkeep.query(`create role ${role} login password '${role}'`);
    undo.push(() => admin.upkeep.query(`drop database if exists ${template} with (force)`));
    await admin.upkeep.query(`create database ${template}`);
    await admin.upkeep.query(`revoke temporary on database ${template} from public`);
    const database = createDatabase({ url: withDatabase(server.url, template) });
    await prepare(database, role).finally(() => database.stop());
    const [, isBuilt] = await building;
    provide('adminUrl', server.url);
    provide('templateDatabase', template);
    provide('gatewayRole', role);
    provide('isConsoleBuilt', isBuilt);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function prepare({ upkeep }: Database, role: string): Promise<void> {
  await migrate(upkeep);
  await transaction(upkeep, connection => grantGateway(connection, role));
}

/** Here and not in the tests, which run beside each other. */
async function isConsoleBuilt(): Promise<boolean | null> {
  if (browserPath() === null) {
    console.warn(
      'No Chromium is on this machine: the tests of the console are skipped. ' +
        'SLUICE_BROWSER names one that lies elsewhere.',
    );
    return null;
  }
  const child = spawn(process.execPath, ['scripts/build-console-when-stale.mjs'], {
    stdio: 'inherit',
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status === 0;
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: async () => {} };
  const dataDir = await mkdtemp(join(quickFolder(), 'sluice-test-'));
  // Postgres' own user must be able to enter, where the suite runs as root.
  await chmod(dataDir, 0o711);
  const log = (message: string) => console.error(message);
  const remove = () => rm(dataDir, { recursive: true, force: true });
  try {
    // A port, so that what speaks only TCP (fault proxies, other drivers) can be tested with it.
    const shelter = join(dataDir, 'shelter');
    const start = () => startEmbeddedPostgres({ dataDir, port: 0, shelter, log });
    await letInWorkers(await start());
    const postgres = await start();
    return { url: postgres.url, stop: () => postgres.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Each worker of the suite runs several gateways, of up to 32 connections each. Ends the server. */
async function letInWorkers(server: EmbeddedPostgres): Promise<void> {
  try {
    const admin = createDatabase({ url: server.url });
    await admin.upkeep.query('alter system set max_connections = 250').finally(() => admin.stop());
  } finally {
    await server.stop();
  }
}
