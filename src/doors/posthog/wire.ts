/**
 * Requests of PostHog's capture API: an event, a list of events, or a batch with its key and the time
 * of sending. Its server refuses a request for its first fault, in the words that stand here.
 * @see https://posthog.com/docs/api/capture
 */
import { hash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { GatewayError } from '../../core/errors.ts';
import type { ExactJson, ExactObject } from '../../core/exact-json.ts';
import { isNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import type { DoorRequest } from '../door.ts';
import { mediaTypeOf } from '../request.ts';
import { isoInstant } from '../value-conversion.ts';

export interface Sent {
  /** Without the key. */
  readonly event: ExactObject;
  readonly sentAt: Date | null;
  /** What tells it from another under the same id: a digest of all but the time of sending. */
  readonly contentId: string;
}

const TOKENS = ['api_key', 'token', '$token'] as const;

/** The body as JSON, as it stands there or in base64, alone or as the field `data` of a form. */
export function bodyOf(request: DoorRequest): unknown {
  if (request.body.length === 0) throw fault('request missing data payload');
  const text = textIn(request);
  if (text === null) return request.json();
  const isJson = /^\s*[[{]/.test(text);
  // A form has a space where base64 has a plus.
  return request.json(
    isJson ? Buffer.from(text) : Buffer.from(text.replaceAll(' ', '+'), 'base64'),
  );
}

/** What is no JSON as it stands; null for what may be. */
function textIn(request: DoorRequest): string | null {
  const { body, query } = request;
  if (mediaTypeOf(request) !== 'application/x-www-form-urlencoded') {
    return query.get('compression') === 'base64' ? body.toString('latin1') : null;
  }
  const data = new URLSearchParams(body.toString()).get('data');
  if (data === null) throw fault('expected form data in POST request payload');
  return data;
}

export const SEVERAL_KEYS = 'batch submitted with inconsistent api_key values';

/** The key of a request, or null. @throws GatewayError for several */
export function keyIn(body: unknown): string | null {
  if (isJsonObject(body)) return tokenOf(body as ExactObject);
  if (!Array.isArray(body)) return null;
  const keys = new Set<string>();
  for (const event of body as readonly ExactJson[]) {
    const key = isJsonObject(event) ? tokenOf(event as ExactObject) : null;
    if (key !== null) keys.add(key);
    if (keys.size > 1) throw new GatewayError('UNAUTHENTICATED', SEVERAL_KEYS);
  }
  return [...keys][0] ?? null;
}

function tokenOf(value: ExactObject): string | null {
  const { properties } = value;
  const within = isJsonObject(properties) ? (properties as ExactObject)['token'] : undefined;
  const found = [...TOKENS.map(name => value[name]), within];
  return (found.find(each => typeof each === 'string' && each !== '') as string) ?? null;
}

/** All events of a request. @throws GatewayError for its first fault */
export function readEvents(body: unknown, query: URLSearchParams): Iterable<Sent> {
  const { events, sentAt } = eventsOf(body);
  if (events.length === 0) throw fault('request holds no event');
  if (events.length > LIMITS.batchEventsMax) {
    const message = `A request has at most ${LIMITS.batchEventsMax} events.`;
    throw new GatewayError('PAYLOAD_TOO_LARGE', message);
  }
  const sent = isoInstant(sentAt) ?? sentByQuery(query);
  return each(events, sent);
}

/** One by one, as they are asked for: it takes its time. */
function* each(events: readonly ExactJson[], sentAt: Date | null): Generator<Sent> {
  for (const event of events) yield sentOf(event, sentAt);
}

function eventsOf(body: unknown): { events: readonly ExactJson[]; sentAt?: ExactJson | undefined } {
  if (Array.isArray(body)) return { events: body as readonly ExactJson[] };
  if (!isJsonObject(body)) throw fault('failed to parse request: expected an event or a list');
  const { batch, sent_at: sentAt } = body as ExactObject;
  if (batch === undefined) return { events: [body as ExactObject], sentAt };
  if (!Array.isArray(batch)) throw fault('failed to parse request: batch is no list');
  return { events: batch as readonly ExactJson[], sentAt };
}

const YEAR_2020_MS = 1_577_836_800_000;
const YEAR_9999_MS = 253_402_300_799_999;

/** In milliseconds, as browsers send it. */
function sentByQuery(query: URLSearchParams): Date | null {
  const ms = Number(query.get('_') ?? NaN);
  return ms > YEAR_2020_MS && ms <= YEAR_9999_MS ? new Date(ms) : null;
}

function sentOf(value: ExactJson, sentAt: Date | null): Sent {
  if (!isJsonObject(value)) throw fault('failed to parse request: an event is an object');
  const { api_key: _a, token: _b, $token: _c, sent_at: _d, ...event } = value as ExactObject;
  const { properties } = event;
  if (isJsonObject(properties) && Object.hasOwn(properties, 'token')) {
    const { token: _e, ...others } = properties as ExactObject;
    (event as Record<string, ExactJson>)['properties'] = others;
  }
  check(event);
  const digest = hash('sha256', `posthog ${canonicalJson(event)}`, 'hex');
  return { event, sentAt, contentId: digest };
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** @throws GatewayError */
function check(sent: ExactObject): void {
  const { event, uuid, properties, timestamp, offset } = sent;
  if (event === '' || event === undefined || event === null) {
    throw fault('event submitted with an empty event name');
  }
  if (typeof event !== 'string') throw fault('failed to parse request: event is no string');
  if (distinctIdOf(sent) === null) throw fault('event submitted without a distinct_id');
  if (uuid != null && uuid !== '' && !(typeof uuid === 'string' && UUID.test(uuid))) {
    throw fault('failed to parse request: uuid is no UUID');
  }
  if (properties != null && !isJsonObject(properties)) {
    throw fault('failed to parse request: properties are no object');
  }
  if (offset != null && !isNumber(offset))
    throw fault('failed to parse request: offset is no number');
  if (timestamp != null && timestamp !== '' && isoInstant(timestamp) === null) {
    throw fault('event submitted with invalid timestamp');
  }
}

const DISTINCT_ID_CHARS_MAX = 200;

/** As text, whatever it is, and cut as the vendor cuts it; null where there is none. */
export function distinctIdOf(sent: ExactObject): string | null {
  const { properties } = sent;
  const within = isJsonObject(properties) ? (properties as ExactObject)['distinct_id'] : null;
  const value = sent['distinct_id'] ?? sent['$distinct_id'] ?? within;
  if (value == null || value === '') return null;
  const text = typeof value === 'string' || isNumber(value) ? String(value) : canonicalJson(value);
  return [...text.slice(0, 2 * DISTINCT_ID_CHARS_MAX)].slice(0, DISTINCT_ID_CHARS_MAX).join('');
}

function fault(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
