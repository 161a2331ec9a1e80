/** A primary and a standby of it, of a Postgres that is installed: what npm brings has no `pg_basebackup`. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase } from '../../src/db/client.ts';
import { isConnectionLost, isSerializationFailure } from '../../src/db/sqlstate.ts';
import { freePort } from './free-port.ts';

export interface Server {
  readonly url: string;
  /** As a superuser. */
  query<Row extends object>(text: string): Promise<Row[]>;
  start(): Promise<void>;
  /** As if its machine were gone. */
  kill(): Promise<void>;
  /** Its sessions stand still, and new ones are not let in. Resolves to what lets them go on. */
  freeze(): Promise<() => void>;
}

export interface ServersWithStandby extends AsyncDisposable {
  readonly primary: Server;
  readonly standby: Server;
  /** How long the standby waits before it replays a commit. */
  delay(time: string): Promise<void>;
  /** Resolves when the standby has replayed all that the primary has written. */
  caughtUp(): Promise<void>;
}

/** Where `pg_basebackup` is; null where it is not installed. */
export const POSTGRES_PROGRAMS = findPrograms();

function findPrograms(): string | null {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions
    .filter(version => Number(version) >= 15)
    .map(version => join(home, version, 'bin'));
  return folders.find(folder => existsSync(join(folder, 'pg_basebackup'))) ?? null;
}

/** Postgres does not run as root: then it runs as the user that its package made. */
function ownUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

export async function startServersWithStandby(): Promise<ServersWithStandby> {
  const user = ownUser();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-standby-'));
  chmodSync(folder, 0o755);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const programs = POSTGRES_PROGRAMS as string;
  const run = (program: string, ...args: string[]) =>
    execFileSync(join(programs, program), args, { ...user, cwd: folder, stdio: 'pipe' });
  const [primaryPort, standbyPort] = [await freePort(), await freePort()];

  run('initdb', '-D', 'primary', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '-N');
  const primary = createServer({ programs, folder, name: 'primary', port: primaryPort, user });
  appendFileSync(
    join(folder, 'primary', 'postgresql.conf'),
    [
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      'shared_buffers = 32MB',
      // The standby writes down where it is, and asks again after a failover, soon.
      'wal_retrieve_retry_interval = 100ms',
      'max_standby_streaming_delay = 200ms',
      '',
    ].join('\n'),
  );
  await primary.start();
  const source = ['-h', '127.0.0.1', '-p', String(primaryPort), '-U', 'postgres'];
  run('pg_basebackup', '-D', 'standby', '-R', '-X', 'stream', '-c', 'fast', '-N', ...source);
  const standby = createServer({ programs, folder, name: 'standby', port: standbyPort, user });
  await standby.start();

  return {
    primary,
    standby,
    async delay(time) {
      await standby.query(`alter system set recovery_min_apply_delay = '${time}'`);
      await standby.query('select pg_reload_conf()');
    },
    async caughtUp() {
      const [row] = await primary.query<{ lsn: string }>(
        'select pg_current_wal_flush_lsn()::text as lsn',
      );
      const text = `select pg_last_wal_replay_lsn() >= '${row?.lsn}' as has`;
      await until(async () => (await standby.query<{ has: boolean }>(text))[0]?.has === true);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([standby.kill(), primary.kill()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface ServerOptions {
  readonly programs: string;
  readonly folder: string;
  readonly name: string;
  readonly port: number;
  readonly user: { uid: number; gid: number } | undefined;
}

function createServer({ programs, folder, name, port, user }: ServerOptions): Server {
  let child: ChildProcess | null = null;
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;

  async function query<Row extends object>(text: string): Promise<Row[]> {
    const db = createDatabase({ url, applicationName: 'sluice-test-kit' });
    try {
      return await db.upkeep.query<Row>(text).catch((error: unknown) => {
        // What is replayed may end any statement and session.
        if (isConnectionLost(error) || isSerializationFailure(error))
          return db.upkeep.query<Row>(text);
        throw error;
      });
    } finally {
      await db.stop();
    }
  }

  return {
    url,
    query,
    async start() {
      child = spawn(join(programs, 'postgres'), ['-D', join(folder, name), '-p', String(port)], {
        ...user,
        cwd: folder,
        stdio: 'ignore',
      });
      await until(() =>
        query('select 1').then(
          () => true,
          () => false,
        ),
      );
    },
    async freeze() {
      const text = `select pid from pg_stat_activity where backend_type = 'client backend'`;
      const sessions = await query<{ pid: number }>(text);
      const pids = [child?.pid as number, ...sessions.map(({ pid }) => pid)];
      const signal = (name: 'SIGSTOP' | 'SIGCONT') =>
        pids.forEach(pid => {
          try {
            process.kill(pid, name);
          } catch {
            // It has ended, as the session that asked has.
          }
        });
      signal('SIGSTOP');
      return () => signal('SIGCONT');
    },
    async kill() {
      if (child === null) return;
      const ended = once(child, 'exit');
      // At once and without a checkpoint, its children with it.
      child.kill('SIGQUIT');
      await ended;
      child = null;
    },
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (await isSo()) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error('it does not come');
}
