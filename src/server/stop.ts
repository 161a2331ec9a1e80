import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpServerOptions } from './http.ts';
import type { Router } from './router.ts';

const POLL_MS = 20;

/** The connections of a server, each with the number of answers it waits for. */
export type Connections = ReadonlyMap<Socket, number>;

/**
 * Counts what each connection waits for. Node's own `closeIdleConnections` passes over those that
 * have not sent anything yet, as browsers and pools open them ahead, and they would hold the end.
 */
export function trackConnections(server: Server): Connections {
  const connections = new Map<Socket, number>();
  function add(socket: Socket, answers: number): void {
    const waiting = connections.get(socket);
    if (waiting !== undefined) connections.set(socket, waiting + answers);
  }
  function onRequest({ socket }: IncomingMessage, res: ServerResponse): void {
    add(socket, 1);
    res.once('close', () => add(socket, -1));
  }
  server.on('connection', (socket: Socket) => {
    connections.set(socket, 0);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', onRequest).on('checkContinue', onRequest);
  // A WebSocket from now on, which has an end of its own.
  server.on('upgrade', ({ socket }) => connections.delete(socket));
  return connections;
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
  { graphql, endStreams, settings }: HttpServerOptions,
): Promise<void> {
  router.leave();
  // On keep-alive connections this is the last answer.
  server.prependListener('request', (_req, res) => res.setHeader('connection', 'close'));
  const isClosed = close(server);
  const ended = new AbortController();
  const idle = setInterval(() => closeIdle(connections), POLL_MS);
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
    for (const socket of connections.keys()) socket.destroy();
  }
}

function closeIdle(connections: Connections): void {
  for (const [socket, answers] of connections) {
    if (answers === 0) socket.destroySoon();
  }
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
  });
}
