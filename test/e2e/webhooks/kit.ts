/** A receiver of webhooks, and what tests of webhooks say to a gateway. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { newBench, type Bench, type Input } from '../consume/kit.ts';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly bytes: Buffer;
  readonly atMs: number;
}

/** What a receiver does with a request: a status, a status with headers and a body, or whatever it wants. */
export type Answer =
  | number
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | ((req: IncomingMessage, res: ServerResponse) => void);

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** For the requests to come. */
  answer: (received: Received) => Answer;
  readonly connections: () => number;
}

/** A real server: what it is sent, it keeps. */
export async function startReceiver(
  answer: Answer = 200,
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const got: Received = {
        path: req.url ?? '',
        headers: req.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
        bytes: Buffer.concat(chunks),
        atMs: performance.now(),
      };
      received.push(got);
      const how = self.answer(got);
      if (typeof how === 'function') how(req, res);
      else if (typeof how === 'number') res.writeHead(how).end();
      else res.writeHead(how.status, how.headers).end(how.body);
    })();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: Receiver = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    answer: () => answer,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return self;
}

/** The event of a request, when it is signed as it should be. */
export function verified({ body, headers }: Received, secret: string) {
  return new Webhook(secret).verify(body, { ...headers }) as {
    type: string;
    timestamp: string;
    data: Record<string, unknown> & { eventId: string; position: number };
  };
}

export const idsOf = (received: readonly Received[]) =>
  received.map(({ body }) => (JSON.parse(body) as { data: { eventId: string } }).data.eventId);

/** Short delays: an event is tried again at once. */
export const RETRY_MS = [50, 100, 200, 400];

export function startWebhookGateway(
  config: Parameters<typeof startTestGateway>[0] = {},
): Promise<TestGateway> {
  return startTestGateway({
    ...config,
    config: { webhookPrivateNetworks: true, webhookRetryDelaysMs: RETRY_MS, ...config.config },
  });
}

export const ATTEMPT = 'id at eventId position attempt status error durationMs response';

export interface Attempt {
  readonly id: string;
  readonly eventId: string;
  readonly position: number;
  readonly attempt: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  readonly response: string | null;
}

export interface WebhookBench extends Bench {
  /** Its secret. */
  webhook(name: string, url: string, input?: Input): Promise<string>;
  attempts(name: string, first?: number): Promise<Attempt[]>;
  events(): Promise<{ type: string; eventId: string; payload: Record<string, unknown> }[]>;
}

export async function newWebhookBench(gateway: TestGateway): Promise<WebhookBench> {
  return webhookBenchOf(await newBench(gateway));
}

export function webhookBenchOf(bench: Bench): WebhookBench {
  const { gateway, key } = bench;
  return {
    ...bench,
    async webhook(name, url, input = {}) {
      const { createWebhook } = await gateway.data<{ createWebhook: { secret: string } }>(
        'mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret } }',
        { input: { name, url, ...input } },
        key,
      );
      return createWebhook.secret;
    },
    async attempts(name, first = 100) {
      const { consumer } = await gateway.data<{
        consumer: { webhook: { recentAttempts: Attempt[] } };
      }>(
        `query($name: String!, $first: Int) {
          consumer(name: $name) { webhook { recentAttempts(first: $first) { ${ATTEMPT} } } } }`,
        { name, first },
        key,
      );
      return consumer.webhook.recentAttempts;
    },
    async events() {
      const { events } = await gateway.data<{
        events: { nodes: { type: string; eventId: string; payload: Record<string, unknown> }[] };
      }>(
        '{ events(first: 1000, order: { field: POSITION, direction: ASC }) { nodes { type eventId payload } } }',
        {},
        key,
      );
      return events.nodes;
    },
  };
}

export const BEGINNING = { from: { start: 'BEGINNING' } };
export const PATIENCE = { timeout: 90_000, interval: 20 };
