/**
 * The protobuf format of OTLP. The library reads what stands on the wire; the walk over it is
 * here, since its own makes an object of each message before anybody has counted them, and puts
 * U+FFFD in the place of what is not UTF-8.
 */
import protobuf from 'protobufjs/minimal.js';
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';
import { createTally, type Tally } from './tally.ts';
import {
  doubleForm,
  inOrder,
  isDefault,
  MESSAGE_DEPTH_MAX,
  REQUEST,
  Unreadable,
  type Field,
  type Format,
  type Kind,
  type LogsRequest,
  type Message,
  type Unread,
} from './wire.ts';

type Reader = protobuf.Reader;

export const PROTOBUF = 'application/x-protobuf';

export function protobufFormat(body: Buffer): Format {
  return {
    contentType: PROTOBUF,
    readRequest: () => readWhole(body, REQUEST) as unknown as LogsRequest,
    read: (unread, of) => readWhole(unread, of) as ExactObject,
  };
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const BYTES = 2;
const FOUR_BYTES = 5;

const WIRE_TYPES: Readonly<Record<Kind, number>> = {
  string: BYTES,
  bytes: BYTES,
  hex: BYTES,
  message: BYTES,
  unread: BYTES,
  bool: VARINT,
  int32: VARINT,
  uint32: VARINT,
  int64: VARINT,
  fixed64: EIGHT_BYTES,
  double: EIGHT_BYTES,
  fixed32: FOUR_BYTES,
};

type Value = ExactJson | Uint8Array | readonly Value[] | { readonly [name: string]: Value };
type Members = Record<string, Value>;

function readWhole(bytes: Unread, of: Message): Members {
  const reader = protobuf.Reader.create(bytes as Uint8Array);
  try {
    return readMessage(reader, { of, end: reader.len, depth: 0, tally: createTally() }, {});
  } catch (error) {
    if (error instanceof Unreadable || error instanceof GatewayError) throw error;
    // What the library throws of bytes that are none; anything else is a fault of ours.
    const isOfBytes = error instanceof RangeError || (error as Error).constructor === Error;
    if (!isOfBytes) throw error;
    throw new Unreadable('The bytes are not a protobuf message of OTLP.', '');
  }
}

interface Place {
  readonly of: Message;
  /** Where it ends. */
  readonly end: number;
  readonly depth: number;
  readonly tally: Tally;
}

/** What came of a message before is merged with the rest of it. */
function readMessage(reader: Reader, place: Place, members: Members): Members {
  const { of, end, depth, tally } = place;
  tally.count(of);
  if (depth > MESSAGE_DEPTH_MAX) {
    throw new Unreadable(`Messages may be nested ${MESSAGE_DEPTH_MAX} deep.`, '');
  }
  while (reader.pos < end) {
    const tag = reader.tag();
    const field = of.byNumber.get(tag >>> 3);
    const wireType = tag & 7;
    if (field === undefined || WIRE_TYPES[field.kind] !== wireType) {
      // Of a newer version.
      reader.skipType(wireType, depth, tag >>> 3);
    } else if (field.isList === true) {
      const values = (members[field.name] ??= []) as Value[];
      if (field.kind === 'unread') tally.countRecord();
      values.push(readField(reader, field, place, {}));
    } else {
      const before = (members[field.name] ?? {}) as Members;
      if (of.isOneOf === true) clear(members, field.name);
      const value = readField(reader, field, place, before);
      if (of.isOneOf === true || !isDefault(value)) members[field.name] = value;
      else Reflect.deleteProperty(members, field.name);
    }
  }
  if (reader.pos !== end) throw new RangeError('a part of it ends behind its end');
  for (const { name, of: part, isList } of of.fields) {
    const values = members[name];
    if (isList === true && values !== undefined && part?.().isKeyed === true) {
      members[name] = inOrder(values as readonly ExactJson[]);
    }
  }
  return members;
}

function clear(members: Members, except: string): void {
  for (const name of Object.keys(members)) {
    if (name !== except) Reflect.deleteProperty(members, name);
  }
}

function readField(reader: Reader, field: Field, place: Place, before: Members): Value {
  switch (field.kind) {
    case 'string':
      return utf8Text(reader.bytes());
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'hex':
      return Buffer.from(reader.bytes()).toString('hex');
    case 'bool':
      return reader.bool();
    case 'int32':
      return reader.int32();
    case 'uint32':
      return reader.uint32();
    case 'fixed32':
      return reader.fixed32();
    case 'int64':
      return String(reader.int64());
    case 'fixed64':
      return String(reader.fixed64());
    case 'double':
      return doubleForm(reader.double());
    case 'unread':
      return reader.bytes();
    case 'message': {
      const of = (field.of as () => Message)();
      const length = reader.size();
      const part = { of, end: reader.pos + length, depth: place.depth + 1, tally: place.tally };
      if (part.end > place.end) throw new RangeError('a part of it ends behind its end');
      return readMessage(reader, part, before);
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Unreadable('A text must be UTF-8.', '', 'TEXT_INVALID');
  }
}

export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** An ExportLogsServiceResponse. */
export function writeResponse(partial: PartialSuccess | null): Buffer {
  const writer = protobuf.Writer.create();
  if (partial !== null) {
    writer.uint32(tagOf(1, BYTES)).fork();
    if (partial.rejected > 0) writer.uint32(tagOf(1, VARINT)).int64(partial.rejected);
    writer.uint32(tagOf(2, BYTES)).string(partial.message).ldelim();
  }
  return Buffer.from(writer.finish());
}

/** A google.rpc.Status. */
export function writeStatus(code: number, message: string): Buffer {
  const writer = protobuf.Writer.create();
  writer.uint32(tagOf(1, VARINT)).int32(code);
  writer.uint32(tagOf(2, BYTES)).string(message);
  return Buffer.from(writer.finish());
}

function tagOf(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
