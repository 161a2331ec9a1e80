/** Logsh: one call that says what happened, with an emoji. */
import { GatewayError, type ErrorCode } from '../../core/errors.ts';
import type { Receipt } from '../../core/event.ts';
import type { ExactObject } from '../../core/exact-json.ts';
import { actorOf } from '../../core/principal.ts';
import type { Workspace } from '../../core/workspace.ts';
import { createRate, type Rate } from '../../security/rate-limits.ts';
import { json, problemIn } from '../answer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest } from '../door.ts';
import { recordTogether } from '../record.ts';
import { bearerOf, requireJson } from '../request.ts';
import { decode, digestSlugOf, formerSlugOf, isOfOtherName, slugOf } from './translate.ts';
import { logshEvent, messageOf, plainEvent, type LogshEvent } from './wire.ts';

export interface LogshOptions {
  /** For each key. */
  readonly eventsPerSecond: number;
}

const PATH = '/api/event';
/** The vendor's clients expect to wait a second. */
const WINDOW_S = 1;

export function createLogshDoor({ eventsPerSecond }: LogshOptions): Door {
  const rate = createRate('events', eventsPerSecond, WINDOW_S);
  return {
    name: 'LOGSH',
    owns: path => path === PATH || path.startsWith(`${PATH}/`),
    credential: bearerOf,
    encodeError,
    routes: [
      {
        method: 'POST',
        path: PATH,
        scope: 'EVENTS_WRITE',
        handle: (request, context) => post(request, context, rate),
      },
    ],
  };
}

async function post(request: DoorRequest, context: DoorContext, rate: Rate): Promise<DoorAnswer> {
  await rate.take(context.principal.keyId, 1);
  requireJson(request);
  const sent = request.json();
  const data = plainEvent(sent) ?? readEvent(sent);
  const workspace = await workspaceOf(data, context);
  const [receipt] = await recordTogether(context, workspace, [decode(data, sent as ExactObject)]);
  return json(200, {
    status: true,
    id: (receipt as Receipt).eventId,
    workspace: data.workspace.toLowerCase(),
    event: data.event,
    description: data.description ?? '',
  });
}

/** @throws GatewayError BAD_USER_INPUT */
function readEvent(sent: unknown): LogshEvent {
  const { success, data, error } = logshEvent.safeParse(sent);
  if (!success) throw new GatewayError('BAD_USER_INPUT', messageOf(error));
  return data;
}

/**
 * Made when it is first named, if the key covers every workspace.
 * @throws GatewayError NOT_FOUND where the key covers another one
 */
async function workspaceOf(event: LogshEvent, context: DoorContext): Promise<Workspace> {
  const found = await find(slugOf(event.workspace), context);
  if (found === null) return formerOrNew(event, slugOf(event.workspace), context);
  if (!isOfOtherName(found, event.workspace)) return found;
  const slug = digestSlugOf(event.workspace);
  return (await find(slug, context)) ?? formerOrNew(event, slug, context);
}

async function formerOrNew(event: LogshEvent, slug: string, context: DoorContext) {
  const former = await findFormer(event.workspace, context);
  if (former !== null) return former;
  if (context.principal.workspaceId !== null) return context.access(slug, 'EVENTS_WRITE');
  try {
    const actor = actorOf(context.principal, 'EVENTS_WRITE');
    return await context.services.workspaceAdmin.create({ slug, name: event.workspace }, actor);
  } catch (error) {
    // Two at once: the other one was quicker, perhaps for another name.
    if (codeOf(error) !== 'CONFLICT') throw error;
    const made = await context.access(slug, 'EVENTS_WRITE');
    if (!isOfOtherName(made, event.workspace)) return made;
    return workspaceOf(event, context);
  }
}

/** The workspace that was made for this name when names that differ could share a slug. */
async function findFormer(name: string, context: DoorContext): Promise<Workspace | null> {
  const slug = formerSlugOf(name);
  const found = slug === null ? null : await find(slug, context);
  return found?.name.toLowerCase() === name.toLowerCase() ? found : null;
}

async function find(slug: string, context: DoorContext): Promise<Workspace | null> {
  try {
    return await context.access(slug, 'EVENTS_WRITE');
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return null;
    throw error;
  }
}

function codeOf(error: unknown): ErrorCode | null {
  return error instanceof GatewayError ? error.code : null;
}

const FORMAT = 'Authorization header must be in the format: Bearer <token>';
const INVALID_KEY = 'Your API key is invalid, missing required permissions, or has expired.';

/** A key that may not is refused as one that is not there. */
function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { code, message, status, retryAfterS = 1 } = error;
  if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' || isForeignWorkspace(error, request)) {
    return refusal(401, 'unauthorized', bearerOf(request) === null ? FORMAT : INVALID_KEY);
  }
  if (status === 400) {
    const problem = problemIn(error);
    const isIcon = problem?.code === 'ICON_INVALID';
    if (isIcon) return refusal(400, 'bad_request', 'Icon must be a valid emoji 🔥.');
    const [, key] = /^\/payload(\/.*)$/s.exec(problem?.pointer ?? '') ?? [];
    return refusal(400, 'bad_request', key === undefined ? message : `/metadata${key}: ${message}`);
  }
  if (code === 'QUOTA_EXCEEDED') return refusal(status, 'rate_limit_exceeded', message);
  if (code === 'RATE_LIMITED') {
    const told = `Rate limit exceeded. Try again after ${retryAfterS} seconds.`;
    return refusal(status, 'rate_limit_exceeded', told);
  }
  return refusal(status, code.toLowerCase(), message);
}

function isForeignWorkspace({ code }: GatewayError, { path }: DoorRequest): boolean {
  return code === 'NOT_FOUND' && path === PATH;
}

function refusal(status: number, name: string, message: string): DoorAnswer {
  return json(status, { status: false, name, message });
}
