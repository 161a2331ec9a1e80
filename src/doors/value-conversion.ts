/** What several translations do in the same way. Pure. */
import { get } from 'node-emoji';
import { isIP } from 'node:net';
import type { EventProblem } from '../core/event.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { isNumber } from '../core/exact-number.ts';
import { LIMITS } from '../core/limits.ts';
import { canonicalIp, isWithinBytes } from '../core/text.ts';
import { parseInstant } from './request.ts';

/** In place of an id that the gateway makes: it differs from whatever came. */
export const MADE = 'made';

/** A text that a column with an index takes, or null. A number counts as its digits. */
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
 * When something happened whose time was read from a clock that may be wrong: as long before the
 * request came as it was before the request was sent, by the same clock.
 */
export function byOurClock(happened: Date, sent: Date | null, receivedMs: number): Date {
  if (sent === null) return happened;
  return new Date(receivedMs - (sent.getTime() - happened.getTime()));
}

/** Why a message is no event: it is kept aside for it. */
export function invalid(message: string, pointer: string): EventProblem {
  return { severity: 'ERROR', code: 'MESSAGE_INVALID', message, pointer };
}
