import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphqlServer } from './handler.ts';
import type { Router } from './router.ts';
import type { ServerSettings } from './settings.ts';

const POLL_MS = 20;

interface Connection {
  /** How many answers it waits for. */
  answers: number;
  /** Called when it waits for none any more. */
  onIdle?: (() => void) | undefined;
}

export interface Connections {
  /** How many answers a connection waits for. */
  due(socket: Socket): number;
  /** Runs `then` once all that was asked on a connection is answered, if it is still open then. */
  whenIdle(socket: Socket, then: () => void): void;
  /** It is a WebSocket from now on, which has an end of its own. */
  leave(socket: Socket): void;
  /** Closes those that wait for no answer. */
  closeIdle(): void;
  closeAll(): void;
}

/**
 * Counts what each connection waits for. Node's own `closeIdleConnections` passes over those that
 * have not sent anything yet, as browsers and pools open them ahead, and they would hold the end.
 * @param onChange hears of each connection that is opened (1) or closed (-1).
 */
export function trackConnections(server: Server, onChange: (change: 1 | -1) => void): Connections {
  const seen = new WeakSet<Socket>();
  const connections = new Map<Socket, Connection>();
  function add(socket: Socket, answers: number): void {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.answers += answers;
    if (connection.answers > 0) return;
    connection.onIdle?.();
    connection.onIdle = undefined;
  }
  function onRequest({ socket }: IncomingMessage, res: ServerResponse): void {
    // Node still reads what had come before the end.
    if (socket.destroyed) return;
    add(socket, 1);
    res.once('close', () => add(socket, -1));
  }
  server.on('connection', (socket: Socket) => {
    // A connection that offered an upgrade comes again.
    if (seen.has(socket)) return;
    seen.add(socket);
    connections.set(socket, { answers: 0 });
    onChange(1);
    socket.once('close', () => {
      connections.delete(socket);
      onChange(-1);
    });
  });
  server.on('request', onRequest).on('checkContinue', onRequest);
  return {
    due: socket => connections.get(socket)?.answers ?? 0,
    whenIdle(socket, then) {
      const connection = connections.get(socket);
      if (connection === undefined) return;
      if (connection.answers === 0) return then();
      connection.onIdle = () => {
        if (!socket.destroyed && socket.writable) then();
      };
    },
    leave: socket => void connections.delete(socket),
    closeIdle() {
      for (const [socket, { answers }] of connections) if (answers === 0) socket.destroySoon();
    },
    closeAll() {
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

interface StopOptions {
  readonly graphql: Pick<GraphqlServer, 'stop'>;
  readonly endStreams?: (() => void) | undefined;
  readonly settings: Pick<ServerSettings, 'stopMs'>;
}

/**
 * Ends a server in order: nobody new, then the answers in flight and the streams, then the sockets.
 * A connection that was kept alive closes as soon as it is idle; what is left after `stopMs` is
 * closed by force.
 */
export async function stopServer(
  server: Server,
  router: Router,
  connections: Connections,
  { graphql, endStreams, settings }: StopOptions,
): Promise<void> {
  router.leave();
  // On keep-alive connections this is the last answer.
  server.prependListener('request', (_req, res) => res.setHeader('connection', 'close'));
  const isClosed = close(server);
  const ended = new AbortController();
  const idle = setInterval(() => connections.closeIdle(), POLL_MS);
  try {
    await Promise.race([
      sleep(settings.stopMs, undefined, { signal: ended.signal }).catch(() => {}),
      (async () => {
        endStreams?.();
        // Streams that were told to end do so where their reader takes what came before.
        await graphql.stop(endStreams === undefined ? 0 : settings.stopMs / 2);
        await isClosed;
      })(),
    ]);
  } finally {
    clearInterval(idle);
    // What still waited would keep the process.
    ended.abort();
    server.closeAllConnections();
    connections.closeAll();
  }
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
  });
}
