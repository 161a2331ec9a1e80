/**
 * Exports. One is itself an event of the log (`export_ready`, as the vendor's own server records
 * one): it says who asked for what, outlives a restart and is known to every process. Its file is
 * read from the log when it is downloaded, a page at a time, up to the place where it was asked
 * for: one event a line, as the list shows it, in the order of recording.
 */
import { LOG_BEGINNING, type LogPlace } from '../../core/cursor.ts';
import { GatewayError } from '../../core/errors.ts';
import type { EventCondition } from '../../core/event-condition.ts';
import { eventKey } from '../../core/event-key.ts';
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { writeExact } from '../../core/exact-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { EventPage, EventReader } from '../../read/event-reader.ts';
import { json, shown } from '../answer.ts';
import {
  WORKSPACE_PARAMETER,
  type DoorAnswer,
  type DoorContext,
  type DoorRequest,
} from '../door.ts';
import { fieldErrors, told } from './errors.ts';
import { findEvent, keptDays } from './events.ts';
import { readFilter } from './filters.ts';
import { formatInstant } from './instant.ts';
import { checkActions } from './request.ts';
import { toEvent, toFieldErrors } from './translate.ts';
import type { DataExport } from './wire.ts';

export const EXPORTS = '/reports/exports';
const PAGE_EVENTS = 100;
/** A filter that finds little takes many short statements, none of which runs into its limit. */
const WINDOW_POSITIONS = 5_000;
const DAY_MS = 86_400_000;
const NOWHERE = { after: LOG_BEGINNING, through: LOG_BEGINNING };

export async function createExport(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_READ');
  await checkActions(request.query, context, workspace.id);
  // A filter that could not be read would only be found out at the download.
  await scan(context, workspace.id, { allOf: [NOWHERE, readFilter(request.query)] });
  const now = new Date();
  const { keyId } = context.principal;
  const input: EventInput = {
    type: 'export_ready',
    source: 'sluice.exports',
    actor: `key-${keyId}`,
    occurredAt: now,
    expiresAt: new Date(now.getTime() + keptDays(workspace) * DAY_MS),
    payload: {
      user: { pk: keyId, username: `key-${keyId}` },
      context: { query_params: paramsOf(request.query) },
    },
    // A client that records such an event itself can't write this.
    wire: { export: { query: request.query.toString(), keyId } },
  };
  const [receipt] = await context.record(workspace, [input], true);
  if (receipt?.status !== 'RECORDED' || receipt.eventId === null) {
    throw fieldErrors(toFieldErrors(receipt?.problems ?? []));
  }
  const answer = dataExport({ id: receipt.eventId, keyId, on: now, query: request.query }, request);
  const location = pathOf(`${receipt.eventId}/`, request);
  return json(201, answer, { location });
}

export async function retrieveExport(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  const { event, keyId, query } = await findExport(request, id, context.services.events);
  const asked = { id: eventKey(event.eventId), keyId, on: event.occurredAt, query };
  return json(200, dataExport(asked, request));
}

export async function downloadExport(
  request: DoorRequest,
  context: DoorContext,
): Promise<DoorAnswer> {
  const { id } = await context.access(null, 'EVENTS_READ');
  const { event, query } = await findExport(request, id, context.services.events);
  const through = { position: event.position - 1, recordedAt: event.recordedAt };
  return {
    status: 200,
    headers: {
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': `attachment; filename="events-${event.eventId}.ndjson"`,
    },
    body: lines(through, place => {
      context.signal.throwIfAborted();
      return scan(context, id, { allOf: [place, readFilter(query)] });
    }),
  };
}

/** Events in the order of recording. */
function scan(
  { services }: DoorContext,
  workspaceId: number,
  filter: EventCondition,
): Promise<EventPage> {
  const order = { field: 'POSITION', direction: 'ASC' } as const;
  return services.events.page(workspaceId, { filter, order, first: PAGE_EVENTS });
}

async function* lines(
  { position, recordedAt }: LogPlace,
  read: (place: { readonly after: LogPlace; readonly through: LogPlace }) => Promise<EventPage>,
): AsyncGenerator<string> {
  let after = LOG_BEGINNING;
  while (after.position < position) {
    const end = Math.min(position, after.position + WINDOW_POSITIONS);
    const page = await read({ after, through: { position: end, recordedAt } });
    const last = page.items.at(-1) ?? after;
    if (page.items.length > 0) yield page.items.map(line).join('');
    after = page.hasNextPage ? last : { recordedAt: last.recordedAt, position: end };
  }
}

function line(event: StoredEvent): string {
  return `${writeExact(shown(event, toEvent))}\n`;
}

/** @throws GatewayError NOT_FOUND */
async function findExport(
  request: DoorRequest,
  workspaceId: number,
  events: Pick<EventReader, 'byKeys'>,
) {
  const missing = told('NOT_FOUND', 'No DataExport matches the given query.');
  const event = await findEvent(request, workspaceId, events).catch((error: unknown) => {
    throw error instanceof GatewayError && error.code === 'NOT_FOUND' ? missing : error;
  });
  const made = exportOf(event.wire);
  if (made === null) throw missing;
  return { event, ...made };
}

function exportOf(wire: Json): { keyId: number; query: URLSearchParams } | null {
  const made = isJsonObject(wire) ? wire['export'] : undefined;
  if (!isJsonObject(made)) return null;
  return { keyId: Number(made['keyId']), query: new URLSearchParams(String(made['query'])) };
}

interface Asked {
  readonly id: string;
  readonly keyId: number;
  readonly on: Date;
  readonly query: URLSearchParams;
}

function dataExport({ id, keyId, on, query }: Asked, request: DoorRequest): DataExport {
  const username = `key-${keyId}`;
  return {
    id,
    requested_by: { pk: keyId, username, name: username, is_active: true, uid: username },
    requested_on: formatInstant(on),
    content_type: {
      id: 1,
      app_label: 'authentik_events',
      model: 'event',
      verbose_name_plural: 'Events',
      fully_qualified_model: 'authentik_events.event',
    },
    query_params: paramsOf(query),
    file_url: `${request.origin}${pathOf(`${id}/events.ndjson`, request)}`,
    completed: true,
  };
}

/** In the workspace that the request is for. */
function pathOf(place: string, { query }: DoorRequest): string {
  const slug = query.get(WORKSPACE_PARAMETER);
  const search = slug === null ? '' : `?${new URLSearchParams({ [WORKSPACE_PARAMETER]: slug })}`;
  return `/api/v3${EXPORTS}/${place}${search}`;
}

/** A name that stands several times has a list. */
function paramsOf(query: URLSearchParams): JsonObject {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map(name => {
      const values = query.getAll(name);
      return [name, values.length === 1 ? (values[0] as string) : values];
    }),
  );
}
