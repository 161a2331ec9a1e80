/** PostHog's capture API, for its libraries. It has no feature flags: there are none. */
import type { GatewayError } from '../../core/errors.ts';
import { json } from '../answer.ts';
import { mapCooperatively } from '../cooperative-map.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { recordEach } from '../record.ts';
import { bearerOf } from '../request.ts';
import { decode } from './translate.ts';
import { bodyOf, keyIn, readEvents, SEVERAL_KEYS } from './wire.ts';

const CAPTURE = ['/capture', '/batch', '/i/v0/e', '/e'] as const;
const FLAGS = ['/flags', '/decide'] as const;
const PATHS: readonly string[] = [...CAPTURE, ...FLAGS];

export interface PosthogOptions {
  readonly nowMs: () => number;
}

export function createPosthogDoor({ nowMs }: PosthogOptions): Door {
  // With a slash at the end as its clients write them, and without.
  const route = (path: string, handle: DoorRoute['handle']): DoorRoute[] =>
    [path, `${path}/`].map(each => ({ method: 'POST', path: each, scope: 'EVENTS_WRITE', handle }));
  return {
    name: 'POSTHOG',
    owns: path => PATHS.some(each => path === each || path.startsWith(`${each}/`)),
    credential: bearerOf,
    keyInBody: request => keyIn(bodyOf(request)),
    encodingOf: ({ query }) => (/^gzip/.test(query.get('compression') ?? '') ? 'gzip' : undefined),
    encodeError,
    routes: [
      ...CAPTURE.flatMap(path =>
        route(path, (request, context) => capture(request, context, nowMs())),
      ),
      ...FLAGS.flatMap(path => route(path, flags)),
    ],
  };
}

/** What is acknowledged is recorded or kept aside. */
async function capture(
  request: DoorRequest,
  context: DoorContext,
  receivedMs: number,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const sent = readEvents(bodyOf(request), request.query);
  const events = await mapCooperatively(sent, each => decode(each, receivedMs));
  await recordEach(context, workspace, events);
  if (request.query.get('beacon') === '1') return { status: 204 };
  return json(200, { status: 'Ok' });
}

/** None, in the form of the version that is asked for. */
async function flags(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  await context.access(null, 'EVENTS_WRITE');
  const version = Number(request.query.get('v') ?? 1);
  const isOfFlags = request.path.startsWith('/flags');
  const common = { errorsWhileComputingFlags: false, requestId: request.requestId };
  const none =
    version >= (isOfFlags ? 2 : 4)
      ? { flags: {} }
      : { featureFlags: isOfFlags || version >= 2 ? {} : [], featureFlagPayloads: {} };
  return json(200, { ...none, ...common });
}

/** The vendor's sentences, as text. */
function encodeError({ code, status, message }: GatewayError, request: DoorRequest): DoorAnswer {
  const isKey = code === 'UNAUTHENTICATED' || code === 'FORBIDDEN';
  return {
    status: isKey ? 401 : status,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: isKey ? keyFault(message, request) : (SENTENCES[code]?.(message) ?? message),
  };
}

const SENTENCES: Readonly<Partial<Record<GatewayError['code'], (message: string) => string>>> = {
  BAD_REQUEST: message => `failed to parse request: ${message}`,
  PAYLOAD_TOO_LARGE: message => `maximum event size exceeded: ${message}`,
  RATE_LIMITED: () => 'rate limited',
  QUOTA_EXCEEDED: message => `rate limited: ${message}`,
  SERVICE_UNAVAILABLE: () => 'transient error, please retry',
  OVERLOADED: () => 'transient error, please retry',
};

const WRONG_KEY = 'API key is not valid: it is unknown, has expired, or may not record';

function keyFault(message: string, request: DoorRequest): string {
  if (message === SEVERAL_KEYS) return message;
  const hasKey = bearerOf(request) !== null || hasKeyIn(request);
  return hasKey ? WRONG_KEY : 'event submitted without an api_key';
}

function hasKeyIn(request: DoorRequest): boolean {
  try {
    return keyIn(bodyOf(request)) !== null;
  } catch {
    return false;
  }
}
