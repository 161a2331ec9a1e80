import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import type { Metrics } from '../observability/metrics.ts';
import { answerError, commonHeaderLines, errorBody, setCommonHeaders } from './answer.ts';
import { exceeds } from './body.ts';
import { requestIdOf } from './call.ts';
import type { Log } from './log.ts';
import { Newcomers } from './newcomers.ts';
import { createRouter, pathOf, type RouterOptions } from './router.ts';
import type { ServerSettings } from './settings.ts';
import { stopServer, trackConnections } from './stop.ts';
import { watchRequest } from './watch-request.ts';

/**
 * The one listener of the process: `node:http`, its bounds in time and size, the headers of every
 * answer, and its end. What a path is answered with is the router's business.
 */
export interface HttpServer {
  /** Binds and accepts. @throws the error of the bind, such as EADDRINUSE. */
  listen(port: number, host: string): Promise<AddressInfo>;
  /**
   * Stops in order: accepts nobody, gives the answers that are in flight, ends streams and sockets,
   * and closes every connection after `stopMs` at the latest. Idempotent.
   */
  stop(): Promise<void>;
}

export interface HttpServerOptions extends RouterOptions {
  /**
   * Ends what streams are open with a cursor to resume at; called once on stopping. Their readers
   * have half of `stopMs` to hear it; what is still open then ends with GOING_AWAY and no cursor.
   */
  readonly endStreams?: () => void;
  readonly metrics?: Pick<Metrics, 'answered' | 'connected'>;
  readonly log: Log;
  readonly settings: ServerSettings;
}

/** How often overdue headers and requests are looked for. */
const OVERDUE_CHECK_MS = 2_000;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { settings, log } = options;
  const router = createRouter(options);
  const server = createServer({
    maxHeaderSize: settings.headerBytesMax,
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    connectionsCheckingInterval: OVERDUE_CHECK_MS,
    noDelay: true,
  });
  server.maxConnections = settings.connectionsMax;

  function onRequest(req: IncomingMessage, res: ServerResponse): void {
    const requestId = requestIdOf(req.headers['x-request-id']);
    setCommonHeaders(res, requestId);
    // A reader that leaves is nobody's fault; what waits for it hears of it by the close.
    res.on('error', () => undefined);
    res.once('prefinish', () => watchReader(res, settings.stuckPeerMs));
    watchRequest(req, res, { route: router.routeOf(pathOf(req)), metrics: options.metrics }, () =>
      router.handle(req, res, requestId),
    ).catch((err: unknown) => {
      log.error({ requestId, err }, 'unexpected error');
      const message = `Something went wrong on our side. It is logged under the request id ${requestId}.`;
      answerError(
        res,
        new GatewayError('INTERNAL_SERVER_ERROR', message, { extensions: { requestId } }),
      );
    });
  }

  const connections = trackConnections(server);
  const newcomers = new Newcomers(settings);
  server.on('connection', socket => {
    newcomers.add(socket);
    options.metrics?.connected(1);
    socket.once('close', () => options.metrics?.connected(-1));
  });
  server.on('request', onRequest);
  server.on('checkContinue', (req, res) => {
    // A sender that waits for leave to send too much gets the refusal in its place.
    if (!exceeds(req, settings.bodyBytesMax)) res.writeContinue();
    onRequest(req, res);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (pathOf(req) === '/graphql') return options.graphql.upgrade(req, socket, head);
    refuse(socket, 404, new GatewayError('NOT_FOUND', 'No WebSocket is served at this path.'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = CLIENT_ERRORS[error.code ?? ''] ?? 400;
    refuse(socket, status, new GatewayError('BAD_REQUEST', 'The request is not well-formed HTTP.'));
  });

  let stopping: Promise<void> | undefined;
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    stop: () => (stopping ??= stopServer(server, router, connections, options)),
  };
}

/** Node's codes for requests that never became one. */
const CLIENT_ERRORS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers on the bare socket and closes it. */
function refuse(socket: Duplex, status: number, error: GatewayError): void {
  if (!socket.writable) return void socket.destroy();
  const body = errorBody(error);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${commonHeaderLines(requestIdOf(undefined))}` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}

/**
 * An answer that its reader does not take in is cut: Node destroys a socket whose time is up and
 * counts every byte that leaves as a sign of life. Its own clock takes over when all has left.
 */
function watchReader({ socket }: ServerResponse, stuckPeerMs: number): void {
  if (socket && socket.writableLength > 0) socket.setTimeout(stuckPeerMs);
}
