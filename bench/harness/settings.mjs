import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { postgresSettings, startPostgres } from './postgres.mjs';
import { ROOT } from './processes.mjs';
import { say } from './report.mjs';

const INSTALL = 'npm ci --prefix bench';
const PEERS = ['postgraphile', 'graphql', 'graphql-ws', 'pg-boss', 'graphile-worker'];

/** Says what is measured on what, before anything is; returns it for the results. */
export async function printSettings(options) {
  requirePeers();
  const pg = await startPostgres();
  const settings = {
    date: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()}`,
    },
    versions: {
      node: process.version,
      sluice: versionIn('.'),
      'graphql-yoga': versionIn('node_modules/graphql-yoga'),
      ...Object.fromEntries(PEERS.map(name => [name, versionIn(`bench/node_modules/${name}`)])),
    },
    postgres: await postgresSettings(pg.db),
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  await pg.stop();
  for (const [name, value] of Object.entries(settings)) {
    const text =
      typeof value === 'string'
        ? value
        : Object.entries(value)
            .map(([key, each]) => `${key} ${each}`)
            .join(', ');
    say(`${name.padEnd(9)} ${text}`);
  }
  const { fsync, synchronous_commit, full_page_writes } = settings.postgres;
  if (`${fsync} ${synchronous_commit} ${full_page_writes}` !== 'on on on') {
    throw new Error('the commits of this Postgres are not durable: nothing would be proven');
  }
  return settings;
}

function requirePeers() {
  const missing = PEERS.filter(name => !existsSync(`${ROOT}bench/node_modules/${name}`));
  if (missing.length === 0) return;
  const message = `What is compared with is not installed (${missing.join(', ')}): run \`${INSTALL}\`.`;
  throw Object.assign(new Error(message), { code: 'PEERS_MISSING' });
}

function versionIn(folder) {
  return JSON.parse(readFileSync(`${ROOT}${folder}/package.json`, 'utf8')).version;
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}
