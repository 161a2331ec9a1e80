/** A Postgres of its own to be ill-treated: its processes are known. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase } from '../../src/db/client.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded.ts';

export interface FaultyPostgres {
  readonly url: string;
  /** Where its files are: a small file system of its own, or null. */
  readonly volume: string | null;
  /** In order, as for a planned restart. */
  stop(): Promise<void>;
  start(): Promise<void>;
  postmaster(): number;
  /** The postmaster and all that it started. */
  processes(): number[];
  /** Ends it for good and removes its files. */
  dispose(): Promise<void>;
}

/** What must be undone however this process ends. */
const undo = new Set<() => void>();
process.on('exit', () => {
  for (const each of undo) each();
});

export const isRoot = process.getuid?.() === 0;

export async function startFaultyPostgres({ volumeMb }: { volumeMb: number | null }) {
  const home = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
  // Postgres, which does not run as root, passes through it.
  chmodSync(home, 0o755);
  const volume = volumeMb === null ? null : mount(home, volumeMb);
  const remove = () => {
    if (volume !== null) execFileSync('umount', ['--lazy', volume]);
    rmSync(home, { recursive: true, force: true });
  };
  undo.add(remove);
  const dataDir = join(volume ?? home, 'data');
  mkdirSync(dataDir, { mode: 0o755 });
  const open = (port: number) => startEmbeddedPostgres({ dataDir, port, log: () => {} });
  let embedded: EmbeddedPostgres | null = await open(0);
  const { url } = embedded;
  const folder = await dataFolder(url);
  const postmaster = () =>
    Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const killAll = () => {
    try {
      process.kill(postmaster(), 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  undo.delete(remove);
  const clean = () => (killAll(), remove());
  undo.add(clean);
  const postgres: FaultyPostgres = {
    url,
    volume,
    async stop() {
      await embedded?.stop();
      embedded = null;
    },
    async start() {
      embedded ??= await open(Number(new URL(url).port));
    },
    postmaster,
    processes: () => [postmaster(), ...childrenOf(postmaster())],
    async dispose() {
      await postgres.stop();
      undo.delete(clean);
      remove();
    },
  };
  return postgres;
}

function mount(home: string, megabytes: number): string {
  const volume = join(home, 'volume');
  mkdirSync(volume, { mode: 0o755 });
  const options = `size=${megabytes}m,mode=755`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'sluice-faults', volume]);
  return volume;
}

async function dataFolder(url: string): Promise<string> {
  const db = createDatabase({ url });
  const [row] = await db.upkeep.query<{ data_directory: string }>('show data_directory');
  await db.stop();
  return row!.data_directory;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && parentOf(pid) === parent);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may hold anything. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
