/** A CloudEvent ↔ an event, both ways, and any event as a CloudEvent. Pure. */
import { hash } from 'node:crypto';
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, writeExact, type ExactObject } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { instantText } from '../../core/unreadable.ts';
import { shown, unreadableText } from '../answer.ts';
import { parseInstant } from '../request.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import { isExtension, type CloudEvent } from './wire.ts';

/** What the payload of a CloudEvent holds beside its extensions. */
const IN_PAYLOAD = ['data', 'data_base64', 'datacontenttype', 'dataschema'] as const;

interface Mapped extends Pick<StoredEvent, 'eventId' | 'type' | 'subject' | 'occurredAt'> {
  readonly payload: ExactObject;
}

export function decode(event: CloudEvent): EventInput {
  const { id, source, type, subject = null, time } = event as CloudEvent & Record<string, string>;
  const extensions = Object.entries(event).filter(([name]) => isExtension(name));
  const payload: ExactObject = {
    ...Object.fromEntries(
      IN_PAYLOAD.filter(name => Object.hasOwn(event, name)).map(name => [name, event[name]]),
    ),
    ...(extensions.length === 0 ? {} : { extensions: Object.fromEntries(extensions) }),
  };
  const occurredAt = time === undefined ? null : parseInstant(time);
  const eventId = eventIdOf(source as string, id as string);
  const columns = { type: type as string, source: indexable(source), subject: indexable(subject) };
  const derived = derive(
    { ...columns, eventId, occurredAt: occurredAt ?? new Date(0), payload },
    UNKNOWN,
  );
  const wire = differenceOf(event, derived);
  return { ...columns, id: eventId, occurredAt, wire, payload };
}

/** Two sources may both have an id 1. What is too long for an id is known by its digest. */
function eventIdOf(source: string, id: string): string {
  const both = `${source} ${id}`;
  if (isWithinBytes(both, LIMITS.eventIdBytesMax)) return both;
  return `ce-${hash('sha256', both, 'hex')}`;
}

function indexable(text: string | null | undefined): string | null {
  return text != null && isWithinBytes(text, LIMITS.indexedTextBytesMax) ? text : null;
}

/** In place of a source that is not known. */
const UNKNOWN = '/';

/** The JSON of any event, whatever of it is damaged. */
export function cloudEventText(event: StoredEvent, workspace: string): string {
  return writeExact(shown(event, each => encode(each, workspace)));
}

/** Of any door's event; what came as a CloudEvent is given back as it came. */
export function encode(event: StoredEvent, workspace: string): CloudEvent {
  const payload = parseExact(event.payload) as ExactObject;
  if (event.door !== 'CLOUDEVENTS') {
    return { ...encodeForeign(event, payload, workspace), ...unreadableIn(event) };
  }
  const derived = derive({ ...event, payload }, `/${workspace}`);
  if (event.redactedAt !== null) return { ...derived, ...redaction(event) };
  return { ...restored(derived, event.wire), ...unreadableIn(event) };
}

function derive({ eventId, type, subject, occurredAt, payload }: Mapped, place: string) {
  const { extensions, ...others } = payload;
  const cut = eventId.indexOf(' ');
  return {
    specversion: '1.0',
    id: eventId.slice(cut + 1),
    source: cut === -1 ? place : eventId.slice(0, cut),
    type,
    ...(subject === null ? {} : { subject }),
    time: instantText(occurredAt),
    ...(extensions as CloudEvent | undefined),
    ...others,
  } satisfies CloudEvent;
}

/** The envelope's other fields become extension attributes. */
function encodeForeign(event: StoredEvent, payload: ExactObject, workspace: string): CloudEvent {
  const extensions = {
    actor: event.actor,
    groupid: event.groupId,
    parentid: event.parentId,
    success: event.success,
    description: event.description,
    icon: event.icon,
    notify: event.notify ? true : null,
    clientip: event.clientIp,
    expirytime: event.expiresAt === null ? null : instantText(event.expiresAt),
  };
  return {
    specversion: '1.0',
    id: event.eventId,
    source: uriReference(event.source) ?? `/${workspace}`,
    type: event.type,
    ...(event.subject ? { subject: event.subject } : {}),
    time: instantText(event.occurredAt),
    // An attribute is no empty text.
    ...Object.fromEntries(
      Object.entries(extensions).filter(([, value]) => value || value === false),
    ),
    ...(event.redactedAt === null
      ? { datacontenttype: 'application/json', data: payload }
      : redaction(event)),
  };
}

function redaction({ redactedAt }: StoredEvent): CloudEvent {
  return { redactedtime: instantText(redactedAt as Date) };
}

/** Extension attributes are texts and numbers. */
function unreadableIn(event: StoredEvent): CloudEvent {
  const text = unreadableText(event);
  return text === null ? {} : { unreadable: text, position: event.position };
}

function uriReference(source: string | null): string | null {
  if (source === null || source === '') return null;
  return source.replaceAll(/[^\x21-\x7e]+/gu, encodeURIComponent);
}
