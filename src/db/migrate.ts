/**
 * Brings the database to the version of this program: each file of `migrations/` once, in
 * order, in a transaction, and recorded. Gateways that start together wait for one another.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, HeldConnection, Pool } from './connection.ts';
import { checkGrants } from './grants.ts';
import { readVersion } from './installation.ts';
import { transaction } from './transaction.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Any number that nobody else takes as an advisory lock: "sluice" in hexadecimal ASCII. */
const LOCK_KEY = 0x736c75696365;
const LOCK_WITHIN_MS = 120_000;
const LOCK_POLL_MS = 100;

/**
 * Applies what is missing and returns it.
 * @throws Error when the database is newer than this program, when another gateway migrates for
 * too long, and when the tables are somebody else's who granted too little: with what to do.
 */
export async function migrate(
  upkeep: Pool,
  migrations: readonly Migration[] = readMigrations(),
): Promise<Migration[]> {
  await checkGrants(upkeep);
  if ((await readVersion(upkeep)) === migrations.at(-1)?.version) return [];
  return upkeep.hold(async connection => {
    await lock(connection);
    try {
      return await applyMissing(connection, migrations);
    } finally {
      await connection.query('select pg_advisory_unlock($1)', [LOCK_KEY]).catch(connection.discard);
    }
  });
}

async function applyMissing(
  connection: HeldConnection,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  if ((await readVersion(connection)) === null) {
    await connection.query(`
      create table if not exists schema_migrations (
        version int primary key,
        name text not null,
        applied_at timestamptz not null default now()
      )`);
  }
  const applied = await connection.query<{ version: number; name: string }>(
    'select version, name from schema_migrations order by version',
  );
  assertKnown(applied.at(-1), migrations);
  const done = new Set(applied.map(({ version }) => version));
  const missing = migrations.filter(({ version }) => !done.has(version));
  if (missing.length > 0) await mayMigrate(connection);
  for (const migration of missing) await apply(connection, migration);
  return missing;
}

/** Who does not own the tables would fail at the first statement, with less to go by. */
async function mayMigrate(connection: Connection): Promise<void> {
  const [row] = await connection.query<{ role: string; may: boolean }>(
    `select current_user as role, pg_has_role(relowner, 'usage') as may
     from pg_class where oid = to_regclass('schema_migrations')`,
  );
  if (row?.may !== false) return;
  throw new Error(
    `the database has to be migrated, and the role ${row.role} may not do it: run ` +
      `"sluice migrate --role ${row.role}" of this version, with the DATABASE_URL of the ` +
      "tables' owner",
  );
}

function assertKnown(
  newest: { version: number; name: string } | undefined,
  migrations: readonly Migration[],
): void {
  const known = migrations.at(-1)?.version ?? 0;
  if (newest === undefined || newest.version <= known) return;
  const message = `the database has version ${newest.version} (${newest.name})`;
  throw new Error(
    `${message}, but this program knows versions up to ${known}: use a newer program`,
  );
}

async function apply(held: HeldConnection, migration: Migration): Promise<void> {
  const { version, name, sql } = migration;
  try {
    await transaction({ hold: use => use(held) }, async connection => {
      await connection.query(sql, [], { script: true });
      const record = 'insert into schema_migrations (version, name) values ($1, $2)';
      await connection.query(record, [version, name]);
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`migration ${version} (${name}) failed and is undone: ${why}`, { cause });
  }
}

/** A session lock: it is freed by itself when its gateway dies. */
async function lock(connection: Connection): Promise<void> {
  const deadlineMs = Date.now() + LOCK_WITHIN_MS;
  for (;;) {
    const [row] = await connection.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [LOCK_KEY],
    );
    if (row?.locked === true) return;
    if (Date.now() > deadlineMs) {
      throw new Error(`another gateway has been migrating for ${LOCK_WITHIN_MS / 1_000} seconds`);
    }
    await sleep(LOCK_POLL_MS);
  }
}

/** Reads `NNNN_name.sql`, beside this file or, in a checkout, where it was compiled from. */
export function readMigrations(): Migration[] {
  const beside = new URL('./migrations/', import.meta.url);
  const folder = existsSync(beside) ? beside : new URL('../../src/db/migrations/', import.meta.url);
  return readdirSync(folder)
    .filter(file => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map(file => ({
      version: Number(file.slice(0, 4)),
      name: file.slice(5, -4),
      sql: readFileSync(new URL(file, folder), 'utf8'),
    }));
}
