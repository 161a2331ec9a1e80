/** Conversions that several doors share. Pure. */
import { get } from 'node-emoji';
import { isIP } from 'node:net';
import type { EventProblem } from '../core/event.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { isNumber } from '../core/exact-number.ts';
import { LIMITS } from '../core/limits.ts';
import { canonicalIp, isWithinBytes } from '../core/text.ts';
import { parseInstant } from './request.ts';

/** Stands for an id that the gateway makes, since it differs from every id that came. */
export const MADE = 'made';

/** A text that fits an indexed column, or null. A number becomes its digits. */
export function indexable(value: ExactJson | undefined): string | null {
  const text = isNumber(value) ? String(value) : value;
  if (typeof text !== 'string' || text === '') return null;
  return isWithinBytes(text, LIMITS.indexedTextBytesMax) ? text : null;
}

/** An address, in the form that is stored, or null for any other value. */
export function addressIn(value: ExactJson | undefined): string | null {
  return typeof value === 'string' && isIP(value) !== 0 ? canonicalIp(value) : null;
}

/** Of an emoji itself, or of its name with or without colons. */
export function emojiOf(icon: string): string {
  const name = /^:?([\w+-]+):?$/.exec(icon)?.[1];
  return (name === undefined ? undefined : get(name)) ?? icon;
}

/**
 * The instant of a text in ISO 8601: as `parseInstant`, and also without a zone, which is UTC, or a
 * date alone. Null for any other value.
 */
export function isoInstant(value: ExactJson | undefined): Date | null {
  if (typeof value !== 'string') return null;
  const text = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00` : value.replace(' ', 'T');
  return parseInstant(text) ?? parseInstant(`${text}Z`);
}

/**
 * When something happened, if the sender's clock may be wrong. It happened as long before the request
 * arrived as, by the sender's clock, before the request was sent.
 */
export function byOurClock(happened: Date, sent: Date | null, receivedMs: number): Date {
  if (sent === null) return happened;
  return new Date(receivedMs - (sent.getTime() - happened.getTime()));
}

/** Why a message is not a valid event. It goes to quarantine with this reason. */
export function invalid(message: string, pointer: string): EventProblem {
  return { severity: 'ERROR', code: 'MESSAGE_INVALID', message, pointer };
}
