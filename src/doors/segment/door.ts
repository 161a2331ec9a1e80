/** Segment's HTTP Tracking API, for its libraries and what else speaks it. */
import type { GatewayError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import { json } from '../answer.ts';
import { mapCooperatively } from '../cooperative-map.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { recordEach } from '../record.ts';
import { basicUserOf, bearerOf } from '../request.ts';
import { decode } from './translate.ts';
import { CALLS, readBatch, readMessage, type Sent } from './wire.ts';

const BATCHES = ['batch', 'import'] as const;
const PATHS = [...CALLS, ...BATCHES].map(name => `/v1/${name}`);

export interface SegmentOptions {
  readonly nowMs: () => number;
}

export function createSegmentDoor({ nowMs }: SegmentOptions): Door {
  const route = (name: string, read: (request: DoorRequest) => Iterable<Sent>): DoorRoute => ({
    method: 'POST',
    path: `/v1/${name}`,
    scope: 'EVENTS_WRITE',
    handle: (request, context) => post(request, context, { read, receivedMs: nowMs() }),
  });
  return {
    name: 'SEGMENT',
    owns: path => PATHS.some(each => path === each || path.startsWith(`${each}/`)),
    credential: request => basicUserOf(request) ?? bearerOf(request),
    keyInBody,
    encodeError,
    routes: [
      ...CALLS.map(call =>
        route(call, request => [readMessage(request.json(), request.body.length, call)]),
      ),
      ...BATCHES.map(name =>
        route(name, request => readBatch(request.json(), request.body.length)),
      ),
    ],
  };
}

interface Reading {
  readonly read: (request: DoorRequest) => Iterable<Sent>;
  readonly receivedMs: number;
}

/** What is acknowledged is recorded or kept aside: clients neither look nor come again. */
async function post(
  request: DoorRequest,
  context: DoorContext,
  { read, receivedMs }: Reading,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const decoded = await mapCooperatively(read(request), sent => decode(sent, receivedMs));
  const events = decoded.filter(({ problem }) => problem === null).map(({ input }) => input);
  const aside = decoded.flatMap(({ input, problem }) => {
    return problem === null ? [] : [{ input, problems: [problem] }];
  });
  // What is busy or away fails here first, before quarantine holds what will come again.
  await recordEach(context, workspace, events);
  if (aside.length > 0) await context.keepAside(workspace, aside);
  return json(200, { success: true });
}

function keyInBody(request: DoorRequest): string | null {
  const body = request.json();
  const key = isJsonObject(body) ? body['writeKey'] : undefined;
  return typeof key === 'string' && key !== '' ? key : null;
}

function encodeError({ status, message, retryAfterS }: GatewayError): DoorAnswer {
  const isLimited = status === 429 && retryAfterS !== undefined;
  const headers = isLimited ? { 'x-ratelimit-reset': String(retryAfterS) } : {};
  return json(status, { success: false, message }, headers);
}
