import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createDatabase } from '../../src/db/client.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { browserPath } from './browser-path.ts';
import { withDatabase } from './database-url.ts';
import { buildProgram } from './program.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection to the server that the suite runs on. */
    adminUrl: string;
    /** A migrated database that nobody is connected to. */
    templateDatabase: string;
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
    const server = await startServer();
    undo.push(server.stop);
    const admin = createDatabase({ url: server.url });
    undo.push(() => admin.stop());
    const template = `sluice_template_${randomBytes(4).toString('hex')}`;
    await admin.upkeep.query(`create database ${template}`);
    undo.push(() => admin.upkeep.query(`drop database ${template} with (force)`));
    const database = createDatabase({ url: withDatabase(server.url, template) });
    await migrate(database.upkeep).finally(() => database.stop());
    undo.push((await buildProgram()).remove);
    provide('adminUrl', server.url);
    provide('templateDatabase', template);
    const hasBrowser = browserPath() !== null;
    if (!hasBrowser) {
      console.warn(
        'No Chromium is on this machine: the tests of the console are skipped. ' +
          'SLUICE_BROWSER names one that lies elsewhere.',
      );
    }
    provide('isConsoleBuilt', hasBrowser ? isConsoleBuilt() : null);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** Here and not in the tests, which run beside each other. */
function isConsoleBuilt(): boolean {
  const { status } = spawnSync(process.execPath, ['scripts/build-console-when-stale.mjs'], {
    stdio: 'inherit',
  });
  return status === 0;
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: async () => {} };
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  // Postgres' own user must be able to enter, where the suite runs as root.
  await chmod(dataDir, 0o711);
  const log = (message: string) => console.error(message);
  const remove = () => rm(dataDir, { recursive: true, force: true });
  try {
    // A port, so that what speaks only TCP (fault proxies, other drivers) can be tested with it.
    const shelter = join(dataDir, 'shelter');
    const postgres = await startEmbeddedPostgres({ dataDir, port: 0, shelter, log });
    return { url: postgres.url, stop: () => postgres.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
