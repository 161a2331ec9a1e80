/** A CloudEvent ↔ an event, both ways, and any event as a CloudEvent. Pure. */
import { hash } from 'node:crypto';
import { contentText } from '../../core/content-hash.ts';
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, writeExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { instantText } from '../../core/unreadable.ts';
import { shown, unreadableText } from '../answer.ts';
import { parseInstant } from '../request.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import { isExtension, type CloudEvent } from './wire.ts';

/** What data that is no object stands under in the payload. */
const DATA = ['data', 'data_base64'] as const;
/** What a payload held beside `extensions` before data that is an object was the payload. */
const FORMERLY = [...DATA, 'datacontenttype', 'dataschema'] as const;

/** Kept in `wire`: the payload is the data. */
const MARK = { payload: 'data' } as const;

interface Mapped extends Pick<StoredEvent, 'eventId' | 'type' | 'subject' | 'occurredAt'> {
  readonly payload: ExactObject;
}

/** Data that is an object is the payload, so that a schema holds for the events of every door. */
export function decode(event: CloudEvent): EventInput {
  const { id, source, type, subject = null, time } = event as CloudEvent & Record<string, string>;
  const occurredAt = time === undefined ? null : parseInstant(time);
  const eventId = eventIdOf(source as string, id as string);
  const columns = { type: type as string, source: indexable(source), subject: indexable(subject) };
  const mapped = { ...columns, eventId, occurredAt: occurredAt ?? new Date(0) };
  const data = event['data'];
  const isPayload = isJsonObject(data);
  const payload = isPayload ? (data as ExactObject) : membersOf(event, DATA);
  const attributes = attributesOf({ ...mapped, payload }, UNKNOWN);
  const difference = differenceOf(event, { ...attributes, ...(isPayload ? { data } : payload) });
  const former = formerPayload(event);
  const formerWire = differenceOf(event, { ...attributes, ...membersOfFormer(former) });
  const given = { ...columns, occurredAt };
  return {
    ...given,
    id: eventId,
    payload,
    wire: isPayload ? { ...difference, ...MARK } : difference,
    // So a retry of what was recorded in the former way is told as one.
    contentId: contentText({ ...given, payload: former, wire: formerWire }),
  };
}

function formerPayload(event: CloudEvent): ExactObject {
  const extensions = Object.entries(event).filter(([name]) => isExtension(name));
  return {
    ...membersOf(event, FORMERLY),
    ...(extensions.length === 0 ? {} : { extensions: Object.fromEntries(extensions) }),
  };
}

function membersOf(event: CloudEvent, names: readonly string[]): ExactObject {
  const members = names.filter(name => Object.hasOwn(event, name));
  return Object.fromEntries(members.map(name => [name, event[name] as ExactJson]));
}

/**
 * What was kept aside, as it would come to this door today: with the identity of its content, which is
 * not kept, and with the payload of today.
 */
export function decodeAgain(input: EventInput): EventInput {
  const event = encodeOwn(
    {
      eventId: input.id as string,
      type: input.type,
      subject: input.subject ?? null,
      occurredAt: input.occurredAt ?? new Date(0),
      payload: input.payload ?? {},
    },
    input.wire ?? null,
    UNKNOWN,
  );
  return { ...input, ...decode(event), occurredAt: input.occurredAt };
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
  const mapped = { ...event, payload };
  const place = `/${workspace}`;
  if (event.redactedAt !== null) return { ...attributesOf(mapped, place), ...redaction(event) };
  return { ...encodeOwn(mapped, event.wire, place), ...unreadableIn(event) };
}

/** What came as a CloudEvent, also where it was recorded in the former way. */
function encodeOwn(event: Mapped, wire: Json | null, place: string): CloudEvent {
  const { payload } = event;
  const data = isData(payload, wire) ? { data: payload } : membersOfFormer(payload);
  return restored({ ...attributesOf(event, place), ...data }, wire);
}

/** A payload of other members is one that took the place of what came: it was in quarantine. */
function isData(payload: ExactObject, wire: Json | null): boolean {
  if (isJsonObject(wire) && wire['payload'] === MARK.payload) return true;
  return Object.keys(payload).some(name => !FORMER_MEMBERS.has(name));
}

const FORMER_MEMBERS: ReadonlySet<string> = new Set([...FORMERLY, 'extensions']);

function membersOfFormer({ extensions, ...others }: ExactObject): ExactObject {
  return { ...(extensions as ExactObject | undefined), ...others };
}

function attributesOf({ eventId, type, subject, occurredAt }: Mapped, place: string) {
  const cut = eventId.indexOf(' ');
  return {
    specversion: '1.0',
    id: eventId.slice(cut + 1),
    source: cut === -1 ? place : eventId.slice(0, cut),
    type,
    ...(subject === null ? {} : { subject }),
    time: instantText(occurredAt),
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
