/** A log record with its resource and scope ↔ an event. Pure. */
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import {
  anyValueOf,
  attributesOf,
  firsts,
  plainAttributes,
  plainOf,
  propertyOf,
  typesOf,
} from './values.ts';
import type { AnyValue, KeyValue } from './wire.ts';

/** A record as it was read, and beside its own fields what it has from its place in the request. */
export interface PlacedRecord extends ExactObject {
  readonly resource?: ExactObject;
  readonly resourceSchemaUrl?: string;
  readonly scope?: ExactObject;
  readonly scopeSchemaUrl?: string;
}

/** The type of a record that has no event name. */
const FALLBACK_TYPE = 'log';
/** Where senders had the event's name before records had a field for it. */
const FORMER_NAME = 'event.name';

/** What a payload has beside the attributes. An attribute of such a name takes its place. */
const FIELDS: ReadonlySet<string> = new Set([
  ...['severityNumber', 'severityText', 'spanId', 'body', 'resource', 'scope'],
]);

export function decode(sent: PlacedRecord, id: string): EventInput {
  const attributes = firsts((sent['attributes'] ?? []) as readonly KeyValue[]);
  const body = sent['body'] as AnyValue | undefined;
  const description = descriptionOf(body);
  const columns = {
    type: (sent['eventName'] as string | undefined) ?? formerName(attributes) ?? FALLBACK_TYPE,
    occurredAt: instantOf(sent['timeUnixNano']) ?? instantOf(sent['observedTimeUnixNano']),
    source: serviceName(sent.resource),
    description,
    groupId: idOf(sent['traceId'], TRACE_ID_BYTES),
  };
  const properties: NonNullable<EventInput['properties']>[number][] = [];
  const members: [string, ExactJson][] = [];
  for (const [name, value] of attributes) {
    const property = propertyOf(name, value);
    if (property === null) members.push([name, plainOf(value)]);
    else properties.push(property);
  }
  const fields: Readonly<Record<string, ExactJson | undefined>> = {
    severityNumber: sent['severityNumber'],
    severityText: sent['severityText'],
    spanId: idOf(sent['spanId'], SPAN_ID_BYTES) ?? undefined,
    body: body === undefined || description !== null ? undefined : plainOf(body),
    resource: attributesIn(sent.resource),
    scope: plainScope(sent.scope),
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && !attributes.has(name)) members.push([name, value]);
  }
  const typed = properties.map(({ name }) => [name, plainOf(attributes.get(name) ?? {})] as const);
  const derived = derive({
    ...columns,
    occurredAt: columns.occurredAt ?? new Date(0),
    payload: Object.fromEntries([...members, ...typed]),
    propertyTypes: typesOf(properties),
  });
  const payload = Object.fromEntries(members);
  return { ...columns, id, payload, properties, wire: differenceOf(sent, derived) };
}

/** The record that an event of this door came by. */
export function encode(event: StoredEvent): PlacedRecord {
  const derived = derive({ ...event, payload: parseExact(event.payload) as ExactObject });
  return restored(derived, event.wire) as PlacedRecord;
}

interface Mapped extends Pick<
  StoredEvent,
  'type' | 'occurredAt' | 'description' | 'groupId' | 'propertyTypes'
> {
  readonly payload: ExactObject;
}

/** Without what only the sender can know, such as the nanoseconds of its times. */
function derive(event: Mapped): ExactObject {
  const { type, occurredAt, description, groupId, payload, propertyTypes } = event;
  const { severityNumber, severityText, spanId, body, resource, scope } = payload;
  const attributes = Object.entries(payload).filter(([name]) => !FIELDS.has(name));
  const derived: Readonly<Record<string, ExactJson | undefined>> = {
    timeUnixNano: String(BigInt(occurredAt.getTime()) * NANOS_PER_MS),
    severityNumber,
    severityText,
    body: description === null ? body && anyValueOf(body) : { stringValue: description },
    attributes: attributesOf(attributes, propertyTypes),
    traceId: groupId ?? undefined,
    spanId,
    eventName: type === FALLBACK_TYPE ? undefined : type,
    resource: isJsonObject(resource) ? withAttributes({}, resource) : undefined,
    scope: isJsonObject(scope) ? scopeOf(scope) : undefined,
  };
  return Object.fromEntries(
    Object.entries(derived).filter((member): member is [string, ExactJson] => {
      return member[1] !== undefined;
    }),
  );
}

const NANOS_PER_MS = 1_000_000n;

/** Cut to milliseconds; 0 stands for unknown, and is left out. */
function instantOf(nanos: ExactJson | undefined): Date | null {
  return nanos === undefined ? null : new Date(Number(BigInt(nanos as string) / NANOS_PER_MS));
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** An id of another length, or of zeros alone, is none. */
function idOf(hex: ExactJson | undefined, bytes: number): string | null {
  if (typeof hex !== 'string' || hex.length !== 2 * bytes || /^0*$/.test(hex)) return null;
  return hex;
}

function descriptionOf(body: AnyValue | undefined): string | null {
  const text = body?.['stringValue'];
  if (typeof text !== 'string' || text === '') return null;
  return isWithinBytes(text, LIMITS.descriptionBytesMax) ? text : null;
}

function formerName(attributes: ReadonlyMap<string, AnyValue>): string | null {
  const name = attributes.get(FORMER_NAME)?.['stringValue'];
  return typeof name === 'string' && name !== '' ? name : null;
}

function serviceName(resource: ExactObject | undefined): string | null {
  const name = attributesIn(resource)?.['service.name'];
  if (typeof name !== 'string' || name === '') return null;
  return isWithinBytes(name, LIMITS.indexedTextBytesMax) ? name : null;
}

/** Undefined where there are none. */
function attributesIn(message: ExactObject | undefined): ExactObject | undefined {
  const attributes = message?.['attributes'] as readonly KeyValue[] | undefined;
  return attributes && plainAttributes(attributes);
}

/** Its name and version, and its attributes in an object of their own. */
function plainScope(scope: ExactObject | undefined): ExactObject | undefined {
  if (scope === undefined) return undefined;
  const { name, version } = scope;
  const attributes = attributesIn(scope);
  const plain = Object.entries({ name, version, attributes }).filter(([, each]) => each);
  return plain.length === 0 ? undefined : (Object.fromEntries(plain) as ExactObject);
}

function scopeOf({ attributes, ...named }: ExactObject): ExactObject {
  return isJsonObject(attributes) ? withAttributes(named, attributes) : named;
}

function withAttributes(message: ExactObject, plain: ExactObject): ExactObject {
  const attributes = attributesOf(Object.entries(plain));
  return attributes === undefined ? message : { ...message, attributes };
}
