/**
 * A connection to NATS that is made, kept and made again until it is stopped. What is sent while
 * there is none is dropped, and so is what the server does not take in: nothing piles up.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { backoffMs } from '../core/isomorphic.ts';
import type { LiveClock } from './clock.ts';

export interface NatsAddress {
  /** Such as `nats://127.0.0.1:4222`; user and password, or a token, before the @. */
  readonly servers: readonly string[];
  /** What a `.creds` file holds. */
  readonly credentials: string | null;
}

export interface NatsLinkOptions extends NatsAddress {
  readonly clock: LiveClock;
  /** There is a connection (again): what is sent from now on to what is subscribed to is heard. */
  readonly onUp: () => void;
  /** There is none; it is tried again. */
  readonly onDown: (error: unknown) => void;
}

/** What the server has not confirmed yet. Beyond it, messages are dropped until it has. */
const UNSENT_BYTES_MAX = 8_388_608;
const CONNECT_WITHIN_MS = 3_000;
const BACKOFF = { minMs: 500, maxMs: 10_000 };
/** A server that stands still is told so from one that has nothing to say. */
const PING_MS = 5_000;
const PINGS_MAX = 2;

interface Heard {
  readonly hear: (message: Msg) => void;
  subscription: Subscription | null;
}

export class NatsLink {
  readonly #options: NatsLinkOptions;
  readonly #stopping = new AbortController();
  readonly #heard = new Map<string, Heard>();
  #connection: NatsConnection | null = null;
  #isUp = false;
  #unsentBytes = 0;
  #isFlushing = false;
  #starting: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Of one message. */
  get bytesMax(): number {
    return this.#connection?.info?.max_payload ?? 0;
  }

  /** Resolves when there is a connection, or when the first attempt has failed. Idempotent. */
  start(): Promise<void> {
    this.#starting ??= new Promise(resolve => {
      this.#running = this.#run(resolve);
    });
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#isUp = false;
    await this.#running;
  }

  /** Holds for every connection until `unsubscribe`. */
  subscribe(subject: string, hear: (message: Msg) => void): void {
    const heard: Heard = { hear, subscription: null };
    this.#heard.set(subject, heard);
    if (this.#connection !== null) listen(this.#connection, subject, heard);
  }

  unsubscribe(subject: string): void {
    this.#heard.get(subject)?.subscription?.unsubscribe();
    this.#heard.delete(subject);
  }

  send(subject: string, message: Buffer, reply?: string): void {
    if (!this.#isUp || this.#unsentBytes > UNSENT_BYTES_MAX) return;
    this.#connection?.publish(subject, message, reply === undefined ? {} : { reply });
    this.#unsentBytes += message.length;
    if (!this.#isFlushing) void this.#flush();
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    while (this.#unsentBytes > 0 && this.#isUp) {
      const bytes = this.#unsentBytes;
      // Fails with its connection, and then all that was unsent is gone.
      await this.#connection?.flush().catch(() => {});
      this.#unsentBytes -= bytes;
    }
    this.#isFlushing = false;
  }

  /** Connects, and again when a connection has ended for good. */
  async #run(onFirst: () => void): Promise<void> {
    const { clock, onDown } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        this.#connection = await connect(this.#options);
        failures = 0;
        await this.#follow(this.#connection, onFirst);
      } catch (error) {
        if (!signal.aborted) onDown(error);
      }
      this.#down();
      this.#connection = null;
      onFirst();
      await clock.sleep(backoffMs(failures, BACKOFF, clock.random), signal);
    }
  }

  /** Until the connection has ended for good. The client restores one that is lost by itself. */
  async #follow(connection: NatsConnection, onFirst: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const onStop = () => void connection.close();
    signal.addEventListener('abort', onStop, { once: true });
    if (signal.aborted) onStop();
    try {
      for (const [subject, heard] of this.#heard) listen(connection, subject, heard);
      // Of one that was closed, what is flushed or asked for may never be answered.
      await Promise.race([this.#live(connection, onFirst), connection.closed()]);
    } finally {
      signal.removeEventListener('abort', onStop);
    }
  }

  async #live(connection: NatsConnection, onFirst: () => void): Promise<void> {
    await this.#up(connection);
    onFirst();
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#lose();
      if (type === 'reconnect') await this.#up(connection);
    }
  }

  async #up(connection: NatsConnection): Promise<void> {
    // Until the server knows of all subscriptions.
    await connection.flush();
    this.#isUp = !this.#stopping.signal.aborted;
    if (this.#isUp) this.#options.onUp();
  }

  #lose(): void {
    this.#down();
    if (this.#stopping.signal.aborted) return;
    this.#options.onDown(new Error('the connection to NATS was lost'));
  }

  #down(): void {
    this.#isUp = false;
    this.#unsentBytes = 0;
  }
}

function listen(connection: NatsConnection, subject: string, heard: Heard): void {
  const callback = (error: Error | null, message: Msg) => {
    if (error === null) heard.hear(message);
  };
  heard.subscription = connection.subscribe(subject, { callback });
}

async function connect({ servers, credentials }: NatsAddress): Promise<NatsConnection> {
  // Only who uses it loads it.
  const nats = await import('@nats-io/transport-node');
  const urls = servers.map(text => new URL(text));
  return nats.connect({
    servers: urls.map(({ host }) => host),
    ...loginOf(urls),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
    ...(credentials !== null && {
      authenticator: nats.credsAuthenticator(new TextEncoder().encode(credentials)),
    }),
    name: 'sluice',
    noEcho: true,
    timeout: CONNECT_WITHIN_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: BACKOFF.minMs,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_MS,
    maxPingOut: PINGS_MAX,
  });
}

/** What stands before the @: the client takes it apart from the address. */
function loginOf(urls: readonly URL[]): { user: string; pass: string } | { token: string } | null {
  const { username = '', password = '' } = urls.find(url => url.username !== '') ?? {};
  const user = decodeURIComponent(username);
  if (user === '') return null;
  return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) };
}
