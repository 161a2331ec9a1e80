import {
  CloseCode,
  handleProtocols,
  makeServer,
  type WebSocket as ProtocolSocket,
  type Server,
} from 'graphql-ws';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import { GatewayError } from '../core/errors.ts';
import { marked } from '../core/exact-json.ts';
import { refuseOn } from '../http/answer.ts';
import { readerOf, requestIdOf } from '../http/call.ts';
import { scanJson } from '../http/json.ts';
import type { ServerSettings } from '../http/settings.ts';
import { becomesKnown } from '../http/unauthenticated-connections.ts';
import type { Pipeline, PipelineOptions } from './pipeline.ts';
import type { StreamTurns, Unsent } from './stream-fairness.ts';
import { measureMessages } from './ws-messages.ts';
import { connectionCallOf, createOperations, type Outlet, type Peer } from './ws-operations.ts';
import { createOutlet } from './ws-outlet.ts';

/**
 * The protocol graphql-transport-ws on sockets of `ws`. graphql-ws implements the protocol. This file
 * has the sockets: their bounds, pings, turns and end.
 *
 * Until its `connection_init` is accepted, a socket may send a few kilobytes and has a few seconds;
 * afterwards the parts of a message that is not complete are counted in admission.
 *
 * A message waits until the socket holds less than `websocketBufferBytesMax` unsent, and until then
 * nothing more is taken from a stream. So a slow reader costs at most that much. A peer that does not
 * answer a ping before the next one is disconnected, unless it has much to read before the ping.
 * @see https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export interface WebSockets {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Gives operations time to end by themselves, ends the remaining streams with GOING_AWAY, waits for
   * running operations, and closes with 1001. Idempotent.
   */
  stop(patienceMs: number): Promise<void>;
}

const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** How long a peer has to answer our close. */
const CLOSE_MS = 1_000;
const POLL_MS = 20;
/** How often the keys of open connections are checked. */
const KEY_CHECK_MS = 2_000;
/** Of one message, and reads of a socket that hold parts of one frame: each takes some memory. */
const FRAGMENTS_MAX = 1_024;
const CHUNKS_MAX = 8_192;

/** The types of `ws` do not know all of these yet. */
const UNTYPED_LIMITS = {
  maxFragments: FRAGMENTS_MAX,
  maxBufferedChunks: CHUNKS_MAX,
  closeTimeout: CLOSE_MS,
};

export function createWebSockets(
  pipeline: Pipeline,
  options: PipelineOptions & { readonly turns: StreamTurns; readonly unsent: Unsent },
): WebSockets {
  const { settings, unsent } = options;
  const outletOptions = { bufferBytesMax: settings.websocketBufferBytesMax, unsent };
  const protocol = makeServer(createOperations(pipeline, options));
  const peers = new Map<WebSocket, Peer>();
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: settings.websocketMessageBytesMax,
    ...UNTYPED_LIMITS,
    perMessageDeflate: false,
    handleProtocols,
  });
  sockets.on('wsClientError', ({ message }, socket) => {
    const error = new GatewayError('BAD_REQUEST', `This does not open a WebSocket: ${message}.`);
    refuseOn(socket, error, { headers: { 'sec-websocket-version': '13, 8' } });
  });
  const checking = setInterval(() => {
    void closeUnauthenticated(peers, options);
  }, KEY_CHECK_MS).unref();
  let isStopping = false;

  return {
    upgrade(req, socket, head) {
      if (isStopping)
        return refuseOn(
          socket,
          new GatewayError('SERVICE_UNAVAILABLE', 'The gateway is stopping.'),
        );
      sockets.handleUpgrade(req, socket, head, opened => {
        const peer = peerOf(req, createOutlet(opened, socket, outletOptions));
        peers.set(opened, peer);
        opened.once('close', () => peers.delete(opened));
        serve(opened, peer, protocol, options);
        measureMessages({ opened, socket, peer, head, ...options });
      });
    },
    async stop(patienceMs) {
      isStopping = true;
      clearInterval(checking);
      const isQuiet = () => [...peers.values()].every(isIdle);
      await until(isQuiet, patienceMs);
      for (const peer of peers.values()) {
        for (const stream of peer.streams) {
          stream.fail(new GatewayError('GOING_AWAY', 'The gateway is stopping.'));
        }
      }
      await until(isQuiet, settings.stopMs / 2);
      for (const socket of peers.keys()) socket.close(GOING_AWAY, 'Going away');
      await until(() => peers.size === 0, CLOSE_MS);
      for (const socket of peers.keys()) socket.terminate();
    },
  };
}

/**
 * Closes the connections of keys that were revoked or have expired. Their streams end first, each
 * with its cursor. A connection with a stream that still runs is closed at the next check.
 */
