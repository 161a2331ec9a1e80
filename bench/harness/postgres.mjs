/** The embedded Postgres, with the durable settings that every gateway gives it. */
import { rmSync } from 'node:fs';
import { createDatabase } from '../../dist/db/client.js';
import { startEmbeddedPostgres } from '../../dist/db/embedded.js';
import { migrate } from '../../dist/db/migrate.js';
import { ensurePartitions } from '../../dist/db/partitions.js';
import { onEnd } from './end.mjs';
import { makeDataFolder } from './folder.mjs';

/** A server of its own with a migrated database; `stop` removes both. */
export async function startPostgres() {
  const dataDir = makeDataFolder();
  const embedded = await startEmbeddedPostgres({ dataDir, log: () => undefined });
  const stop = onEnd(async () => {
    await embedded.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const db = createDatabase({ url: embedded.url, applicationName: 'sluice-bench' });
  await migrate(db.upkeep);
  await ensurePartitions(db.upkeep);
  await db.upkeep.query(
    `insert into workspaces (slug, name) values ('default', 'Default') on conflict do nothing`,
  );
  await db.upkeep.query(
    'insert into workspace_marks (workspace_id) select id from workspaces on conflict do nothing',
  );
  return {
    url: embedded.url,
    db,
    async stop() {
      await db.stop();
      await stop();
    },
  };
}

/** An empty database of the same server, for a peer. Returns its URL. */
export async function createPeerDatabase({ url, db }, name) {
  await db.upkeep.query(`create database "${name}"`);
  const peer = new URL(url);
  peer.pathname = `/${name}`;
  return peer.href;
}

const SETTINGS = [
  ...['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'commit_delay'],
  ...['shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'wal_compression'],
  ...['max_parallel_workers_per_gather', 'autovacuum'],
];

export async function postgresSettings(db) {
  const rows = await db.read.query(
    `select name, setting || coalesce(unit, '') as value from pg_settings
     where name in (select json_array_elements_text($1::text::json))`,
    [JSON.stringify(SETTINGS)],
  );
  return Object.fromEntries(SETTINGS.map(name => [name, rows.find(r => r.name === name)?.value]));
}
