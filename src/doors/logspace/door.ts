/** Logspace: the HQ event API of its agents, all versions, and of its readers. */
import type { OrderSetting } from '../../core/agent-order.ts';
import type { TimelineReader } from '../../read/timeline.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { agentActivity } from './activity.ts';
import { putCapabilities, type Capabilities } from './capabilities.ts';
import { download } from './csv.ts';
import { encodeError, hqError, isArray, TOKEN_HEADER } from './errors.ts';
import { retrieveEvents, streamEvents } from './events.ts';
import { getOrder } from './orders.ts';
import { timeSeries } from './series.ts';
import { storeEvents } from './store.ts';
import { suggest } from './suggestion.ts';

export interface LogspaceDoorOptions {
  readonly timeline: TimelineReader;
  readonly capabilities: Capabilities;
  /** @default every agent that a controller names runs each minute */
  readonly order?: OrderSetting | null;
  /** @default the system's */
  readonly nowMs?: () => number;
}

/** With and without /api: the unreleased agents put it before all their paths. */
const OWN =
  /^(?:\/api)?\/(?:events|event-stream|suggestion|time-series|agent-activity|download|native-query|orders|capabilities)(?:\/|$)/;

export function createLogspaceDoor({
  timeline,
  capabilities,
  order = null,
  nowMs = Date.now,
}: LogspaceDoorOptions): Door {
  const orders = { setting: order, capabilities, since: new Date(nowMs()) };
  const read = 'EVENTS_READ';
  const write = 'EVENTS_WRITE';
  const route = (
    method: DoorRoute['method'],
    path: string,
    scope: DoorRoute['scope'],
    handle: Handle,
  ) =>
    ['', '/api'].map((prefix): DoorRoute => {
      const run: DoorRoute['handle'] = (request, context) => handle(request, context, timeline);
      return { method, path: prefix + path, scope, handle: run };
    });
  const suggested: Handle = (request, context) =>
    suggest(request, context, { timeline, capabilities });
  return {
    name: 'LOGSPACE',
    owns: path => OWN.test(path),
    routes: [
      ...route('PUT', '/events', write, storeEvents),
      ...route('POST', '/events', null, storeOrRetrieve),
      ...route('GET', '/events', read, retrieveEvents),
      ...route('POST', '/event-stream', read, streamEvents),
      ...route('GET', '/event-stream', read, streamEvents),
      ...route('POST', '/suggestion', read, suggested),
      ...route('GET', '/suggestion', read, suggested),
      ...route('POST', '/time-series', read, timeSeries),
      ...route('GET', '/agent-activity', read, agentActivity),
      ...route('POST', '/download', read, download),
      ...route('GET', '/orders/:controllerId', write, (request, context) =>
        getOrder(request, context, orders),
      ),
      ...route('PUT', '/capabilities/:controllerId', write, (request, context) =>
        putCapabilities(request, context, capabilities),
      ),
    ],
    credential: tokenOf,
    encodeError,
  };
}

type Handle = (
  request: DoorRequest,
  context: DoorContext,
  timeline: TimelineReader,
) => Promise<DoorAnswer>;

/** Agents before 0.3 post their events, readers post their filter. */
const storeOrRetrieve: Handle = (request, context, timeline) =>
  isArray(request.body)
    ? storeEvents(request, context)
    : retrieveEvents(request, context, timeline);

/** @throws GatewayError UNAUTHENTICATED, as MISSING_SPACE_TOKEN */
function tokenOf({ headers }: DoorRequest): string {
  const token = headers[TOKEN_HEADER]?.trim() ?? '';
  if (token !== '') return token;
  const message = `Missing header '${TOKEN_HEADER}'.`;
  throw hqError('UNAUTHENTICATED', 'MISSING_SPACE_TOKEN', message);
}