async function closeUnauthenticated(
  peers: ReadonlyMap<WebSocket, Peer>,
  { confirm }: PipelineOptions,
): Promise<void> {
  const checked = new Map<number, Promise<boolean>>();
  for (const [socket, peer] of peers) {
    const { context, principal } = peer;
    if (context === undefined || principal == null) continue;
    // Once for all connections of a key.
    const valid =
      checked.get(principal.keyId) ?? isValid(confirm(connectionCallOf(context), principal));
    checked.set(principal.keyId, valid);
    if (await valid) continue;
    if (isIdle(peer) || peer.isRefused) socket.close(CloseCode.Forbidden, 'Forbidden');
    peer.isRefused = true;
  }
}

/** True also if the key cannot be checked. */
async function isValid(confirmed: Promise<unknown>): Promise<boolean> {
  try {
    await confirmed;
    return true;
  } catch (error) {
    return !(error instanceof GatewayError && error.code === 'UNAUTHENTICATED');
  }
}

/** Waits for a condition, up to a time limit. */
async function until(isTrue: () => boolean, withinMs: number): Promise<void> {
  for (let waited = 0; waited < withinMs && !isTrue(); waited += POLL_MS) await sleep(POLL_MS);
}

function peerOf({ headers, socket }: IncomingMessage, outlet: Outlet): Peer {
  return {
    requestId: requestIdOf(headers['x-request-id']),
    remoteAddress: socket.remoteAddress,
    headers: readerOf(headers),
    outlet,
    tenant: undefined,
    becomeKnown(tenant) {
      this.tenant = tenant;
      return becomesKnown(socket, tenant);
    },
    messageBytes: 0,
    isMessageMarked: false,
    isRefused: false,
    streams: new Set(),
    controllers: new Set(),
  };
}

function isIdle({ context }: Peer): boolean {
  return context === undefined || Object.keys(context.subscriptions).length === 0;
}

function serve(
  socket: WebSocket,
  peer: Peer,
  protocol: Server<Peer>,
  { log, settings }: PipelineOptions,
): void {
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: async data => peer.outlet.message(data, peer.tenant),
      close: (code, reason) => socket.close(code, reason),
      onMessage(listener) {
        socket.on('message', (data: Buffer, isBinary) => {
          if (socket.readyState !== socket.OPEN) return;
          const message = isBinary ? null : readMessage(data, settings.jsonDepthMax);
          if (message === null) {
            return socket.close(CloseCode.BadRequest, 'Invalid message received');
          }
          peer.messageBytes = data.length;
          peer.isMessageMarked = message.isMarked;
          listener(message.text).catch((error: unknown) => closeFor(error));
        });
      },
    } satisfies ProtocolSocket,
    peer,
  );
  function closeFor(err: unknown): void {
    const { code, reason } = closeOf(err);
    if (code === CloseCode.InternalServerError) {
      log.error({ requestId: peer.requestId, err }, 'a WebSocket failed');
    }
    socket.close(code, reason);
  }
  const stopPings = keepAlive(socket, settings);
  // graphql-ws closes it by then, and a peer that does not answer the close is not waited for.
  const overdue = setTimeout(() => {
    if (peer.tenant === undefined) socket.terminate();
  }, settings.websocketInitMs + CLOSE_MS);
  // `ws` closes the socket by itself, with the code that the fault has (1002, 1007, 1009).
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    stopPings();
    clearTimeout(overdue);
    for (const stream of peer.streams) stream.end();
    for (const controller of peer.controllers) controller.abort();
    closed(code, String(reason)).catch((err: unknown) => {
      log.error({ requestId: peer.requestId, err }, 'a WebSocket failed at its end');
    });
  });
}

/**
 * The text of a message. Null: it is nested too deeply. graphql-ws parses numbers as doubles, so longer
 * numbers of an operation are marked here, and the marks are removed from its variables later.
 */
function readMessage(data: Buffer, depthMax: number): { text: string; isMarked: boolean } | null {
  const text = data.toString();
  try {
    const isMarked = scanJson(data, depthMax) === 'LONG' && /"type"\s*:\s*"subscribe"/.test(text);
    return { text: isMarked ? marked(text) : text, isMarked };
  } catch {
    return null;
  }
}

function closeOf(error: unknown): { code: number; reason: string } {
  if (error instanceof GatewayError && (error.status === 503 || error.status === 429)) {
    return { code: TRY_AGAIN_LATER, reason: error.code };
  }
  // A message that only a server may send: graphql-ws throws where the protocol asks for a close.
  if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
    return { code: CloseCode.BadRequest, reason: 'Invalid message received' };
  }
  return { code: CloseCode.InternalServerError, reason: 'Internal server error' };
}

/**
 * Pings, and cuts a peer that has not answered the last one: at once where nothing else waits for
 * it, else when it has taken nothing for long. Returns what stops it.
 */
function keepAlive(
  socket: WebSocket,
  { websocketPingMs, stalledReaderMs }: ServerSettings,
): () => void {
  let silentMs = 0;
  let isAnswered = true;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const timer = setInterval(() => {
    silentMs = isAnswered ? 0 : silentMs + websocketPingMs;
    if (silentMs >= (socket.bufferedAmount > 0 ? stalledReaderMs : websocketPingMs)) {
      return socket.terminate();
    }
    if (isAnswered) socket.ping();
    isAnswered = false;
  }, websocketPingMs);
  return () => clearInterval(timer);
}
