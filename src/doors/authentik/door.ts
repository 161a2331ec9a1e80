/** authentik's events API, version 3: its clients record into a workspace, and read all of it. */
import { MethodNotAllowed } from '../../core/errors.ts';
import { json } from '../answer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { bearerOf } from '../request.ts';
import { actionTypes } from './actions.ts';
import { stats, topPerUser, volume } from './counts.ts';
import { encodeError } from './errors.ts';
import { createEvent, destroyEvent, listEvents, retrieveEvent } from './events.ts';
import { createExport, downloadExport, EXPORTS, retrieveExport } from './exports.ts';

const BASE = '/api/v3';
const EVENTS = '/events/events';

/** Names that stand where an event's id may: they win, whatever the method. */
const LITERALS: Readonly<Record<string, string>> = {
  actions: 'GET, HEAD, OPTIONS',
  top_per_user: 'GET, HEAD, OPTIONS',
  volume: 'GET, HEAD, OPTIONS',
  stats: 'GET, HEAD, OPTIONS',
  export: 'POST, OPTIONS',
};

const ROUTES: readonly DoorRoute[] = [
  { method: 'POST', path: EVENTS, scope: 'EVENTS_WRITE', handle: createEvent },
  { method: 'GET', path: EVENTS, scope: 'EVENTS_READ', handle: listEvents },
  { method: 'GET', path: `${EVENTS}/actions`, scope: 'EVENTS_READ', handle: listActions },
  { method: 'GET', path: `${EVENTS}/top_per_user`, scope: 'EVENTS_READ', handle: topPerUser },
  { method: 'GET', path: `${EVENTS}/volume`, scope: 'EVENTS_READ', handle: volume },
  { method: 'GET', path: `${EVENTS}/stats`, scope: 'EVENTS_READ', handle: stats },
  { method: 'POST', path: `${EVENTS}/export`, scope: 'EVENTS_READ', handle: createExport },
  {
    method: 'GET',
    path: `${EVENTS}/:uuid`,
    scope: 'EVENTS_READ',
    handle: notLiteral(retrieveEvent),
  },
  { method: 'DELETE', path: `${EVENTS}/:uuid`, scope: 'ADMIN', handle: notLiteral(destroyEvent) },
  { method: 'GET', path: `${EXPORTS}/:uuid`, scope: 'EVENTS_READ', handle: retrieveExport },
  {
    method: 'GET',
    path: `${EXPORTS}/:uuid/events.ndjson`,
    scope: 'EVENTS_READ',
    handle: downloadExport,
  },
];

export function createAuthentikDoor(): Door {
  return {
    name: 'AUTHENTIK',
    owns: path => path === BASE || path.startsWith(`${BASE}/`),
    routes: ROUTES.flatMap(route => spellings(route.path).map(path => ({ ...route, path }))),
    credential: bearerOf,
    encodeError,
  };
}

/** Also with two slashes after the base, as older documents print it. */
function spellings(path: string): string[] {
  return [`${BASE}${path}`, `${BASE}/${path}`];
}

function notLiteral(handle: DoorRoute['handle']): DoorRoute['handle'] {
  return (request, context) => {
    const name = request.params['uuid'] ?? '';
    const allow = Object.hasOwn(LITERALS, name) ? LITERALS[name] : undefined;
    if (allow === undefined) return handle(request, context);
    const message = `The path supports ${allow}.`;
    throw new MethodNotAllowed(message, allow);
  };
}

async function listActions(_request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  await context.access(null, 'EVENTS_READ');
  return json(200, actionTypes());
}
