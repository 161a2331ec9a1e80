/**
 * Messages of Segment's HTTP API, and its bounds. Its server looks at little: what is acknowledged
 * and no event is kept aside.
 * @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
import { hash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { GatewayError } from '../../core/errors.ts';
import type { EventProblem } from '../../core/event.ts';
import { writeExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { isNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWithinBytes } from '../../core/text.ts';
import { invalid, isoInstant } from '../value-conversion.ts';

export const CALLS = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type Call = (typeof CALLS)[number];

const KIB = 1_024;
const MESSAGE_BYTES_MAX = 32 * KIB;
const BATCH_BYTES_MAX = 500 * KIB;

export interface Sent {
  /** Whatever came, where it is no object. */
  readonly message: ExactJson;
  /** What tells it from another under the same id: a digest of all but the time of sending. */
  readonly contentId: string;
}

/** The message of a call of its own. @throws GatewayError */
export function readMessage(body: unknown, bytes: number, call: Call): Sent {
  if (bytes > MESSAGE_BYTES_MAX) throw tooLarge();
  return sentOf({ ...objectOf(body), type: call }, NOTHING);
}

/**
 * The messages of a batch, each with the context, the integrations and the time of sending that all
 * have in common.
 * @throws GatewayError
 */
export function readBatch(body: unknown, bytes: number): Iterable<Sent> {
  if (bytes > BATCH_BYTES_MAX) throw tooLarge();
  const { batch, sentAt, context, integrations } = objectOf(body);
  if (!Array.isArray(batch)) {
    throw new GatewayError('BAD_USER_INPUT', 'A batch has a list of messages in "batch".');
  }
  const text = canonicalJson({ context, integrations });
  const isOver =
    batch.length > LIMITS.batchEventsMax || batch.length * text.length > LIMITS.workBytesMax;
  if (isOver) throw tooLarge();
  const digest = hash('sha256', text, 'hex');
  return each(batch as readonly ExactJson[], { sentAt, context, integrations, digest });
}

/** What all messages of a batch have. */
interface Common {
  readonly sentAt?: ExactJson | undefined;
  readonly context?: ExactJson | undefined;
  readonly integrations?: ExactJson | undefined;
  /** Of context and integrations. */
  readonly digest: string;
}

const NOTHING: Common = { digest: '' };

/** One by one, as they are asked for: it takes its time. */
function* each(batch: readonly ExactJson[], common: Common): Generator<Sent> {
  for (const message of batch) yield sentOf(message, common);
}

/** A key has no place in an event. */
function sentOf(value: ExactJson, common: Common): Sent {
  if (!isWithinBytes(writeExact(value), MESSAGE_BYTES_MAX)) throw tooLarge();
  if (!isJsonObject(value)) return { message: value, contentId: digestOf(value, common) };
  const { writeKey: _key, ...own } = value as ExactObject;
  const { sentAt, ...content } = own;
  const contentId = digestOf(content, common);
  const message: Record<string, ExactJson> = content;
  for (const name of ['context', 'integrations'] as const) {
    const all = common[name];
    const ones = content[name];
    if (isJsonObject(all) && (ones === undefined || isJsonObject(ones))) {
      message[name] = { ...(all as ExactObject), ...(ones as ExactObject | undefined) };
    }
  }
  const sent = sentAt ?? common.sentAt;
  if (sent !== undefined) message['sentAt'] = sent;
  return { message, contentId };
}

function digestOf(content: ExactJson, { digest }: Common): string {
  return hash('sha256', `segment ${digest} ${canonicalJson(content)}`, 'hex');
}

/** @throws GatewayError */
function objectOf(body: unknown): ExactObject {
  if (isJsonObject(body)) return body as ExactObject;
  throw new GatewayError('BAD_USER_INPUT', 'The body is no JSON object.');
}

/** Of 400, as this vendor says it. */
function tooLarge(): GatewayError {
  return new GatewayError('BAD_USER_INPUT', 'Exceed payload limit');
}

/** Why a message is no event, or null. */
export function faultOf(message: ExactObject): EventProblem | null {
  const { type, event, userId, anonymousId, groupId, previousId } = message;
  if (!isCall(type)) return invalid(`Expects one of ${CALLS.join(', ')}.`, '/type');
  if (!isId(userId) && !isId(anonymousId)) {
    return invalid('A message needs userId or anonymousId.', '/userId');
  }
  if (type === 'track' && (typeof event !== 'string' || event.trim() === '')) {
    return invalid('A track message needs the name of its event.', '/event');
  }
  if (type === 'group' && !isId(groupId)) {
    return invalid('A group message needs groupId.', '/groupId');
  }
  if (type === 'alias' && !isId(previousId)) {
    return invalid('An alias message needs previousId.', '/previousId');
  }
  const bag = bagOf(type);
  if (message[bag] != null && !isJsonObject(message[bag])) {
    return invalid('Expects an object.', `/${bag}`);
  }
  return faultOfTime(message, 'originalTimestamp') ?? faultOfTime(message, 'timestamp');
}

function faultOfTime(message: ExactObject, name: string): EventProblem | null {
  if (message[name] == null || isoInstant(message[name]) !== null) return null;
  return invalid('Expects an instant in ISO 8601, without a leap second.', `/${name}`);
}

/** Where a call has what it tells. */
export function bagOf(call: Call): 'properties' | 'traits' {
  return call === 'identify' || call === 'group' ? 'traits' : 'properties';
}

export function isCall(value: unknown): value is Call {
  return (CALLS as readonly unknown[]).includes(value);
}

function isId(value: ExactJson | undefined): boolean {
  return isNumber(value) || (typeof value === 'string' && value !== '');
}
