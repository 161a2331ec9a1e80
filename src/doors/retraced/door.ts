/** Retraced's publisher API: audit events, whose senders check a digest of what arrived. */
import { GatewayError } from '../../core/errors.ts';
import { json, problemIn } from '../answer.ts';
import { mapCooperatively } from '../cooperative-map.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { recordTogether } from '../record.ts';
import { bearerOf, requireJson } from '../request.ts';
import { digestOf } from './hash.ts';
import { decode } from './translate.ts';
import { readBulk, readEvent, type RetracedEvent } from './wire.ts';

/** Its server is below `/auditlog`, unless it is set up otherwise. */
const BASES = ['/publisher/v1', '/auditlog/publisher/v1'] as const;

export interface RetracedOptions {
  /** A UUID. */
  readonly newId: () => string;
}

export function createRetracedDoor({ newId }: RetracedOptions): Door {
  const route = (path: string, handle: DoorRoute['handle']): DoorRoute => {
    return { method: 'POST', path, scope: 'EVENTS_WRITE', handle };
  };
  return {
    name: 'RETRACED',
    owns: path => BASES.some(base => path === base || path.startsWith(`${base}/`)),
    credential,
    encodeError,
    routes: BASES.flatMap(base => {
      const events = `${base}/project/:projectId/event`;
      return [
        route(events, async (request, context) => {
          const [made] = await record(request, context, newId, body => [readEvent(body)]);
          return json(201, made);
        }),
        route(`${events}/bulk`, async (request, context) => {
          const made = await record(request, context, newId, readBulk);
          return json(201, made);
        }),
      ];
    }),
  };
}

interface Made {
  readonly id: string;
  readonly hash: string;
}

/** All or nothing. */
async function record(
  request: DoorRequest,
  context: DoorContext,
  newId: () => string,
  read: (body: unknown) => readonly RetracedEvent[],
): Promise<readonly Made[]> {
  const workspace = await context.access(request.params['projectId'] ?? null, 'EVENTS_WRITE');
  requireJson(request);
  const events = await mapCooperatively(read(request.json()), event => {
    const id = newId();
    return { input: decode(event, id), made: { id, hash: digestOf(event, id) } };
  });
  await recordTogether(
    context,
    workspace,
    events.map(({ input }) => input),
  );
  return events.map(({ made }) => made);
}

/** `token=…`, with anything before it, as the vendor reads it. @throws GatewayError */
function credential(request: DoorRequest): string | null {
  const { authorization } = request.headers;
  if (authorization === undefined) throw unauthorized('Missing Authorization header');
  const token = /token=(\S+)\s*$/.exec(authorization)?.[1] ?? bearerOf(request);
  if (token === null) throw unauthorized('Invalid Authorization header form');
  return token;
}

function unauthorized(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}

const HEADER_FAULT = /Authorization header/;

/** A project that the key does not cover is answered as a key that is wrong. */
function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { code, message, extensions } = error;
  const isKey = code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' || isForeign(error, request);
  const status = isKey ? 401 : error.status;
  const place = problemIn(error) === undefined ? '' : `${String(extensions['pointer'])}: `;
  const told = isKey && !HEADER_FAULT.test(message) ? 'Unauthorized' : `${place}${message}`;
  const invalid = extensions['invalid'];
  return json(status, { status, type: 'Error', error: told, invalid });
}

function isForeign({ code }: GatewayError, { params }: DoorRequest): boolean {
  return code === 'NOT_FOUND' && params['projectId'] !== undefined;
}
