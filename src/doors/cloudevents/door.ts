/** CloudEvents 1.0 over HTTP, the neutral door: events in, in every mode, and any event out. */
import { z } from 'zod';
import { eventCursors, LOG_BEGINNING } from '../../core/cursor.ts';
import { GatewayError } from '../../core/errors.ts';
import type { EventProblem } from '../../core/event.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { json } from '../answer.ts';
import {
  WORKSPACE_PARAMETER,
  type Door,
  type DoorAnswer,
  type DoorContext,
  type DoorRequest,
} from '../door.ts';
import { recordTogether } from '../record.ts';
import { bearerOf, mediaTypeOf } from '../request.ts';
import { BATCHED, readEvents } from './modes.ts';
import { cloudEventText, decode } from './translate.ts';

const PATH = '/cloudevents';
const LIMIT_DEFAULT = 100;

export function createCloudEventsDoor(): Door {
  return {
    name: 'CLOUDEVENTS',
    owns: path => path === PATH || path.startsWith(`${PATH}/`),
    credential: bearerOf,
    encodeError,
    optionsHeaders,
    routes: [
      { method: 'POST', path: PATH, scope: 'EVENTS_WRITE', handle: post },
      { method: 'GET', path: PATH, scope: 'EVENTS_READ', handle: get },
    ],
  };
}

async function post(request: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const workspace = await context.access(null, 'EVENTS_WRITE');
  await recordTogether(context, workspace, readEvents(request).map(decode));
  return { status: 204 };
}

const LIMIT = `limit: expects a whole number from 1 to ${LIMITS.pageSizeMax}.`;
const limitOf = z.coerce.number().int().min(1).max(LIMITS.pageSizeMax).default(LIMIT_DEFAULT);

/** In the order of the log. The cursor to go on at comes also with the last page: for polling. */
async function get({ query }: DoorRequest, context: DoorContext): Promise<DoorAnswer> {
  const after = query.get('after');
  const limit = limitOf.safeParse(query.get('limit') ?? undefined);
  if (!limit.success) throw new GatewayError('BAD_USER_INPUT', LIMIT);
  const workspace = await context.access(null, 'EVENTS_READ');
  const { items, hasNextPage } = await context.services.events.page(workspace.id, {
    first: limit.data,
    after,
    order: { field: 'POSITION', direction: 'ASC' },
  });
  const { encodePosition } = eventCursors(context.services.epoch, workspace.id);
  const last = items.at(-1);
  const cursor =
    last === undefined && after !== null ? after : encodePosition(last ?? LOG_BEGINNING);
  const next = new URLSearchParams({ after: cursor, limit: String(limit.data) });
  const slug = query.get(WORKSPACE_PARAMETER);
  if (slug !== null) next.set(WORKSPACE_PARAMETER, slug);
  return {
    status: 200,
    headers: {
      'content-type': BATCHED,
      'sluice-cursor': cursor,
      ...(hasNextPage ? { link: `<${PATH}?${next}>; rel="next"` } : {}),
    },
    body: `[${items.map(event => cloudEventText(event, workspace.slug)).join(',')}]`,
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc9457 */
function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { status, code, message } = error;
  const problems = problemsOf(error, request);
  const body = { type: 'about:blank', status, title: message, code, problems };
  return json(status, body, {
    'content-type': 'application/problem+json',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
}

/** What is wrong with the first event that was refused, with pointers into the body. */
function problemsOf({ extensions }: GatewayError, request: DoorRequest) {
  const problems = extensions['problems'] as readonly EventProblem[] | undefined;
  if (problems === undefined) return undefined;
  const [, index] = /^\/(\d+)/.exec(String(extensions['pointer'])) ?? [];
  const event = readEvents(request)[Number(index ?? 0)];
  const inData = isJsonObject(event?.['data']) ? '/data' : '';
  const before = mediaTypeOf(request) === BATCHED ? `/${index}` : '';
  return problems.map(({ code, message, pointer }) => {
    const place = pointer.replace(/^\/payload(?=\/|$)/, inData);
    return { code, message, pointer: before + place };
  });
}

/** Senders of webhooks ask first whether they may: the key of each call decides. */
function optionsHeaders({ headers }: DoorRequest): Readonly<Record<string, string>> {
  if (headers['webhook-request-origin'] === undefined) return {};
  return { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '*' };
}
