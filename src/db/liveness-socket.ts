/**
 * A Unix socket in a folder that takes connections for as long as its process lives, also when
 * that was stopped or runs in another container: the kernel finds it by the file, and refuses once
 * the process is gone.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export interface Life {
  /** Of the socket, in its folder. */
  readonly name: string;
  end(): void;
}

/** A socket's path has 107 bytes at most, on macOS 103. */
const PATH_BYTES_MAX = 100;

/** Undefined where the folder can't hold a socket. */
export async function showLife(folder: string): Promise<Life | undefined> {
  const name = `gateway.${randomBytes(6).toString('hex')}.sock`;
  const server = createServer(socket => socket.destroy()).unref();
  try {
    await at(folder, name, async path => {
      server.listen({ path });
      await once(server, 'listening');
    });
  } catch {
    return undefined;
  }
  return {
    name,
    end() {
      server.close();
      rmSync(join(folder, name), { force: true });
    },
  };
}

/** False only where nobody is there any more: what can't be asked may be alive. */
export async function answers(folder: string, name: string): Promise<boolean> {
  try {
    await at(folder, name, async path => {
      const socket = connect({ path });
      await once(socket, 'connect');
      socket.destroy();
    });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ECONNREFUSED' && code !== 'ENOENT';
  }
}

/** Linux takes a path through an open folder in place of one that is too long. */
async function at<T>(folder: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return use(path);
  const open = openSync(folder, 'r');
  try {
    return await use(`/proc/self/fd/${open}/${name}`);
  } finally {
    closeSync(open);
  }
}
