/** The Postgres server process of a data folder: start, wait, stop, and what an earlier one left. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asOwner } from './embedded-binaries.ts';
import { runAs } from './embedded-create.ts';
import type { Home } from './embedded-home.ts';
import { processExists } from './folder-lock.ts';

export interface Postmaster {
  /** Resolves with what it ended with. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** The server ended before it was ready; `why` is the end of its log. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
}

const POLL_MS = 10;
/** After a crash the log since the last checkpoint is replayed, some GB at most. */
const READY_WITHIN_MS = 300_000;
/** A gateway stops within ten seconds: fast, and if that takes too long, at once. */
const STOP_FAST_MS = 6_000;
const STOP_AT_ONCE_MS = 2_000;
const ORPHAN_FAST_MS = 20_000;
const LOG_BYTES_MAX = 10_000_000;
/** Above any pid that Linux gives out, so that nobody has it. */
const NO_PID = 99_999_999;

export async function startPostmaster(home: Home): Promise<Postmaster> {
  if (existsSync(home.logFile) && statSync(home.logFile).size > LOG_BYTES_MAX) {
    renameSync(home.logFile, `${home.logFile}.1`);
  }
  const log = openSync(home.logFile, 'a', 0o600);
  const logStart = statSync(home.logFile).size;
  // A process group of its own: Ctrl-C reaches the gateway, which then stops this in order.
  const child = spawn(join(home.binaries.native, 'bin', 'postgres'), ['-D', home.data], {
    ...runAs(home),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<string>(resolve => {
    child.on('error', error => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  await untilReady(home, child, ended, logStart);
  child.unref();
  return { ended, stop: () => stopProcess(child, ended) };
}

async function untilReady(
  home: Home,
  child: ChildProcess,
  ended: Promise<string>,
  logStart: number,
): Promise<void> {
  let how: string | undefined;
  void ended.then(text => (how = text));
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (how === undefined && Date.now() < deadlineMs) {
    const file = readPidFile(home);
    if (file?.pid === child.pid && file?.status === 'ready') return;
    await sleep(POLL_MS);
  }
  if (how === undefined) await stopProcess(child, ended);
  const why = readFileSync(home.logFile).subarray(logStart).toString().trim().slice(-2_000);
  throw new StartFailed(`Postgres did not start (${how ?? 'not ready in time'}): ${why}`);
}

async function stopProcess(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.ref();
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGQUIT'), STOP_FAST_MS);
  const tooLate = setTimeout(() => child.kill('SIGKILL'), STOP_FAST_MS + STOP_AT_ONCE_MS);
  await ended;
  clearTimeout(late);
  clearTimeout(tooLate);
}

interface PidFile {
  readonly pid: number;
  readonly status: string | undefined;
  readonly lines: readonly string[];
}

/** https://www.postgresql.org/docs/current/storage-file-layout.html, `postmaster.pid`. */
function readPidFile({ data, owner }: Home): PidFile | undefined {
  const file = join(data, 'postmaster.pid');
  const text = asOwner(owner, () => {
    // Not a link, nor a pipe that nobody writes to.
    const isFile = lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
    return isFile ? readFileSync(file, 'utf8') : undefined;
  });
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  return { pid: Number(lines[0]), status: lines[7]?.trim(), lines };
}

/**
 * Ends the server that a killed gateway left running on the folder, and makes the pid file of a
 * dead one harmless where its pid is now somebody else's: Postgres would take that for a server.
 * The file stays, since it also names the shared memory that a dead server's children may hold.
 */
export async function endOrphan(home: Home, log: (message: string) => void): Promise<void> {
  const left = readPidFile(home);
  if (left === undefined || !processExists(left.pid)) return;
  if (isServerOf(left.pid, home)) {
    log(`ending the Postgres with process id ${left.pid} that an earlier gateway left running`);
    await endProcess(left.pid, home);
  }
  const now = readPidFile(home);
  asOwner(home.owner, () => {
    // The socket folder is this home's alone, and its lock file names the same pid.
    for (const file of readdirSync(home.socket)) rmSync(join(home.socket, file));
    if (now === undefined || !processExists(now.pid)) return;
    const lines = [String(NO_PID), ...now.lines.slice(1)];
    writeFileSync(join(home.data, 'postmaster.pid'), lines.join('\n'));
  });
}

async function endProcess(pid: number, home: Home): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    const deadlineMs = Date.now() + (signal === 'SIGINT' ? ORPHAN_FAST_MS : STOP_AT_ONCE_MS);
    while (Date.now() < deadlineMs) {
      if (!processExists(pid) || !isServerOf(pid, home)) return;
      await sleep(POLL_MS);
    }
  }
  throw new Error(`the Postgres with process id ${pid} on ${home.data} cannot be stopped`);
}

/**
 * Pids come round again, and Postgres' user writes the pid file: root signals a process of that
 * user only. Elsewhere than on Linux the pid file is believed.
 */
function isServerOf(pid: number, { data, owner }: Home): boolean {
  if (process.platform !== 'linux') return true;
  try {
    if (owner !== undefined && statSync(`/proc/${pid}`).uid !== owner.uid) return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data);
  } catch {
    return false;
  }
}
