/** Servers under measure: each in a process of its own. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onEnd } from './end.mjs';
import { makeDataFolder } from './folder.mjs';

export const KEY = 'bench-admin-key-0123456789';
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A gateway as `npm start` runs it. `databaseUrl` absent: with a Postgres of its own in `dataDir`,
 * which is removed at the end unless it was given. `root`: another built checkout. `BENCH_PROF=<folder>` profiles it.
 */
export async function startGateway({ databaseUrl, dataDir, env = {}, root = ROOT } = {}) {
  const folder = dataDir ?? makeDataFolder();
  const profile = process.env.BENCH_PROF;
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [...flags, '--enable-source-maps', 'dist/cli/main.js', 'serve'],
    {
      cwd: root,
      env: {
        ...process.env,
        ...{ NODE_ENV: 'production', PORT: '0', LOG_LEVEL: 'warn' },
        ...{ SLUICE_DATA_DIR: folder, SLUICE_ADMIN_KEY: KEY },
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  const stop = onEnd(async () => {
    child.kill('SIGTERM');
    await ended;
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
  });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', chunk => {
      text += chunk;
      const found = /ready at (\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    ended.then(([code]) => reject(new Error(`the gateway ended with ${code}`)));
  });
  const readyMs = performance.now() - startedMs;
  return { url, port: Number(new URL(url).port), pid: child.pid, readyMs, stop };
}

/** A peer of `bench/peers`: a module that sends its port once it listens. */
export async function startPeer(name, ...args) {
  const child = fork(fileURLToPath(new URL(`../peers/${name}.mjs`, import.meta.url)), args, {
    execArgv: [],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const stop = onEnd(async () => {
    child.kill();
    await ended;
  });
  const port = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    ended.then(([code]) => reject(new Error(`the peer ${name} ended with ${code}`)));
  });
  /** What the peer answers to one message: `{ answer }` or `{ error }`. */
  const ask = message =>
    new Promise((resolve, reject) => {
      child.once('message', ({ answer, error }) =>
        error === undefined ? resolve(answer) : reject(new Error(error)),
      );
      child.send(message);
    });
  return { port, pid: child.pid, send: message => child.send(message), ask, stop };
}

/** Resident memory of a process in MB. */
export function residentMb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}
