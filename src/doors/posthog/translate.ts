/** An event of PostHog ↔ an event. Pure. */
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { instantText } from '../../core/unreadable.ts';
import { addressIn, byOurClock, indexable, isoInstant, MADE } from '../value-conversion.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import { distinctIdOf, type Sent } from './wire.ts';

/** What persons become by an event. The vendor puts them among its properties as well. */
const OF_PERSONS = ['$set', '$set_once'] as const;

interface Mapped extends Pick<StoredEvent, 'eventId' | 'type' | 'actor' | 'occurredAt'> {
  readonly payload: ExactObject;
}

export function decode({ event, sentAt, contentId }: Sent, receivedMs: number): EventInput {
  const { uuid } = event;
  const id = typeof uuid === 'string' && uuid !== '' ? uuidText(uuid) : null;
  const payload = payloadOf(event);
  const occurredAt = instantOf(event, sentAt, receivedMs);
  const columns = { type: event['event'] as string, actor: indexable(distinctIdOf(event) ?? '') };
  const derived = derive({
    ...columns,
    payload,
    eventId: id ?? MADE,
    occurredAt: occurredAt ?? new Date(0),
  });
  return {
    ...columns,
    id,
    occurredAt,
    payload,
    wire: differenceOf(event, derived),
    source: indexable(payload['$lib']),
    groupId: indexable(payload['$session_id']),
    clientIp: addressIn(payload['$ip']),
    ...(id === null ? {} : { contentId }),
  };
}

/** The event that one of this door came by, without its key. */
export function encode(event: StoredEvent): ExactObject {
  const payload = parseExact(event.payload) as ExactObject;
  return restored(derive({ ...event, payload }), event.wire);
}

function derive({ eventId, type, actor, occurredAt, payload }: Mapped): ExactObject {
  return {
    uuid: eventId,
    event: type,
    ...(actor === null ? {} : { distinct_id: actor }),
    properties: payload,
    timestamp: instantText(occurredAt),
  };
}

function payloadOf(event: ExactObject): ExactObject {
  const { properties } = event;
  const payload = isJsonObject(properties) ? (properties as ExactObject) : {};
  const beside: [string, ExactJson][] = [];
  for (const name of OF_PERSONS) {
    const value = event[name];
    if (!isJsonObject(value)) continue;
    const own = payload[name];
    beside.push([name, { ...(isJsonObject(own) ? (own as ExactObject) : {}), ...value }]);
  }
  return beside.length === 0 ? payload : { ...payload, ...Object.fromEntries(beside) };
}

/** Null where no time came: it is the time of recording. */
function instantOf(event: ExactObject, sentAt: Date | null, receivedMs: number): Date | null {
  const { timestamp, offset, properties } = event;
  const happened = isoInstant(timestamp);
  if (happened === null) return offset == null ? null : new Date(receivedMs - Number(offset));
  const { $ignore_sent_at: ignored } = (properties ?? {}) as ExactObject;
  return byOurClock(happened, ignored === true ? null : sentAt, receivedMs);
}

function uuidText(uuid: string): string {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
