/**
 * The socket that the driver gets in place of its own. postgres.js 3.4.9 sets its socket to null on
 * `close`. A write that it has postponed to the next turn then throws outside of any promise, which
 * ends the process (porsager/postgres #1066, #1154, #1208). So this socket never emits `close`. A lost
 * connection is an `error`, on which the driver fails the running statement. Later writes are
 * ignored, and our session discards the whole client. A patch of the driver would be lost under
 * `npm ci --ignore-scripts`; a process-wide guard would also hide faults that are not this one.
 */
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import type { Address } from './address.ts';
import { ConnectionLost } from './sqlstate.ts';

const KEEPALIVE_AFTER_MS = 10_000;
/** https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

export class DriverSocket extends EventEmitter {
  readonly #socket: Socket;
  #lost = false;
  #limit: { bytesLeft: number; readonly onBeyond: () => void } | null = null;
  /** Resolves when it is lost or closed. */
  readonly gone: Promise<void>;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    this.gone = new Promise(resolve => this.on('error', () => resolve()));
    socket.on('data', bytes => this.#receive(bytes));
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', error => this.#lose(error));
    socket.on('end', () => this.#lose());
    socket.on('close', () => this.#lose());
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Calls back once more bytes than this have come in. Null: never. */
  limit(bytesMax: number | null, onBeyond: () => void = () => {}): void {
    this.#limit = bytesMax === null ? null : { bytesLeft: bytesMax, onBeyond };
  }

  get readyState(): string {
    return this.#lost ? 'closed' : 'open';
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#lost) return this.#socket.write(bytes);
    setImmediate(() => this.emit('error', closed()));
    return true;
  }

  /** Says goodbye to the server. */
  end(): void {
    if (!this.#lost) this.#socket.end(TERMINATE);
  }

  destroy(): void {
    this.#socket.destroy();
    this.#lose();
  }

  #receive(bytes: Buffer): void {
    const limit = this.#limit;
    if (limit !== null && (limit.bytesLeft -= bytes.length) < 0) {
      this.#limit = null;
      return limit.onBeyond();
    }
    this.emit('data', bytes);
  }

  #lose(cause?: Error): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#socket.destroy();
    this.emit('error', closed(cause));
  }
}

function closed(cause?: Error): ConnectionLost {
  const message = `the connection to Postgres was closed${cause ? `: ${cause.message}` : ''}`;
  return new ConnectionLost('CONNECTION_CLOSED', message, { sent: true, cause });
}

/** Connects, over TLS where the address says so, until the signal aborts. */
export async function openDriverSocket(
  address: Address,
  signal: AbortSignal,
): Promise<DriverSocket> {
  const { host, port, path } = address;
  const common = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_AFTER_MS };
  const socket = connect(path === undefined ? { host, port, ...common } : { path, ...common });
  // `once` reports how it ends, and stops listening before the error of an abort comes.
  socket.on('error', () => {});
  const abort = () => socket.destroy(new Error('no connection within the limit'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await once(socket, 'connect', { signal });
    if (path !== undefined || address.tls === 'disable') return new DriverSocket(socket);
    return new DriverSocket(await secure(socket, address, signal));
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function secure(socket: Socket, address: Address, signal: AbortSignal): Promise<Socket> {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer[0] !== 'S'.charCodeAt(0)) {
    if (address.tls === 'prefer') return socket;
    throw new Error('the server does not support TLS, which sslmode requires');
  }
  // Bytes behind the answer came in the clear: an attacker may have put them there.
  if (answer.length > 1) throw new Error('the server sent more than the answer to the TLS request');
  const { host, tls, rootCertificates } = address;
  const encrypted = connectTls({
    socket,
    ...(isIP(host) === 0 && { servername: host }),
    ...(rootCertificates !== undefined && { ca: await readFile(rootCertificates) }),
    rejectUnauthorized: tls.startsWith('verify'),
    // Without a server name Node checks "localhost", and none may be sent for an IP address.
    checkServerIdentity: (_name, certificate) =>
      tls === 'verify-ca' ? undefined : checkServerIdentity(host, certificate),
  });
  encrypted.on('error', () => {});
  await once(encrypted, 'secureConnect', { signal });
  return encrypted;
}
