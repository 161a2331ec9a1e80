/** LogSnag: events with an emoji, users, groups and insights. */
import type { GatewayError } from '../../core/errors.ts';
import type { Receipt } from '../../core/event.ts';
import type { ExactObject } from '../../core/exact-json.ts';
import { bearerToken } from '../../core/principal.ts';
import { json, problemIn } from '../answer.ts';
import type { Door, DoorAnswer, DoorContext, DoorRequest, DoorRoute } from '../door.ts';
import { recordTogether } from '../record.ts';
import { bearerOf, requireJson } from '../request.ts';
import { decode, projectOf } from './translate.ts';
import { readCall, type Call } from './wire.ts';

const ROUTES: readonly (readonly [DoorRoute['method'], string, Call])[] = [
  ['POST', '/v1/log', 'log'],
  ['POST', '/v1/insight', 'insight'],
  ['PATCH', '/v1/insight', 'increment'],
  ['POST', '/v1/identify', 'identify'],
  ['POST', '/v1/group', 'group'],
];
const OWN = ['/v1/log', '/v1/insight'] as const;
/** Segment has them too. Its clients send no Bearer there, and those of LogSnag nothing else. */
const SHARED: readonly string[] = ['/v1/identify', '/v1/group'];

export function createLogsnagDoor(): Door {
  return {
    name: 'LOGSNAG',
    owns: (path, headers) =>
      OWN.some(each => path === each || path.startsWith(`${each}/`)) ||
      (SHARED.includes(path) && bearerToken(headers?.['authorization']) !== null),
    credential: bearerOf,
    encodeError,
    routes: ROUTES.map(([method, path, call]) => ({
      method,
      path,
      scope: 'EVENTS_WRITE',
      handle: (request, context) => post(request, context, call),
    })),
  };
}

async function post(request: DoorRequest, context: DoorContext, call: Call): Promise<DoorAnswer> {
  requireJson(request);
  const raw = request.json();
  const sent = readCall(call, raw);
  const workspace = await context.access(projectOf(sent), 'EVENTS_WRITE');
  const event = decode(call, sent, raw as ExactObject);
  const [receipt] = await recordTogether(context, workspace, [event]);
  const { eventId } = receipt as Receipt;
  return json(200, { id: eventId, project: sent.project });
}

/** Its clients show the messages of `validation`. */
function encodeError(error: GatewayError): DoorAnswer {
  const { status, message, extensions } = error;
  const place = problemIn(error)?.pointer.replace(/^\//, '').replaceAll('/', '.') ?? '';
  const told = place === '' ? message : `${place}: ${message}`;
  const faults = (extensions['faults'] ?? [told]) as readonly string[];
  const isInvalid = status === 400;
  return json(status, {
    message: isInvalid ? 'Validation Failed' : message,
    ...(isInvalid ? { validation: { body: faults.map(each => ({ message: each })) } } : {}),
  });
}
