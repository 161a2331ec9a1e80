/**
 * authentik's event to an event and back. `user`, `context` and `brand` stay in the payload; an
 * instant finer than milliseconds is kept beside it. An event of another door is shown as well as
 * it can be: its actor as the user, its payload as the context.
 */
import { eventKey } from '../../core/event-key.ts';
import type { EventInput, EventProblem, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isStorableText, isWithinBytes } from '../../core/text.ts';
import { formatInstant } from './instant.ts';
import type { Event, EventRequest, FieldErrors } from './wire.ts';

/** What becomes of an event when, and how long it is kept when it does not say. */
export interface Arrival {
  readonly now: Date;
  readonly keptDays: number;
}

const DAY_MS = 86_400_000;

export function toEventInput(request: EventRequest, { now, keptDays }: Arrival): EventInput {
  const { user, context, brand, expires } = request;
  const actor = actorOf(user);
  const byDefault = new Date(now.getTime() + keptDays * DAY_MS);
  const isFiner = expires != null && formatInstant(expires.date) !== expires.text;
  return {
    type: request.action,
    source: request.app,
    ...(actor === null ? {} : { actor }),
    ...(request.client_ip == null ? {} : { clientIp: request.client_ip }),
    occurredAt: now,
    expiresAt: expires === undefined ? byDefault : (expires?.date ?? null),
    payload: {
      ...(user === undefined ? {} : { user }),
      ...(context === undefined ? {} : { context }),
      ...(brand === undefined ? {} : { brand }),
    },
    ...(isFiner ? { wire: { expires: expires.text } } : {}),
  };
}

/** Where the name fits the envelope; it stays in the payload anyway. */
function actorOf(user: ExactObject | undefined): string | null {
  const name = user?.['username'];
  if (typeof name !== 'string' || name === '') return null;
  return isWithinBytes(name, LIMITS.indexedTextBytesMax) && isStorableText(name) ? name : null;
}

/** What a stored event and one that was recorded just now have in common. */
type Source = Pick<StoredEvent, 'eventId' | 'type' | 'door' | 'source' | 'actor'> &
  Pick<StoredEvent, 'clientIp' | 'occurredAt' | 'expiresAt' | 'wire'> &
  Partial<Pick<StoredEvent, 'position' | 'unreadable'>> & {
    readonly payload: ExactObject;
  };

export function toEvent(event: StoredEvent): Event {
  return encode({ ...event, payload: parseExact(event.payload) as ExactObject });
}

/** The same of an event that was given this id when it was recorded. */
export function toRecordedEvent(input: EventInput, eventId: string): Event {
  return encode({
    eventId,
    type: input.type,
    door: 'AUTHENTIK',
    source: input.source ?? null,
    actor: input.actor ?? null,
    clientIp: input.clientIp ?? null,
    occurredAt: input.occurredAt as Date,
    expiresAt: input.expiresAt ?? null,
    wire: input.wire ?? null,
    payload: input.payload ?? {},
  });
}

function encode(event: Source): Event {
  const { payload } = event;
  const isOurs = event.door === 'AUTHENTIK' || isJsonObject(payload['context']);
  return {
    pk: eventKey(event.eventId),
    user: userOf(event),
    action: event.type,
    app: event.source ?? event.door.toLowerCase(),
    context: { ...(isOurs ? objectOf(payload['context']) : payload), ...unreadableIn(event) },
    client_ip: event.clientIp,
    created: formatInstant(event.occurredAt),
    expires: expiresOf(event),
    brand: objectOf(payload['brand']),
  };
}

/** The vendor's event has no other place for it. */
function unreadableIn({ position, unreadable }: Source): ExactObject {
  if (unreadable === undefined || position === undefined) return {};
  return { sluice_unreadable: { position, problems: unreadable as unknown as ExactJson } };
}

function userOf({ payload, actor }: Source): ExactObject {
  const user = objectOf(payload['user']);
  return actor === null || user['username'] !== undefined ? user : { ...user, username: actor };
}

function expiresOf({ expiresAt, wire }: Source): string | null {
  if (isJsonObject(wire) && typeof wire['expires'] === 'string') return wire['expires'];
  return expiresAt === null ? null : formatInstant(expiresAt);
}

function objectOf(value: ExactJson | undefined): ExactObject {
  return isJsonObject(value) ? value : {};
}

const FIELD_OF: Readonly<Record<string, string>> = {
  type: 'action',
  source: 'app',
  actor: 'user',
  clientIp: 'client_ip',
  expiresAt: 'expires',
};

/** Problems of an event under the names of the vendor's fields. */
export function toFieldErrors(problems: readonly EventProblem[]): FieldErrors {
  const errors: Record<string, string[]> = {};
  for (const { pointer, message } of problems) {
    const [, name = '', inPayload = '', ...steps] = pointer.split('/');
    const field = (name === 'payload' ? inPayload : FIELD_OF[name]) || 'non_field_errors';
    const place = name === 'payload' && steps.length > 0 ? `/${steps.join('/')}: ` : '';
    (errors[field] ??= []).push(place + message);
  }
  return errors;
}
