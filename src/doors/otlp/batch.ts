/** The log records of a request, each with its resource and scope, as events to be recorded. */
import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { canonicalJson } from '../../core/canonical-json.ts';
import { GatewayError } from '../../core/errors.ts';
import type { EventInput, EventProblem } from '../../core/event.ts';
import type { ExactObject } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import { decode, type PlacedRecord } from './translate.ts';
import {
  LOG_RECORD,
  RESOURCE,
  SCOPE,
  Unreadable,
  type Format,
  type LogsRequest,
  type Message,
  type Unread,
} from './wire.ts';

export interface Batch {
  readonly events: readonly EventInput[];
  /** Of each: a JSON Pointer into the request. */
  readonly places: readonly string[];
}

/** What is decoded before others have their turn. */
const BYTES_AT_ONCE = 1_048_576;

/**
 * A record that can't be read is an event that is refused, and so is each one of a resource or
 * scope that can't be.
 * @throws GatewayError BAD_REQUEST for a request that can't be read, PAYLOAD_TOO_LARGE
 */
export async function readBatch(format: Format): Promise<Batch> {
  const events: EventInput[] = [];
  const places: string[] = [];
  let bytes = 0;
  let bytesInTurn = 0;
  for (const { record, around, pointer } of recordsIn(format)) {
    const read = readPart(format, record, LOG_RECORD);
    bytes += read.text.length + around.bytes;
    bytesInTurn += read.text.length + around.bytes;
    if (bytes > LIMITS.workBytesMax) throw unfoldsTooFar();
    events.push(eventOf(around, read, events.length));
    places.push(pointer);
    if (bytesInTurn < BYTES_AT_ONCE) continue;
    bytesInTurn = 0;
    await nextTurn();
  }
  return { events, places };
}

/** A part of a request that was read by itself. */
interface Part {
  readonly value: ExactObject;
  readonly text: string;
  /** Why it could not be read, or null. */
  readonly problem: EventProblem | null;
}

/** What records have in common. */
interface Around {
  readonly common: PlacedRecord;
  readonly bytes: number;
  /** Of all of it. */
  readonly digest: string;
  readonly problem: EventProblem | null;
}

interface Placed {
  readonly record: Unread;
  readonly around: Around;
  readonly pointer: string;
}

function* recordsIn(format: Format): Generator<Placed> {
  const { resourceLogs = [] } = readRequest(format);
  for (const [r, { resource, schemaUrl: resourceSchemaUrl, scopeLogs = [] }] of entries(
    resourceLogs,
  )) {
    const ofResource =
      resource === undefined ? null : readPart(format, resource, RESOURCE, '/resource');
    for (const [s, { scope, schemaUrl: scopeSchemaUrl, logRecords = [] }] of entries(scopeLogs)) {
      const ofScope = scope === undefined ? null : readPart(format, scope, SCOPE, '/scope');
      const around = aroundOf(ofResource, ofScope, { resourceSchemaUrl, scopeSchemaUrl });
      for (const [l, record] of entries(logRecords)) {
        const pointer = `/resourceLogs/${r}/scopeLogs/${s}/logRecords/${l}`;
        yield { record, around, pointer };
      }
    }
  }
}

function entries<T>(list: readonly T[]): Iterable<[number, T]> {
  return list.entries();
}

function readRequest(format: Format): LogsRequest {
  try {
    return format.readRequest();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { pointer, message } = error.problem;
    throw new GatewayError('BAD_REQUEST', pointer === '' ? message : `${pointer}: ${message}`);
  }
}

function readPart(format: Format, unread: Unread, of: Message, within = ''): Part {
  try {
    if (unread instanceof Uint8Array && unread.length > PART_BYTES_MAX) throw tooLarge();
    const value = format.read(unread, of);
    return { value, text: canonicalJson(value), problem: null };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const problem = { ...error.problem, pointer: within + error.problem.pointer };
    return { value: {}, text: '', problem };
  }
}

function aroundOf(
  resource: Part | null,
  scope: Part | null,
  urls: Readonly<Record<'resourceSchemaUrl' | 'scopeSchemaUrl', string | undefined>>,
): Around {
  const common: PlacedRecord = {
    ...(resource === null ? {} : { resource: resource.value }),
    ...(scope === null ? {} : { scope: scope.value }),
    ...Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== undefined)),
  };
  const text = canonicalJson(common);
  const problem = resource?.problem ?? scope?.problem ?? null;
  return { common, bytes: text.length, digest: hash('sha256', text, 'hex'), problem };
}

/** A retry is the same record at the same place: all of it makes the id, whatever its format. */
function eventOf(around: Around, { value, text, ...part }: Part, place: number): EventInput {
  const problem = part.problem ?? around.problem;
  if (problem !== null) return { type: '', unreadable: [problem] };
  const id = `otlp-${hash('sha256', `${around.digest} ${place} ${text}`, 'hex')}`;
  return decode({ ...value, ...around.common }, id);
}

/** What has more has no place in an event: it is not even looked into. */
const PART_BYTES_MAX = 2 * LIMITS.payloadBytesMax;

function tooLarge(): Unreadable {
  return new Unreadable(`It has more than ${PART_BYTES_MAX} bytes.`, '', 'PAYLOAD_TOO_LARGE');
}

function unfoldsTooFar(): GatewayError {
  const message = `The log records of a request, each with its resource and scope, may have at most ${LIMITS.workBytesMax} bytes as JSON.`;
  return new GatewayError('PAYLOAD_TOO_LARGE', message);
}
