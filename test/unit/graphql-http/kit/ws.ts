import { WebSocket, type ClientOptions } from 'ws';
import { KEY, until, type Edge } from './edge.ts';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A client that speaks bare messages, so that a test may also speak them wrongly. */
export interface WsClient extends Disposable {
  readonly socket: WebSocket;
  readonly received: readonly Message[];
  readonly closed: { code: number; reason: string } | undefined;
  send(message: unknown): void;
  /** The messages of one operation, without their id. */
  of(id: string): readonly Omit<Message, 'id'>[];
  /** Waits for the n-th message of a type. */
  message(type: string, nth?: number): Promise<Message>;
  close(): Promise<{ code: number; reason: string }>;
}

export async function connect(edge: Edge, options: ClientOptions = {}): Promise<WsClient> {
  const url = `ws://127.0.0.1:${edge.port}/graphql`;
  const socket = new WebSocket(url, 'graphql-transport-ws', options);
  const received: Message[] = [];
  const state: { closed?: { code: number; reason: string } } = {};
  socket.on('message', data => received.push(JSON.parse(String(data)) as Message));
  socket.on('error', () => undefined);
  socket.on('close', (code, reason) => (state.closed = { code, reason: String(reason) }));
  await until(() => socket.readyState !== WebSocket.CONNECTING);
  return {
    socket,
    received,
    get closed() {
      return state.closed;
    },
    send: message => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    of: id =>
      received
        .filter(message => message.id === id)
        .map(({ type, payload }) => (payload === undefined ? { type } : { type, payload })),
    async message(type, nth = 1) {
      await until(() => received.filter(message => message.type === type).length >= nth);
      return received.filter(message => message.type === type)[nth - 1]!;
    },
    async close() {
      await until(() => state.closed !== undefined);
      return state.closed!;
    },
    [Symbol.dispose]() {
      socket.terminate();
    },
  };
}

/** A client whose connection is acknowledged. */
export async function connectWithKey(edge: Edge, options?: ClientOptions): Promise<WsClient> {
  const client = await connect(edge, options);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${KEY}` } });
  await client.message('connection_ack');
  return client;
}
