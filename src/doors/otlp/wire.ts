/**
 * The messages of OTLP logs, as one table for both of their formats. A message that was read is
 * in the JSON form of OTLP, whichever format it came in: 64-bit integers are decimal digits, bytes
 * are base64, ids are hexadecimal, and what has its default is left out. The attributes of a
 * collection are in the order of their keys, since their own order means nothing.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.10.0/opentelemetry/proto/logs/v1/logs.proto
 */
import type { EventProblem } from '../../core/event.ts';
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';

export type Kind =
  | 'string'
  | 'bool'
  | 'bytes'
  /** Bytes that JSON has in hexadecimal. */
  | 'hex'
  | 'int32'
  | 'uint32'
  | 'fixed32'
  | 'int64'
  | 'fixed64'
  | 'double'
  | 'message'
  /** A message that is read later, by itself. */
  | 'unread';

export interface Field {
  readonly number: number;
  readonly name: string;
  readonly kind: Kind;
  /** What a message is. */
  readonly of?: () => Message;
  readonly isList?: boolean;
}

export interface Message {
  readonly byNumber: ReadonlyMap<number, Field>;
  readonly fields: readonly Field[];
  /** Of all its fields at most one is there, also with its default. */
  readonly isOneOf?: boolean;
  /** An attribute. */
  readonly isKeyed?: boolean;
  /** Log records of one resource or scope. */
  readonly isGroup?: boolean;
}

function message(
  fields: readonly Field[],
  more: Omit<Message, 'fields' | 'byNumber'> = {},
): Message {
  return { fields, byNumber: new Map(fields.map(field => [field.number, field])), ...more };
}

const field = (number: number, name: string, kind: Kind): Field => ({ number, name, kind });
const part = (number: number, name: string, of: () => Message): Field => {
  return { number, name, kind: 'message', of };
};
const list = (one: Field): Field => ({ ...one, isList: true });

const ANY_VALUE: Message = message(
  [
    field(1, 'stringValue', 'string'),
    field(2, 'boolValue', 'bool'),
    field(3, 'intValue', 'int64'),
    field(4, 'doubleValue', 'double'),
    part(5, 'arrayValue', () => ARRAY_VALUE),
    part(6, 'kvlistValue', () => KEY_VALUE_LIST),
    field(7, 'bytesValue', 'bytes'),
  ],
  { isOneOf: true },
);
const KEY_VALUE = message([field(1, 'key', 'string'), part(2, 'value', () => ANY_VALUE)], {
  isKeyed: true,
});
const ARRAY_VALUE = message([list(part(1, 'values', () => ANY_VALUE))]);
const KEY_VALUE_LIST = message([list(part(1, 'values', () => KEY_VALUE))]);
const ENTITY_REF = message([
  ...[field(1, 'schemaUrl', 'string'), field(2, 'type', 'string')],
  ...[list(field(3, 'idKeys', 'string')), list(field(4, 'descriptionKeys', 'string'))],
]);

export const RESOURCE = message([
  list(part(1, 'attributes', () => KEY_VALUE)),
  field(2, 'droppedAttributesCount', 'uint32'),
  list(part(3, 'entityRefs', () => ENTITY_REF)),
]);
export const SCOPE = message([
  ...[field(1, 'name', 'string'), field(2, 'version', 'string')],
  list(part(3, 'attributes', () => KEY_VALUE)),
  field(4, 'droppedAttributesCount', 'uint32'),
]);
export const LOG_RECORD = message([
  field(1, 'timeUnixNano', 'fixed64'),
  field(2, 'severityNumber', 'int32'),
  field(3, 'severityText', 'string'),
  part(5, 'body', () => ANY_VALUE),
  list(part(6, 'attributes', () => KEY_VALUE)),
  field(7, 'droppedAttributesCount', 'uint32'),
  field(8, 'flags', 'fixed32'),
  field(9, 'traceId', 'hex'),
  field(10, 'spanId', 'hex'),
  field(11, 'observedTimeUnixNano', 'fixed64'),
  field(12, 'eventName', 'string'),
]);
const SCOPE_LOGS = message(
  [
    field(1, 'scope', 'unread'),
    list(field(2, 'logRecords', 'unread')),
    field(3, 'schemaUrl', 'string'),
  ],
  { isGroup: true },
);
const RESOURCE_LOGS = message(
  [
    field(1, 'resource', 'unread'),
    list(part(2, 'scopeLogs', () => SCOPE_LOGS)),
    field(3, 'schemaUrl', 'string'),
  ],
  { isGroup: true },
);
export const REQUEST = message([list(part(1, 'resourceLogs', () => RESOURCE_LOGS))]);

/** What is unread: bytes of protobuf, or a value of JSON. */
export type Unread = Uint8Array | ExactJson;

/** `Form` is of what comes together in a message that was read. */
export interface LogsRequest {
  readonly resourceLogs?: readonly {
    readonly resource?: Unread;
    readonly schemaUrl?: string;
    readonly scopeLogs?: readonly {
      readonly scope?: Unread;
      readonly schemaUrl?: string;
      readonly logRecords?: readonly Unread[];
    }[];
  }[];
}

export type AnyValue = ExactObject;
export interface KeyValue extends ExactObject {
  readonly key?: string;
  readonly value?: AnyValue;
}

/** How messages are read in one of the formats. */
export interface Format {
  readonly contentType: string;
  /** @throws GatewayError, Unreadable */
  readRequest(): LogsRequest;
  /** @throws Unreadable */
  read(unread: Unread, of: Message): ExactObject;
}

/** A message that can't be read, and where. */
export class Unreadable extends Error {
  readonly problem: EventProblem;

  constructor(message: string, pointer: string, code = 'RECORD_INVALID') {
    super(message);
    this.problem = { severity: 'ERROR', code, message, pointer };
  }
}

/** In a message that is read by itself: more is no payload. */
export const MESSAGE_DEPTH_MAX = 100;

/** In the order of their keys; those of one key stay as they came. */
export function inOrder(attributes: readonly ExactJson[]): readonly ExactJson[] {
  return attributes.toSorted((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
}

function keyOf(attribute: ExactJson): string {
  return (attribute as KeyValue).key ?? '';
}

/** Of a field that is left out then. A message is there or not. */
export function isDefault(value: unknown): boolean {
  return value === '' || value === 0 || value === '0' || value === false;
}

/** What JSON has no number for is a text. */
export function doubleForm(value: number): ExactJson {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}
