/**
 * Mounts a door: all that happens around a route, so that the route only translates. In order:
 * find the route, authenticate, check the scope, read the body, handle, answer; whatever fails on
 * the way is answered in the vendor's shape.
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../core/errors.ts';
import type { Receipt } from '../core/event.ts';
import { requireScope, unauthenticated, type Principal } from '../core/principal.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorServices } from '../doors/door.ts';
import type { QuarantineItem } from '../ingest/quarantine.ts';
import type { RecordEvents } from '../ingest/record.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Access } from '../security/access.ts';
import type { AuthenticateCaller, RateLimits } from '../security/rate-limits.ts';
import type { Admission } from './admission.ts';
import { admit } from './admit.ts';
import { drained, hasBody, readBody } from './body.ts';
import { HttpCall } from './call.ts';
import { createRoutes, type Found } from './door-routes.ts';
import { logCause } from './errors.ts';
import { readJson } from './json.ts';
import type { Log } from './log.ts';
import { pathOf, type PathHandler } from './router.ts';
import type { ServerSettings } from './settings.ts';

export interface DoorHandlerOptions {
  readonly services: DoorServices & {
    readonly access: Access;
    readonly authenticate: AuthenticateCaller;
    readonly metrics: Pick<Metrics, 'receipts'>;
    readonly rateLimits: Pick<RateLimits, 'countEvents' | 'tenantOf'>;
    readonly record: RecordEvents;
    keepAside(
      workspaceId: number,
      door: Parameters<RecordEvents>[0]['door'],
      items: readonly QuarantineItem[],
    ): Promise<void>;
  };
  readonly admission: Admission;
  readonly log: Log;
  readonly settings: ServerSettings;
}

export function createDoorHandler(door: Door, options: DoorHandlerOptions): PathHandler {
  const find = createRoutes(door.routes);
  const { log, settings } = options;

  function encodeError(error: unknown, request: DoorRequest): DoorAnswer {
    const { requestId } = request;
    const told = error instanceof GatewayError ? error : masked(requestId);
    if (told === error) logCause(told, { requestId, log });
    else log.error({ requestId, err: error }, 'unexpected error');
    const answer = door.encodeError(told, request);
    return { ...answer, headers: { ...headersOf(told), ...answer.headers } };
  }

  /** A download is no answer to wait for, and is counted by itself until it has ended. */
  function beginDownload({ res, tenant, work }: HttpCall): void {
    const end = options.admission.beginDownload(tenant);
    work?.end();
    if (res.closed) end();
    else res.once('close', end);
  }

  async function answerTo(request: OpenRequest, call: HttpCall): Promise<DoorAnswer> {
    const found = find(request.method, request.path);
    if (found.route === null) return withoutRoute(door, request, found);
    request.params = found.params;
    const credential = credentialOf(door, request);
    const { rateLimits } = options.services;
    await admit(call, options.admission, rateLimits.tenantOf(call, credential.secret));
    const principal = await principalOf(credential, call, options);
    if (found.route.scope !== null) requireScope(principal, found.route.scope);
    request.body = await readBody(call, settings.bodyBytesMax);
    return found.route.handle(request, contextOf(door, principal, call, options));
  }

  return {
    name: door.name,
    matches: path => door.owns(path),
    async handle(req, res) {
      const call = new HttpCall(req, res, String(res.getHeader('x-request-id')));
      const request = new OpenRequest(call, settings.jsonDepthMax);
      let answer: DoorAnswer;
      try {
        answer = await answerTo(request, call);
        if (isStream(answer.body)) beginDownload(call);
      } catch (error) {
        answer = encodeError(error, request);
      }
      await send(res, answer, settings);
    },
  };
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
  readonly #jsonDepthMax: number;
  #query: URLSearchParams | undefined;

  constructor({ req, requestId }: HttpCall, jsonDepthMax: number) {
    const { method = 'GET', url = '/' } = req;
    this.requestId = requestId;
    this.method = method;
    this.path = pathOf(req);
    this.headers = req.headers as DoorRequest['headers'];
    this.#url = url;
    this.#jsonDepthMax = jsonDepthMax;
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#url.slice(this.path.length + 1)));
  }

  json(): unknown {
    return readJson(this.body, this.#jsonDepthMax);
  }
}

interface Credential {
  readonly secret: string | null;
  /** What is said where it is none. */
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

/** @throws GatewayError UNAUTHENTICATED, RATE_LIMITED, also for who brings no key */
async function principalOf(
  { secret, refused }: Credential,
  call: HttpCall,
  { services }: DoorHandlerOptions,
): Promise<Principal> {
  const principal = await services.authenticate(secret, call);
  if (principal === null) throw refused;
  return principal;
}

function contextOf(
  door: Door,
  principal: Principal,
  call: HttpCall,
  { services }: DoorHandlerOptions,
): DoorContext {
  const name = door.name;
  return {
    principal,
    services,
    access: (slug, scope) => services.access(principal, slug, scope),
    async record(workspace, events, atomic) {
      if (name === 'GENESYS') throw readOnly();
      await services.rateLimits.countEvents(principal.keyId, events.length);
      return services.record({ workspace, door: name, events, atomic });
    },
    async keepAside(workspace, items) {
      if (name === 'GENESYS') throw readOnly();
      await services.keepAside(workspace.id, name, items);
      services.metrics.receipts(name, items.map(quarantined));
    },
    get signal() {
      return call.signal;
    },
  };
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
  const message = `The method ${method} is not served here: this path takes ${allow}.`;
  throw new GatewayError('METHOD_NOT_ALLOWED', message, { extensions: { allow } });
}

function masked(requestId: string): GatewayError {
  const message = `Something went wrong on our side. It is logged under the request id ${requestId}.`;
  return new GatewayError('INTERNAL_SERVER_ERROR', message, { extensions: { requestId } });
}

function headersOf({ code, extensions, retryAfterS }: GatewayError): Record<string, string> {
  return {
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
    ...(code === 'METHOD_NOT_ALLOWED' ? { allow: String(extensions['allow']) } : {}),
  };
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
