/** A message of Segment ↔ an event. Pure. */
import { hash } from 'node:crypto';
import type { EventInput, EventProblem, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { instantText } from '../../core/unreadable.ts';
import {
  addressIn,
  byOurClock,
  indexable,
  invalid,
  isoInstant,
  MADE,
} from '../value-conversion.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import { bagOf, faultOf, isCall, type Call, type Sent } from './wire.ts';

/** What a call that is no track is about. */
const SUBJECTS: Readonly<Partial<Record<Call, string>>> = {
  page: 'name',
  screen: 'name',
  group: 'groupId',
  alias: 'previousId',
};

interface Mapped extends Pick<
  StoredEvent,
  'eventId' | 'type' | 'actor' | 'subject' | 'occurredAt'
> {
  readonly payload: ExactObject;
}

/** With a problem it is no event, and is to be kept aside with all that came. */
export interface Decoded {
  readonly input: EventInput;
  readonly problem: EventProblem | null;
}

export function decode({ message, contentId }: Sent, receivedMs: number): Decoded {
  if (isJsonObject(message)) {
    const sent = message as ExactObject;
    return { input: inputOf(sent, contentId, receivedMs), problem: faultOf(sent) };
  }
  const problem = invalid('A message is a JSON object.', '');
  return { input: { type: '', payload: { message } }, problem };
}

function inputOf(message: ExactObject, contentId: string, receivedMs: number): EventInput {
  const call = isCall(message['type']) ? message['type'] : 'track';
  const { userId, anonymousId, messageId, event } = message;
  const id = eventIdOf(messageId);
  const payload = message[bagOf(call)];
  const context = objectIn(message, 'context');
  const occurredAt = instantOf(message, receivedMs);
  const columns = {
    type: call === 'track' ? textOf(event) : call,
    actor: indexable(userId) ?? indexable(anonymousId),
    subject: indexable(message[SUBJECTS[call] ?? '']),
    payload: isJsonObject(payload) ? (payload as ExactObject) : {},
  };
  const derived = derive({
    ...columns,
    eventId: id ?? MADE,
    occurredAt: occurredAt ?? new Date(0),
  });
  return {
    ...columns,
    id,
    occurredAt,
    wire: differenceOf(message, derived),
    source: indexable(objectIn(context, 'app')['name'] ?? objectIn(context, 'library')['name']),
    clientIp: addressIn(context['ip']),
    ...(id === null ? {} : { contentId }),
  };
}

/** The message that an event of this door came by, with what its batch had for all. */
export function encode(event: StoredEvent): ExactObject {
  const payload = parseExact(event.payload) as ExactObject;
  return restored(derive({ ...event, payload }), event.wire);
}

function derive({ eventId, type, actor, subject, occurredAt, payload }: Mapped): ExactObject {
  const call = isCall(type) ? type : 'track';
  const about = SUBJECTS[call];
  return {
    type: call,
    messageId: eventId,
    ...(actor === null ? {} : { userId: actor }),
    ...(call === 'track' ? { event: type } : {}),
    ...(about === undefined || subject === null ? {} : { [about]: subject }),
    [bagOf(call)]: payload,
    timestamp: instantText(occurredAt),
  };
}

/** Null where none came: the gateway makes one. */
function eventIdOf(messageId: ExactJson | undefined): string | null {
  if (typeof messageId !== 'string' || messageId === '') return null;
  if (isWithinBytes(messageId, LIMITS.eventIdBytesMax)) return messageId;
  return `segment-${hash('sha256', messageId, 'hex')}`;
}

/** Null where no time came, or none that can be read: it is the time of recording. */
function instantOf(message: ExactObject, receivedMs: number): Date | null {
  const { originalTimestamp, timestamp, sentAt } = message;
  const happened = isoInstant(originalTimestamp) ?? isoInstant(timestamp);
  return happened && byOurClock(happened, isoInstant(sentAt), receivedMs);
}

function objectIn(value: ExactObject, name: string): ExactObject {
  const member = value[name];
  return isJsonObject(member) ? (member as ExactObject) : {};
}

function textOf(value: ExactJson | undefined): string {
  return typeof value === 'string' ? value : '';
}
