import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAddress } from '../../src/db/address.ts';
import { createDatabase } from '../../src/db/client.ts';
import { freePort } from './free-port.ts';

export interface PgBouncer extends AsyncDisposable {
  /** The database by way of the pooler. */
  readonly url: string;
}

export interface PgBouncerOptions {
  readonly databaseUrl: string;
  readonly mode: 'session' | 'transaction' | 'statement';
  readonly poolSize: number;
}

export const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0;

/** With Debian's settings but for what is given. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const { mode, poolSize } = options;
  const { host, port, path, user, password, database } = readAddress(options.databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pgbouncer-'));
  const ownPort = await freePort();
  const secret = password === '' ? '' : ` password=${password}`;
  const settings = [
    '[databases]',
    `${database} = host=${path === undefined ? host : join(path, '..')} port=${port} user=${user}${secret}`,
    '[pgbouncer]',
    ...[`pool_mode = ${mode}`, `default_pool_size = ${poolSize}`],
    ...[
      'listen_addr = 127.0.0.1',
      `listen_port = ${ownPort}`,
      'unix_socket_dir =',
      'auth_type = any',
    ],
  ];
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, `${settings.join('\n')}\n`);
  // It does not run as root.
  await chmod(folder, 0o755);
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', [...asUser, file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const url = `postgres://pooled@127.0.0.1:${ownPort}/${database}`;
  await untilItAnswers(url);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { probe, stop } = createDatabase({ url });
    try {
      await probe.query('select 1', [], { script: true });
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise(resolve => setTimeout(resolve, 50));
    } finally {
      await stop();
    }
  }
}
