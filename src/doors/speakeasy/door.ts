/** Speakeasy's events API, for its SDKs and the tools that report with them. */
import { GatewayError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/event.ts';
import { writeExact } from '../../core/exact-json.ts';
import type { EventFilter } from '../../core/filter.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Workspace } from '../../core/workspace.ts';
import { bearerOf } from '../bearer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { requireJson } from '../media-type.ts';
import { recordTogether } from '../record.ts';
import { readAfter, readSearch } from './query.ts';
import { decode, encode, encodeTarget } from './translate.ts';
import { cliEvents, INTERACTION_TYPES, type CliEvent } from './wire.ts';

const EVENTS = '/v1/workspace/:workspaceId/events';
const TARGETS_MAX = 1_000;

export function createSpeakeasyDoor(): Door {
  return {
    name: 'SPEAKEASY',
    owns: path => path.startsWith('/v1/workspace/'),
    credential: request => request.headers['x-api-key'] ?? bearerOf(request),
    encodeError,
    routes: [
      { method: 'POST', path: EVENTS, scope: 'EVENTS_WRITE', handle: post },
      { method: 'GET', path: EVENTS, scope: 'EVENTS_READ', handle: search },
      {
        ...{ method: 'GET', path: `${EVENTS}/targets/:targetId/events`, scope: 'EVENTS_READ' },
        handle: eventsOfTarget,
      },
      { method: 'GET', path: `${EVENTS}/targets`, scope: 'EVENTS_READ', handle: targets },
      {
        ...{ method: 'GET', path: '/v1/workspace/events/targets', scope: 'EVENTS_READ' },
        handle: targets,
      },
    ],
  };
}

/** 200, since the SDK of old tells success by it, and no body, since none looks at one. */
async function post(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(workspaceOf(request), 'EVENTS_WRITE');
  requireJson(request);
  const { success, data, error } = cliEvents.safeParse(request.json());
  if (!success) {
    const { path, message } = error.issues[0] as (typeof error.issues)[number];
    throw new GatewayError('BAD_USER_INPUT', `/${path.join('/')}: ${message}`);
  }
  if (data.length > LIMITS.batchEventsMax) {
    const message = `At most ${LIMITS.batchEventsMax} events are taken at once.`;
    throw new GatewayError('PAYLOAD_TOO_LARGE', message);
  }
  await recordTogether(context, workspace, (data as unknown as CliEvent[]).map(decode));
  return { status: 200 };
}

async function search(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(workspaceOf(request), 'EVENTS_READ');
  const { filter, limit } = readSearch(request.query);
  return newestFirst(context, workspace, filter, limit);
}

async function eventsOfTarget(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(workspaceOf(request), 'EVENTS_READ');
  const filter = {
    ...{ types: INTERACTION_TYPES, subjects: [request.params['targetId'] ?? ''] },
    occurredAt: readAfter(request.query, 'after_created_at'),
  };
  return newestFirst(context, workspace, filter, LIMITS.pageSizeMax);
}

async function newestFirst(
  context: DoorContext,
  workspace: Workspace,
  filter: EventFilter,
  limit: number,
): Promise<DoorAnswer> {
  const { items } = await context.services.events.page(workspace.id, {
    ...{ filter, first: limit },
    order: { field: 'OCCURRED_AT', direction: 'DESC' },
  });
  return json(200, encodeAll(items, workspace));
}

/** In both forms: without a workspace in its path it is the one that the credential means. */
async function targets(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(workspaceOf(request), 'EVENTS_READ');
  const filter = { types: INTERACTION_TYPES };
  const latest = async (narrowed: EventFilter) =>
    encodeAll(
      await context.services.latestBySubject({
        ...{ workspaceId: workspace.id, subjectsMax: TARGETS_MAX },
        filter: { ...filter, ...narrowed },
      }),
      workspace,
    );
  const last = await latest({
    occurredAt: readAfter(request.query, 'after_last_event_created_at'),
  });
  const subjects = last.map(lockOf);
  if (subjects.length === 0) return json(200, []);
  const [generated, published] = await Promise.all([
    latest({ subjects, payload: [{ path: ['generate_target'], exists: true }] }).then(byLock),
    latest({ subjects, payload: [{ path: ['generate_published'], equals: true }] }).then(byLock),
  ]);
  const found = last.map(event => ({
    ...{ last: event, generated: generated.get(lockOf(event)) },
    published: published.get(lockOf(event)),
  }));
  return json(200, found.map(encodeTarget));
}

function byLock(events: readonly CliEvent[]): Map<string, CliEvent> {
  return new Map(events.map(event => [lockOf(event), event]));
}

function lockOf(event: CliEvent): string {
  return event['generate_gen_lock_id'] as string;
}

/** What was redacted has nothing left that the client would take. */
function encodeAll(events: readonly StoredEvent[], { slug }: Workspace): CliEvent[] {
  return events.filter(({ redactedAt }) => redactedAt === null).map(event => encode(event, slug));
}

/** Where a key is missing, it is told where this vendor's clients put it. */
function encodeError({ code, status, message, extensions }: GatewayError): DoorAnswer {
  const told = code === 'UNAUTHENTICATED' ? KEY_REQUIRED : placed(message, extensions['pointer']);
  return json(status, { message: told, status_code: status });
}

/** A refused event's field stands in the body, whatever its place is here. */
function placed(message: string, pointer: unknown): string {
  if (typeof pointer !== 'string') return message;
  return `${pointer.replace(/^(\/\d+)\/payload(?=\/)/, '$1')}: ${message}`;
}

const KEY_REQUIRED =
  'A valid key is required: send it as "x-api-key: <key>" or "Authorization: Bearer <key>".';

function workspaceOf({ params }: DoorRequest): string | null {
  return params['workspaceId'] ?? null;
}

function json(status: number, body: unknown): DoorAnswer {
  return { status, body: writeExact(body) };
}
