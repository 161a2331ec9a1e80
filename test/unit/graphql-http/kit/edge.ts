import { connect, type Socket } from 'node:net';
import { GatewayError } from '../../../../src/core/errors.ts';
import { LIMITS } from '../../../../src/core/limits.ts';
import type { Principal } from '../../../../src/core/principal.ts';
import type { PipelineOptions } from '../../../../src/graphql-http/pipeline.ts';
import { createGraphqlServer } from '../../../../src/graphql-http/server.ts';
import { createContext } from '../../../../src/graphql/context.ts';
import type { Services } from '../../../../src/graphql/services.ts';
import { Admission } from '../../../../src/http/admission.ts';
import { createHttpServer, type HttpServerOptions } from '../../../../src/http/server.ts';
import { SERVER_DEFAULTS, type ServerSettings } from '../../../../src/http/settings.ts';
import { stubSchema, type Sightings } from './schema.ts';

/** The stub schema reads from nothing. */
const UNUSED = {
  services: {} as Services,
  access: () => Promise.reject(new Error('there are no workspaces')),
};

export const KEY = 'slc_test_key';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export interface Edge extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  readonly url: string;
  readonly log: readonly LogLine[];
  readonly seen: Sightings;
  /** How many connections are open. */
  readonly connections: () => number;
  stop(): Promise<void>;
  /** A POST of JSON with a valid key; `null` takes a header away. */
  post(body: unknown, headers?: Record<string, string | null>): Promise<Answer>;
  send(path: string, init?: RequestInit): Promise<Answer>;
  /** A bare connection, destroyed with the edge. */
  socket(): Socket;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The codes of the errors, in order. */
  readonly codes: readonly string[];
  readonly json: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
  };
}

type Options = Partial<ServerSettings> &
  Partial<Pick<PipelineOptions, 'eventIdOf' | 'admission'>> &
  Partial<Pick<HttpServerOptions, 'handlers' | 'notReady' | 'endStreams'>>;

/** The whole edge round a stub schema, on a port of its own. */
export async function startEdge(options: Options = {}): Promise<Edge> {
  const { handlers = [], notReady = async () => [], endStreams, eventIdOf, ...rest } = options;
  const { admission = new Admission(LIMITS), ...changed } = rest;
  const settings = { ...SERVER_DEFAULTS, ...changed };
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const log = { info: write('info'), warn: write('warn'), error: write('error') };
  const seen: Sightings = { resolved: 0, streamsBegun: 0, streamsEnded: 0, pulled: 0 };
  const graphql = createGraphqlServer({
    schema: stubSchema(seen),
    admission,
    authenticate: async ({ headers }) => principalOf(headers.get('authorization')),
    confirm: async (_call, principal) => principal,
    createContext: (call, principal) => createContext({ ...UNUSED, call, principal }),
    ...(eventIdOf && { eventIdOf }),
    log,
    settings,
  });
  let connections = 0;
  const server = createHttpServer({
    graphql,
    metrics: { answered: () => {}, connected: change => (connections += change) },
    handlers,
    notReady,
    ...(endStreams && { endStreams }),
    log,
    settings,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${port}`;
  const sockets: Socket[] = [];

  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${origin}${path}`, init);
    return answerOf(response.status, response.headers, await response.text());
  }

  return {
    port,
    origin,
    url: `${origin}/graphql`,
    log: lines,
    seen,
    connections: () => connections,
    stop: () => server.stop(),
    send,
    post(body, headers = {}) {
      const all = {
        'content-type': 'application/json',
        authorization: `Bearer ${KEY}`,
        ...headers,
      };
      const given = Object.entries(all).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      );
      return send('/graphql', {
        method: 'POST',
        headers: given,
        body: isRaw(body) ? (body as BodyInit) : JSON.stringify(body),
      });
    },
    socket() {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.stop();
    },
  };
}

function isRaw(body: unknown): boolean {
  return typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
}

function answerOf(status: number, headers: Headers, text: string): Answer {
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  const json = (isJson ? JSON.parse(text) : {}) as Answer['json'];
  const codes = (json.errors ?? []).map(error => String(error.extensions['code']));
  return { status, headers, text, json, codes };
}

function principalOf(authorization: string | null): Principal | null {
  if (authorization === null) return null;
  if (authorization === 'Bearer database-away') {
    throw new GatewayError('SERVICE_UNAVAILABLE', 'The database does not answer.');
  }
  if (authorization !== `Bearer ${KEY}`) {
    throw new GatewayError('UNAUTHENTICATED', 'The key is not valid.');
  }
  return { keyId: 7, scopes: ['ADMIN'], workspaceId: null };
}

const PATIENCE_MS = 90_000;
const STILL_MS = 200;

/** Waits for a condition, not for a time. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`this has not come: ${isTrue.toString()}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** Waits until a number has not changed for a while. */
export async function untilStill(value: () => number): Promise<void> {
  for (let before = NaN; before !== value();) {
    before = value();
    await new Promise(resolve => setTimeout(resolve, STILL_MS));
  }
}
