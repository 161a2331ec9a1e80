/** A network between two of them that can be as bad as one likes. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type Weather =
  | 'CLEAR'
  /** Nothing passes, nothing is closed. */
  | 'BLACK_HOLE'
  /** Every chunk is late. */
  | 'SLOW'
  /** Connections break by chance. */
  | 'FLAKY'
  /** What is asked arrives and is done; nobody hears of it. */
  | 'ANSWERS_LOST'
  /** No connection that was made meanwhile hears a NOTIFY of Postgres. */
  | 'DEAF';

export interface Proxy {
  /** The target's URL by way of the proxy. */
  readonly url: string;
  /** Where new connections go. */
  target: string;
  weather: Weather;
  /** Cuts every connection at once. */
  reset(): void;
  /** Refuses connections until `open`. */
  shut(): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
}

const SLOW_MS = 120;
const FLAKY_CHANCE = 0.03;

export async function startProxy(target: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let server = createServer(accept);

  function accept(client: Socket): void {
    const { hostname, port } = new URL(proxy.target);
    const upstream = connect(Number(port), hostname);
    join(client, upstream, false);
    join(upstream, client, true, proxy.weather === 'DEAF' ? withoutNotifications() : same);
  }

  function join(from: Socket, to: Socket, isAnswer: boolean, hear = same): void {
    sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('data', bytes => pass(hear(bytes), from, to, isAnswer));
  }

  function pass(bytes: Buffer, from: Socket, to: Socket, isAnswer: boolean): void {
    switch (proxy.weather) {
      case 'CLEAR':
      case 'DEAF':
        return void to.write(bytes);
      case 'BLACK_HOLE':
        return;
      case 'SLOW':
        return void setTimeout(() => to.write(bytes), SLOW_MS);
      case 'FLAKY':
        if (Math.random() < FLAKY_CHANCE) return void from.resetAndDestroy();
        return void to.write(bytes);
      case 'ANSWERS_LOST':
        if (!isAnswer) to.write(bytes);
    }
  }

  async function listen(at: number): Promise<number> {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }

  const own = await listen(0);
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(own);
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  async function shut(): Promise<void> {
    reset();
    if (!server.listening) return;
    await new Promise<void>(resolve => server.close(() => resolve()));
  }
  const proxy: Proxy = {
    url: url.href.replace(/\/$/, ''),
    target,
    weather: 'CLEAR',
    reset,
    shut,
    async open() {
      server = createServer(accept);
      await listen(own);
    },
    stop: shut,
  };
  return proxy;
}

const same = (bytes: Buffer) => bytes;
/** https://www.postgresql.org/docs/current/protocol-message-formats.html, NotificationResponse. */
const NOTIFICATION = 'A'.charCodeAt(0);

/** Lets through what Postgres says, a message at a time, but for notifications. */
function withoutNotifications(): (bytes: Buffer) => Buffer {
  let rest = Buffer.alloc(0);
  return bytes => {
    rest = Buffer.concat([rest, bytes]);
    const heard: Buffer[] = [];
    while (rest.length >= 5) {
      const end = 1 + rest.readUInt32BE(1);
      if (rest.length < end) break;
      if (rest[0] !== NOTIFICATION) heard.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return Buffer.concat(heard);
  };
}
