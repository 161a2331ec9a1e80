/**
 * Mounts a door: all that happens around a route, so that the route only translates. In order:
 * find the route, authenticate, check the scope, read the body, authenticate again (a sender may
 * draw its body out for a minute), handle, answer; whatever fails on the way is answered in the
 * vendor's shape.
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError, MethodNotAllowed } from '../core/errors.ts';
import type { Receipt } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import {
  requireScope,
  unauthenticated,
  type Actor,
  type Principal,
  type Scope,
} from '../core/principal.ts';
import {
  WORKSPACE_PARAMETER,
  type Door,
  type DoorAnswer,
  type DoorContext,
  type DoorRequest,
  type DoorServices,
} from '../doors/door.ts';
import type { Admission } from '../http/admission.ts';
import { admit } from '../http/admit.ts';
import { errorHeaders } from '../http/answer.ts';
import { drained, hasBody, readBody } from '../http/body.ts';
import type { HttpCall } from '../http/call.ts';
import { publicError } from '../http/errors.ts';
import { pathOf, type HttpHandler } from '../http/handler.ts';
import { readJson } from '../http/json.ts';
import type { ServerSettings } from '../http/settings.ts';
import type { Live } from '../live/live.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { QuarantineItem, QuarantineTarget } from '../record/quarantine.ts';
import type { RecordEvents } from '../record/record.ts';
import type { Access } from '../security/access.ts';
import { schemeOf } from '../security/address.ts';
import type { AuthenticateCaller, RateLimits } from '../security/rate-limits.ts';
import { createRoutes, type Found } from './door-routes.ts';

export interface DoorHandlerOptions {
  readonly services: DoorServices & {
    readonly access: Access;
    readonly authenticate: AuthenticateCaller;
    readonly confirm: AuthenticateCaller;
    readonly metrics: Pick<Metrics, 'receipts'>;
    readonly rateLimits: Pick<RateLimits, 'countEvents' | 'tenantOf'>;
    readonly record: RecordEvents;
    readonly live: Pick<Live, 'hold'>;
    keepAside(target: QuarantineTarget, items: readonly QuarantineItem[]): Promise<void>;
  };
  readonly admission: Admission;
  readonly log: Log;
  readonly settings: ServerSettings;
}

export function createDoorHandler(door: Door, options: DoorHandlerOptions): HttpHandler {
  const find = createRoutes(door.routes);
  const { log, settings } = options;

  function encodeError(error: unknown, request: DoorRequest): DoorAnswer {
    const told = publicError(error, { requestId: request.requestId, log });
    const answer = door.encodeError(told, request);
    return { ...answer, headers: { ...errorHeaders(told), ...answer.headers } };
  }

  async function answerTo(request: OpenRequest, call: HttpCall): Promise<DoorAnswer> {
    const found = find(request.method, request.path);
    if (found.route === null) return withoutRoute(door, request, found);
    request.params = found.params;
    const { authenticate, confirm, live, rateLimits } = options.services;
    const inHeader = credentialOf(door, request);
    await admit(call, options.admission, rateLimits.tenantOf(call, inHeader.secret));
    const isInBody = inHeader.secret === null && door.keyInBody !== undefined;
    const credential = isInBody ? await credentialInBody(door, request, call) : inHeader;
    const { scope, handle } = found.route;
    const principalBy = async (authenticated: AuthenticateCaller) => {
      const principal = await authenticated(credential.secret, call);
      if (principal === null) throw credential.refused;
      return scope === null ? principal : requireScope(principal, scope);
    };
    await principalBy(authenticate);
    if (!isInBody) request.body = await bodyOf(door, request, call, settings.bodyBytesMax);
    const principal = await principalBy(confirm);
    const task: Task = { call, principal, scope, workspaceId: null };
    const answer = await handle(request, contextOf(door, request, task, options));
    if (isStream(answer.body)) holdStream(task, live);
    return answer;
  }

  /** What keeps the body from being read is told where its sender has no more to show. */
  async function credentialInBody(
    door: Door,
    request: OpenRequest,
    call: HttpCall,
  ): Promise<Credential> {
    try {
      const bytesMax = Math.min(settings.bodyBytesMax, LIMITS.strangerBodyBytesMax);
      request.body = await bodyOf(door, request, call, bytesMax);
      return { secret: door.keyInBody?.(request) ?? null, refused: unauthenticated() };
    } catch (refused) {
      return { secret: null, refused };
    }
  }

  return {
    name: door.name,
    matches: (path, headers) => door.owns(path, headers as DoorRequest['headers']),
    async handle(call) {
      const request = new OpenRequest(call, settings);
      let answer: DoorAnswer;
      try {
        answer = await answerTo(request, call);
      } catch (error) {
        answer = encodeError(error, request);
      }
      await send(call.res, answer, settings);
    },
  };
}

function bodyOf(
  door: Door,
  request: DoorRequest,
  call: HttpCall,
  bytesMax: number,
): Promise<Buffer> {
  return readBody(call, bytesMax, door.encodingOf?.(request));
}

const EMPTY = Buffer.alloc(0);

