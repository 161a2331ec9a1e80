/** Logspace: the HQ event API of its agents, all versions, and of its readers. */
import type { OrderSetting } from '../../core/agent-order.ts';
import type { Door, DoorRequest, DoorRoute } from '../door.ts';
import { agentActivity } from './activity.ts';
import { putCapabilities } from './capabilities.ts';
import { download } from './csv.ts';
import { encodeError, hqError, isArray, TOKEN_HEADER } from './errors.ts';
import { retrieveEvents, streamEvents } from './events.ts';
import { getOrder } from './orders.ts';
import { timeSeries } from './series.ts';
import { storeEvents } from './store.ts';
import { suggest } from './suggestion.ts';

export interface LogspaceDoorOptions {
  /** @default every agent that a controller names runs each minute */
  readonly order?: OrderSetting | null;
  /** @default the system's */
  readonly nowMs?: () => number;
}

/** With and without /api: the unreleased agents put it before all their paths. */
const OWN =
  /^(?:\/api)?\/(?:events|event-stream|suggestion|time-series|agent-activity|download|native-query|orders|capabilities)(?:\/|$)/;

export function createLogspaceDoor({ order = null, nowMs = Date.now }: LogspaceDoorOptions): Door {
  const orders = { setting: order, since: new Date(nowMs()) };
  const read = 'EVENTS_READ';
  const write = 'EVENTS_WRITE';
  const route = (
    method: DoorRoute['method'],
    path: string,
    scope: DoorRoute['scope'],
    handle: Handle,
  ) => ['', '/api'].map((prefix): DoorRoute => ({ method, path: prefix + path, scope, handle }));
  return {
    name: 'LOGSPACE',
    owns: path => OWN.test(path),
    routes: [
      ...route('PUT', '/events', write, storeEvents),
      ...route('POST', '/events', null, storeOrRetrieve),
      ...route('GET', '/events', read, retrieveEvents),
      ...route('POST', '/event-stream', read, streamEvents),
      ...route('GET', '/event-stream', read, streamEvents),
      ...route('POST', '/suggestion', read, suggest),
      ...route('GET', '/suggestion', read, suggest),
      ...route('POST', '/time-series', read, timeSeries),
      ...route('GET', '/agent-activity', read, agentActivity),
      ...route('POST', '/download', read, download),
      ...route('GET', '/orders/:controllerId', write, (request, context) =>
        getOrder(request, context, orders),
      ),
      ...route('PUT', '/capabilities/:controllerId', write, putCapabilities),
    ],
    credential: tokenOf,
    encodeError,
  };
}

type Handle = DoorRoute['handle'];

/** Agents before 0.3 post their events, readers post their filter. */
const storeOrRetrieve: Handle = (request, context) =>
  isArray(request.body) ? storeEvents(request, context) : retrieveEvents(request, context);

/** @throws GatewayError UNAUTHENTICATED, as MISSING_SPACE_TOKEN */
function tokenOf({ headers }: DoorRequest): string {
  const token = headers[TOKEN_HEADER]?.trim() ?? '';
  if (token !== '') return token;
  const message = `Missing header '${TOKEN_HEADER}'.`;
  throw hqError('UNAUTHENTICATED', 'MISSING_SPACE_TOKEN', message);
}
