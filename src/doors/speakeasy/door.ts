/** Speakeasy's events API, for its SDKs and the tools that report with them. */
import { GatewayError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/event.ts';
import { writeExact } from '../../core/exact-json.ts';
import type { EventFilter } from '../../core/filter.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Workspace } from '../../core/workspace.ts';
import { eventsBody, json, shown } from '../answer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { recordTogether } from '../record.ts';
import { bearerOf, requireJson } from '../request.ts';
import { readAfter, readSearch } from './query.ts';
import { decode, encode, encodeTarget } from './translate.ts';
import { cliEvents, INTERACTION_TYPES, TARGET_FIELDS, type CliEvent } from './wire.ts';

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
        method: 'GET',
        path: `${EVENTS}/targets/:targetId/events`,
        scope: 'EVENTS_READ',
        handle: eventsOfTarget,
      },
      { method: 'GET', path: `${EVENTS}/targets`, scope: 'EVENTS_READ', handle: targets },
      {
        method: 'GET',
        path: '/v1/workspace/events/targets',
        scope: 'EVENTS_READ',
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
    const message = `At most ${LIMITS.batchEventsMax} events are accepted at once.`;
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
    types: INTERACTION_TYPES,
    subjects: [request.params['targetId'] ?? ''],
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
  const { chunks } = await context.services.events.wholePage(workspace.id, {
    filter,
    first: limit,
    order: { field: 'OCCURRED_AT', direction: 'DESC' },
  });
  const texts = (events: readonly StoredEvent[]) =>
    encodeAll(events, workspace).map(event => writeExact(event));
  return { status: 200, body: await eventsBody(chunks, texts, { before: '[', after: ']' }) };
}

/** In both forms: without a workspace in its path it is the one that the credential means. */
async function targets(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(workspaceOf(request), 'EVENTS_READ');
  const filter = { types: INTERACTION_TYPES };
  const latest = async (narrowed: EventFilter, names: readonly string[]) => {
    const found = context.services.statistics.latestBySubject(workspace.id, {
      subjectsMax: TARGETS_MAX,
      filter: { ...filter, ...narrowed },
    });
    const events: CliEvent[] = [];
    // Of large events no more is held than is shown.
    for await (const some of found) events.push(...encodeAll(some, workspace).map(only(names)));
    return events;
  };
  const after = readAfter(request.query, 'after_last_event_created_at');
  const last = await latest({ occurredAt: after }, TARGET_FIELDS);
  const subjects = last.map(lockOf);
  if (subjects.length === 0) return json(200, []);
  const isGenerated = { path: ['generate_target'], exists: true };
  const isPublished = { path: ['generate_published'], equals: true };
  const [generated, published] = await Promise.all([
    latest({ subjects, payload: [isGenerated] }, ['generate_target']).then(byLock),
    latest({ subjects, payload: [isPublished] }, ['gh_action_run_link']).then(byLock),
  ]);
  const found = last.map(event => ({
    last: event,
    generated: generated.get(lockOf(event)),
    published: published.get(lockOf(event)),
  }));
  return json(200, found.map(encodeTarget));
}

/** What every target takes of its events, and these fields. */
function only(names: readonly string[]) {
  const kept = new Set([...names, ...OF_TARGETS]);
  return (event: CliEvent) =>
    Object.fromEntries(Object.entries(event).filter(([name]) => kept.has(name))) as CliEvent;
}

const OF_TARGETS = [
  ...['id', 'created_at', 'interaction_type', 'generate_gen_lock_id', 'generate_target'],
] as const;

function byLock(events: readonly CliEvent[]): Map<string, CliEvent> {
  return new Map(events.map(event => [lockOf(event), event]));
}

function lockOf(event: CliEvent): string {
  return event['generate_gen_lock_id'] as string;
}

/** What was redacted has nothing left that the client would take. */
function encodeAll(events: readonly StoredEvent[], { slug }: Workspace): CliEvent[] {
  return events
    .filter(({ redactedAt }) => redactedAt === null)
    .map(event => shown(event, each => encode(each, slug)));
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