/** A request whose parts are filled in on its way. */
class OpenRequest implements DoorRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: DoorRequest['headers'];
  readonly requestId: string;
  params: DoorRequest['params'] = {};
  body: Buffer = EMPTY;
  readonly #url: string;
  readonly #call: HttpCall;
  readonly #settings: ServerSettings;
  #query: URLSearchParams | undefined;

  constructor(call: HttpCall, settings: ServerSettings) {
    const { req, requestId } = call;
    const { method = 'GET', url = '/' } = req;
    this.#call = call;
    this.#settings = settings;
    this.requestId = requestId;
    this.method = method;
    this.path = pathOf(req);
    this.headers = req.headers as DoorRequest['headers'];
    this.#url = url;
  }

  /** @throws GatewayError BAD_REQUEST */
  get query(): URLSearchParams {
    return (this.#query ??= readQuery(this.#url.slice(this.path.length + 1)));
  }

  get origin(): string {
    const { host } = this.headers;
    const scheme = schemeOf(this.#call, this.#settings.trustedProxies);
    return host === undefined ? '' : `${scheme}://${host}`;
  }

  repeatedHeaders(): string[] {
    const { rawHeaders } = this.#call.req;
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map(name => name.toLowerCase());
    return names.filter((name, at) => names.indexOf(name) < at);
  }

  json(made: Uint8Array = this.body): unknown {
    return readJson(made, this.#settings.jsonDepthMax);
  }
}

/** URLSearchParams alone puts U+FFFD where an escape is not UTF-8. */
function readQuery(search: string): URLSearchParams {
  for (const [escapes] of search.matchAll(/(?:%[\da-f]{2})+/gi)) {
    try {
      decodeURIComponent(escapes);
    } catch (cause) {
      const message = 'The query is not percent-encoded UTF-8.';
      throw new GatewayError('BAD_REQUEST', message, { cause });
    }
  }
  return new URLSearchParams(search);
}

interface Credential {
  /** Null where no key was sent. */
  readonly secret: string | null;
  /** What is said where there is no such key. */
  readonly refused: unknown;
}

function credentialOf(door: Door, request: DoorRequest): Credential {
  try {
    return { secret: door.credential(request), refused: unauthenticated() };
  } catch (refused) {
    // In the words of its vendor.
    return { secret: null, refused };
  }
}

/** A request that was let in. */
interface Task {
  readonly call: HttpCall;
  readonly principal: Principal;
  /** Of the route; null where the handler asks for it itself. */
  readonly scope: Scope | null;
  /** Where it has got access; null before that. */
  workspaceId: number | null;
}

function contextOf(
  door: Door,
  { query }: DoorRequest,
  task: Task,
  { services }: DoorHandlerOptions,
): DoorContext {
  const name = door.name;
  const { call, principal, scope } = task;
  const { keyId, quota, tell } = principal;
  const actor: Actor = { keyId, scope: scope ?? 'EVENTS_WRITE', quota, tell };
  return {
    principal,
    services,
    async access(slug, needed) {
      const named = slug ?? query.get(WORKSPACE_PARAMETER);
      const workspace = await services.access(principal, named, needed);
      task.workspaceId = workspace.id;
      return workspace;
    },
    async record(workspace, events, atomic) {
      if (name === 'GENESYS') throw readOnly();
      await services.rateLimits.countEvents(keyId, events.length);
      return services.record({ workspace, door: name, events, atomic, actor });
    },
    async keepAside(workspace, items) {
      if (name === 'GENESYS') throw readOnly();
      await services.keepAside({ workspaceId: workspace.id, door: name, actor }, items);
      services.metrics.receipts(name, items.map(quarantined));
    },
    get signal() {
      return call.signal;
    },
  };
}

/**
 * An answer that is streamed is nobody's answer to wait for. It counts among the streams of its
 * key, and is cut when the key is revoked or expires, or its workspace is deleted.
 * @throws GatewayError TOO_MANY_STREAMS
 */
function holdStream({ call, principal, workspaceId }: Task, live: Pick<Live, 'hold'>): void {
  const { res, work } = call;
  const release = live.hold({
    workspaceId,
    tag: principal.keyId,
    // Without its last chunk: the reader sees that it is not whole.
    end: () => res.destroy(),
  });
  work?.end();
  if (res.closed) release();
  else res.once('close', release);
}

/** What GraphQL would answer for an event that was kept aside. */
function quarantined({ input, problems, madeId }: QuarantineItem, index: number): Receipt {
  const eventId = input.id ?? madeId ?? null;
  return { index, status: 'QUARANTINED', eventId, position: null, recordedAt: null, problems };
}

function readOnly(): TypeError {
  return new TypeError('this door is for reading only');
}

/** @throws GatewayError METHOD_NOT_ALLOWED, NOT_FOUND */
function withoutRoute(door: Door, request: DoorRequest, { allow }: Found): DoorAnswer {
  const { method } = request;
  if (allow === '') throw new GatewayError('NOT_FOUND', 'Nothing is served at this path.');
  if (method === 'OPTIONS') {
    return { status: 204, headers: { allow, ...door.optionsHeaders?.(request) } };
  }
  const message = `The path does not support ${method}. It supports ${allow}.`;
  throw new MethodNotAllowed(message, allow);
}

async function send(
  res: ServerResponse,
  { status, headers, body }: DoorAnswer,
  { stuckPeerMs }: ServerSettings,
): Promise<void> {
  const { req } = res;
  if (res.headersSent || res.destroyed) return;
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  if (isStream(body)) {
    res.writeHead(status, { ...type, ...headers });
    if (req.method === 'HEAD') return void res.end();
    res.socket?.setTimeout(stuckPeerMs);
    // A pipeline alone listens to its end eight times over.
    res.setMaxListeners(20);
    // A reader that leaves, and a source that fails in the middle, end it without its last chunk.
    return pipeline(Readable.from(body), res).catch(() => void res.destroy());
  }
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body ?? '') };
  res.writeHead(status, { ...type, ...headers, ...length });
  if (req.complete || !hasBody(req)) return void res.end(body);
  // Refused before its body was read: the answer is on its way, its end waits for the sender.
  if (body === undefined) res.flushHeaders();
  else res.write(body);
  await drained(req);
  res.end();
}

function isStream(body: DoorAnswer['body']): body is AsyncIterable<string> {
  return typeof body === 'object' && !Buffer.isBuffer(body);
}
