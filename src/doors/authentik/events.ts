/** Events: made, listed, shown and redacted. They are not rewritten: there is no PUT or PATCH. */
import { uuidOf } from '../../core/event-key.ts';
import type { StoredEvent } from '../../core/event.ts';
import { writeExact } from '../../core/exact-json.ts';
import { actorOf } from '../../core/principal.ts';
import type { Workspace } from '../../core/workspace.ts';
import { EVENT_OFFSET_MAX, type EventReader } from '../../read/event-reader.ts';
import { eventsBody, json, shown } from '../answer.ts';
import type { DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { fieldErrors, noEvent, told } from './errors.ts';
import { readFilter, readOrder } from './filters.ts';
import { checkActions, readBody } from './request.ts';
import { toEvent, toEventInput, toFieldErrors, toRecordedEvent } from './translate.ts';
import { readEventRequest, type Pagination } from './wire.ts';

const PAGE_SIZE_DEFAULT = 20;
const PAGE_SIZE_MAX = 100;
/** A page waits no longer for its count. */
const COUNT_WITHIN_MS = 1_000;
/** The vendor's own; a workspace that keeps events for fewer or more days says so. */
const KEPT_DAYS_DEFAULT = 365;

export async function createEvent(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  const read = readEventRequest(readBody(request));
  if ('errors' in read) throw fieldErrors(read.errors);
  const input = toEventInput(read.event, { now: new Date(), keptDays: keptDays(workspace) });
  // Atomic, so that an event that a definition would quarantine is refused instead.
  const [receipt] = await context.record(workspace, [input], true);
  if (receipt?.status !== 'RECORDED' || receipt.eventId === null) {
    throw fieldErrors(toFieldErrors(receipt?.problems ?? []));
  }
  return json(201, toRecordedEvent(input, receipt.eventId));
}

export function keptDays({ retentionDays }: Workspace): number {
  return retentionDays ?? KEPT_DAYS_DEFAULT;
}

export async function listEvents(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const { query } = request;
  const { id } = await context.access(null, 'EVENTS_READ');
  await checkActions(query, context, id);
  const filter = readFilter(query);
  const size = readPageSize(query);
  const { events } = context.services;
  const count = await events.count(id, filter, { withinMs: COUNT_WITHIN_MS });
  const pages = count === null ? null : Math.max(1, Math.ceil(count / size));
  const current = readPage(query, pages);
  const offset = (current - 1) * size;
  if (offset > EVENT_OFFSET_MAX) throw told('BAD_USER_INPUT', TOO_DEEP);
  const order = readOrder(query);
  const { page, chunks } = await events.wholePage(id, { filter, order, offset, first: size });
  const { items, hasNextPage } = page;
  if (items.length === 0 && current > 1) throw noPage();
  // Where counting takes too long: at least so many.
  const total = count ?? offset + items.length + (hasNextPage ? 1 : 0);
  const pagination = JSON.stringify(paginationOf(total, current, size));
  const body = await eventsBody(chunks, each => each.map(text), {
    before: `{"pagination":${pagination},"results":[`,
    after: '],"autocomplete":{}}',
  });
  return { status: 200, body };
}

function text(event: StoredEvent): string {
  return writeExact(shown(event, toEvent));
}

const TOO_DEEP = `Pages reach ${EVENT_OFFSET_MAX} events deep: narrow the filter, or export.`;

function noPage() {
  return told('NOT_FOUND', 'Invalid page.');
}

/** More than the most is the most; what is no number is the default. */
function readPageSize(query: URLSearchParams): number {
  const size = Number(/^\d{1,9}$/.exec(query.get('page_size') ?? '')?.[0] ?? 0);
  return size === 0 ? PAGE_SIZE_DEFAULT : Math.min(size, PAGE_SIZE_MAX);
}

/** @throws GatewayError */
function readPage(query: URLSearchParams, pages: number | null): number {
  const text = query.get('page') || '1';
  if (text === 'last' && pages !== null) return pages;
  const page = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (page < 1 || (pages !== null && page > pages)) throw noPage();
  return page;
}

export function paginationOf(count: number, current: number, size: number): Pagination {
  const pages = Math.max(1, Math.ceil(count / size));
  return {
    next: current < pages ? current + 1 : 0,
    previous: current - 1,
    count,
    current,
    total_pages: pages,
    start_index: count === 0 ? 0 : (current - 1) * size + 1,
    end_index: Math.min(count, current * size),
  };
}

export async function retrieveEvent(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  return json(200, shown(await findEvent(request, id, context.services.events), toEvent));
}

/** Redacts: the event keeps its place and type, is empty, and is no longer shown in this door. */
export async function destroyEvent(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'ADMIN');
  const { eventId } = await findEvent(request, id, context.services.events);
  const actor = actorOf(context.principal, 'ADMIN');
  await context.services.redact(id, { eventIds: [eventId] }, actor);
  return { status: 204 };
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** @throws GatewayError NOT_FOUND */
export async function findEvent(
  { params }: DoorRequest,
  workspaceId: number,
  events: Pick<EventReader, 'byKeys'>,
) {
  const id = params['uuid'] ?? '';
  const key = uuidOf(id.replaceAll('-', '').toLowerCase());
  const [event = null] = UUID.test(id) ? await events.byKeys(workspaceId, [key]) : [];
  if (event === null || event.redactedAt !== null) throw noEvent();
  return event;
}
