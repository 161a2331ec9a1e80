import { LRUCache } from 'lru-cache';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { GatewayError } from '../core/errors.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { isOwnHost } from '../security/web-pages.ts';
import { answerError, refuseOn, setCommonHeaders } from './answer.ts';
import { exceeds } from './body.ts';
import { requestIdOf } from './call.ts';
import { publicError } from './errors.ts';
import { pathOf } from './handler.ts';
import { normalizeTarget, readTarget } from './request-target.ts';
import { createRouter, faultOfOrigin, type RouterOptions } from './router.ts';
import type { ServerSettings } from './settings.ts';
import { stopServer, trackConnections, type Connections } from './stop.ts';
import { UnauthenticatedConnections } from './unauthenticated-connections.ts';
import { asksForWebSocket, ignoreUpgrade } from './upgrade.ts';
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
/**
 * Connections that the kernel keeps until they are accepted, one in each turn of the event loop. It
 * drops those beyond, and they come again after 1, 3 and 7 s: with Node's 511, a thousand that are
 * opened at once wait for as long. The kernel has a bound of its own (`net.core.somaxconn`).
 */
const BACKLOG = 4_096;
const HOST_CHARS_SHOWN = 100;
const GOOD_HOSTS_MAX = 100;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { settings, log } = options;
  const router = createRouter(options);
  const faultOfHead = createHeadCheck(options);
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
    // Each is held until those before it are answered, and a stranger need not read an answer.
    if (req.socket.destroyed) return;
    if (connections.due(req.socket) > settings.pipelinedMax) return void req.socket.destroy();
    const requestId = requestIdOf(req.headers['x-request-id']);
    setCommonHeaders(res, requestId);
    const fault = faultOfHead(req);
    if (fault !== undefined) return answerError(res, fault);
    // A reader that leaves is nobody's fault; what waits for it hears of it by the close.
    res.on('error', () => undefined);
    res.once('prefinish', () => watchReader(res, settings.stuckPeerMs));
    watchRequest(req, res, { route: router.routeOf(req), metrics: options.metrics }, () =>
      router.handle(req, res, requestId),
    ).catch((error: unknown) => answerError(res, publicError(error, { requestId, log })));
  }

  const connections = trackConnections(server, change => options.metrics?.connected(change));
  const unauthenticated = new UnauthenticatedConnections(settings);
  server.on('connection', socket => unauthenticated.add(socket));
  server.on('request', onRequest);
  server.on('checkContinue', (req, res) => {
    // A sender that waits for leave to send too much gets the refusal in its place.
    if (!exceeds(req, settings.bodyBytesMax)) res.writeContinue();
    onRequest(req, res);
  });
  // Of an expectation that nobody knows nothing is expected: Node would answer 417 without a word.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  takeUpgrades(server, connections, faultOfHead, options);
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    const error = new GatewayError('BAD_REQUEST', 'The request is not valid HTTP.');
    refuseOn(socket, error, { status: CLIENT_ERRORS[code ?? ''] ?? error.status });
  });

  let stopping: Promise<void> | undefined;
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    stop: () => (stopping ??= stopServer(server, router, connections, options)),
  };
}

/** Brings the target into form, and says what keeps a request from being looked at further. */
function createHeadCheck({ settings: { allowedHosts }, log }: HttpServerOptions) {
  /** Hosts that were found good: nearly all requests name the same few. */
  const good = new LRUCache<string, true>({ max: GOOD_HOSTS_MAX });
  let isTold = false;
  return (req: IncomingMessage): GatewayError | undefined => {
    if (!normalizeTarget(req)) {
      const message = 'The request target is neither a path nor a URL of http.';
      return new GatewayError('BAD_REQUEST', message);
    }
    const { host } = req.headers;
    if (host === undefined || good.has(host)) return undefined;
    if (!URL.canParse(`http://${host}/`)) {
      return new GatewayError('BAD_REQUEST', 'The Host header is not a host.');
    }
    if (allowedHosts === null || isOwnHost(host, allowedHosts)) {
      if (host.length <= HOST_CHARS_SHOWN) good.set(host, true);
      return undefined;
    }
    if (!isTold) log.warn({ host }, 'refused for its Host: SLUICE_ALLOWED_HOSTS lists others');
    isTold = true;
    const shown = JSON.stringify(host.slice(0, HOST_CHARS_SHOWN));
    const message = `The gateway does not accept the Host ${shown}. SLUICE_ALLOWED_HOSTS lists the accepted names.`;
    return new GatewayError('HOST_NOT_ALLOWED', message);
  };
}

/** Opens WebSockets at `/graphql`, and lets any other offer pass. */
function takeUpgrades(
  server: Server,
  connections: Connections,
  faultOfHead: (req: IncomingMessage) => GatewayError | undefined,
  { graphql, settings }: HttpServerOptions,
): void {
  server.on('upgrade', (req, socket: Socket, head) => {
    const onError = () => void socket.destroy();
    socket.on('error', onError);
    // What was asked before on this connection is answered first.
    connections.whenIdle(socket, () => {
      if (!isForGraphql(req)) {
        socket.off('error', onError);
        return ignoreUpgrade(server, req, socket, head);
      }
      connections.leave(socket);
      const fault = faultOfHead(req) ?? faultOfOrigin(req, settings);
      if (fault !== undefined) return refuseOn(socket, fault);
      graphql.upgrade(req, socket, head);
    });
  });
}

function isForGraphql(req: IncomingMessage): boolean {
  const target = asksForWebSocket(req) ? readTarget(req.url ?? '/') : null;
  return target !== null && pathOf(target) === '/graphql';
}

/** Node's codes for requests that never became one. */
const CLIENT_ERRORS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * An answer that its reader does not take in is cut: Node destroys a socket whose time is up and
 * counts every byte that leaves as a sign of life. Its own clock takes over when all has left.
 */
function watchReader({ socket }: ServerResponse, stuckPeerMs: number): void {
  if (socket && socket.writableLength > 0) socket.setTimeout(stuckPeerMs);
}
