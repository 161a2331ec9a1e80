import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { asOwner } from './embedded-binaries.ts';
import type { Home } from './embedded-home.ts';

export const SUPERUSER = 'sluice';

/** How a program of Postgres is started: as its owner, in a folder of its own, in plain C. */
export function runAs({ owner, data }: Home): {
  cwd: string;
  env: Record<string, string>;
  uid?: number;
  gid?: number;
} {
  const env = { LC_ALL: 'C', TZ: 'UTC', PATH: process.env['PATH'] ?? '' };
  return { cwd: dirname(data), env, ...owner };
}

/**
 * Makes the data folder: under another name and renamed when it is whole, so that a start that
 * was cut off leaves nothing that looks like a database.
 */
export async function createData(home: Home): Promise<void> {
  if (existsSync(join(home.data, 'PG_VERSION'))) return;
  const draft = `${home.data}.new`;
  const passwordFile = `${home.data}.password`;
  asOwner(home.owner, () => {
    rmSync(draft, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
    writeFileSync(passwordFile, home.password, { mode: 0o600, flag: 'wx' });
  });
  try {
    await initdb(home, [
      ...['--pgdata', draft, '--username', SUPERUSER, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C'],
      // Code points order texts, as in our filters; the builtin provider came with 17.
      ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
      ...['--no-sync', '--no-instructions'],
    ]);
    asOwner(home.owner, () => {
      appendFileSync(join(draft, 'postgresql.conf'), "\ninclude = 'sluice.conf'\n");
      writeFileSync(join(draft, 'sluice.conf'), '', { mode: 0o600 });
    });
    // One pass over the finished files, instead of one sync for each of them.
    await initdb(home, ['--sync-only', '--pgdata', draft]);
    asOwner(home.owner, () => renameSync(draft, home.data));
  } finally {
    asOwner(home.owner, () => rmSync(passwordFile, { force: true }));
  }
}

function initdb(home: Home, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(home.binaries.native, 'bin', 'initdb'), args, {
      ...runAs(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', text => (output += text));
    child.stderr.on('data', text => (output += text));
    child.on('error', reject);
    child.on('close', code => {
      if (code === 0) return resolve();
      const why = output.trim().split('\n').slice(-5).join('\n');
      reject(new Error(`initdb ended with ${code}: ${why}`));
    });
  });
}

/** `port` is undefined where only the Unix socket is to be opened. */
export function writeSettings(home: Home, port: number | undefined): void {
  const sharedMb = totalmem() >= 4 * 2 ** 30 ? 256 : 128;
  const settings = {
    listen_addresses: port === undefined ? '' : '127.0.0.1',
    port: port ?? 5432,
    unix_socket_directories: process.platform === 'win32' ? '' : home.socket,
    unix_socket_permissions: '0700',
    max_connections: 100,
    shared_buffers: `${sharedMb}MB`,
    // What a receipt promises.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // The binaries have no lz4, and pglz costs more time than it saves.
    max_wal_size: '3GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    max_parallel_workers_per_gather: Math.min(2, availableParallelism() - 1),
    ...(process.platform === 'linux' ? { client_connection_check_interval: '5s' } : {}),
    // Nobody's bad input fills the log, and no value of an event gets into it.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    cluster_name: 'sluice',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  const head = '# Written at each start. ALTER SYSTEM is the way to change a setting.\n';
  asOwner(home.owner, () => {
    writeFileSync(join(home.data, 'sluice.conf'), head + lines.join(''), { mode: 0o600 });
  });
}
