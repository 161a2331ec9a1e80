/**
 * From what a recorder gave to an event that can be stored, or every reason why not. Pure: the
 * clock and the maker of ids come in. Its bounds are such that Postgres accepts whatever passes.
 */
import { isIP } from 'node:net';
import { quoted } from './canonical-json.ts';
import { contentHash } from './content-hash.ts';
import { isEmoji } from './emoji.ts';
import { eventKey } from './event-key.ts';
import type { Door, EventInput, EventProblem, PreparedEvent } from './event.ts';
import { writeExact } from './exact-json.ts';
import { LIMITS } from './limits.ts';
import { checkPayload } from './payload-check.ts';
import {
  canonicalIp,
  isStorableJson,
  isStorableText,
  isWithinBytes,
  TEXT_INVALID,
} from './text.ts';
import { mergeProperties, type MergedProperties } from './typed-properties.ts';

export interface PrepareContext {
  readonly door: Door;
  readonly now: () => Date;
  /** Makes an id for an event that has none: a UUIDv7. */
  readonly newId: () => string;
}

export type Prepared =
  | { readonly event: PreparedEvent; readonly problems: readonly EventProblem[] }
  | { readonly event: null; readonly problems: readonly EventProblem[] };

/** An event, or every problem that keeps it from being one. */
export function prepareEvent(input: EventInput, context: PrepareContext): Prepared {
  const merged = mergeProperties(input.properties ?? []);
  const check = checkPayload(input, merged.members);
  const problems = [
    ...textProblems(input),
    ...valueProblems(input),
    ...wireProblems(input),
    ...check.problems,
    ...merged.problems,
  ];
  if (input.unreadable !== undefined) {
    return { event: null, problems: withUnreadable(input.unreadable, problems) };
  }
  if (problems.length > 0) return { event: null, problems };
  const payload = payloadText(input, merged);
  const beside = bytesOfValues(merged.types);
  if (!isWithinBytes(payload, LIMITS.payloadBytesMax - check.expandedChars - beside)) {
    return { event: null, problems: [payloadTooLarge()] };
  }
  return { event: complete(input, context, payload, merged), problems: [] };
}

/** Of values that are kept beside the payload, since a name has several types. */
function bytesOfValues(types: MergedProperties['types']): number {
  const kept = Object.values(types ?? {}).filter(mark => typeof mark !== 'string');
  return kept.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(kept));
}

/** What could not be read is missing, which is no problem of its own. */
function withUnreadable(
  unreadable: readonly EventProblem[],
  problems: readonly EventProblem[],
): EventProblem[] {
  const places = new Set(unreadable.map(({ pointer }) => pointer));
  return [...unreadable, ...problems.filter(({ pointer }) => !places.has(pointer))];
}

function complete(
  input: EventInput,
  { door, now, newId }: PrepareContext,
  payload: string,
  merged: MergedProperties,
): PreparedEvent {
  const eventId = input.id ?? newId();
  return {
    eventId,
    key: eventKey(eventId),
    hash: contentHash(input),
    type: input.type,
    door,
    occurredAt: input.occurredAt ?? now(),
    expiresAt: input.expiresAt ?? null,
    source: input.source ?? null,
    subject: input.subject ?? null,
    actor: input.actor ?? null,
    description: input.description ?? null,
    icon: input.icon ?? null,
    notify: input.notify ?? false,
    success: input.success ?? null,
    clientIp: input.clientIp == null ? null : canonicalIp(input.clientIp),
    parentId: input.parentId ?? null,
    groupId: input.groupId ?? null,
    payload,
    propertyTypes: merged.types,
    wire: input.wire ?? null,
  };
}

const TEXTS: Readonly<Partial<Record<keyof EventInput, number>>> = {
  id: LIMITS.eventIdBytesMax,
  type: LIMITS.typeBytesMax,
  source: LIMITS.indexedTextBytesMax,
  subject: LIMITS.indexedTextBytesMax,
  actor: LIMITS.indexedTextBytesMax,
  description: LIMITS.descriptionBytesMax,
  icon: LIMITS.indexedTextBytesMax,
  clientIp: LIMITS.indexedTextBytesMax,
  parentId: LIMITS.eventIdBytesMax,
  groupId: LIMITS.indexedTextBytesMax,
};
const TEXT_FIELDS = Object.entries(TEXTS) as [keyof EventInput, number][];

function textProblems(input: EventInput): EventProblem[] {
  const problems: EventProblem[] = [];
  if (input.type.trim() === '') {
    problems.push(problem('TYPE_REQUIRED', 'An event needs a type, such as user.signup.', '/type'));
  }
  if (input.id === '') {
    problems.push(
      problem('ID_EMPTY', 'Leave the id out, or give it at least one character.', '/id'),
    );
  }
  for (const [field, bytesMax] of TEXT_FIELDS) {
    const text = input[field] as string | null | undefined;
    if (text == null) continue;
    if (!isWithinBytes(text, bytesMax)) {
      const message = `Expects at most ${bytesMax} bytes of UTF-8, but got ${Buffer.byteLength(text)}.`;
      problems.push(problem('TEXT_TOO_LONG', message, `/${field}`));
    } else if (!isStorableText(text)) {
      problems.push(problem('TEXT_INVALID', TEXT_INVALID, `/${field}`));
    }
  }
  return problems;
}

function valueProblems(input: EventInput): EventProblem[] {
  const problems: EventProblem[] = [];
  for (const field of ['occurredAt', 'expiresAt'] as const) {
    const instant = input[field];
    if (instant == null || isInRange(instant)) continue;
    const message = `Expects an instant in the years ${LIMITS.yearMin} to ${LIMITS.yearMax}.`;
    problems.push(problem('TIME_OUT_OF_RANGE', message, `/${field}`));
  }
  if (input.clientIp != null && isIP(input.clientIp) === 0) {
    problems.push(problem('IP_INVALID', 'Expects an IPv4 or IPv6 address.', '/clientIp'));
  }
  if (input.icon != null && !isEmoji(input.icon)) {
    problems.push(problem('ICON_INVALID', 'Expects exactly one emoji.', '/icon'));
  }
  return problems;
}

/** What a door keeps of its own beside the payload. */
function wireProblems({ wire }: EventInput): EventProblem[] {
  if (wire == null) return [];
  const text = writeExact(wire);
  if (!isWithinBytes(text, LIMITS.payloadBytesMax)) return [payloadTooLarge()];
  return isStorableJson(text) ? [] : [problem('TEXT_INVALID', TEXT_INVALID, '')];
}

function isInRange(instant: Date): boolean {
  const year = instant.getUTCFullYear();
  return year >= LIMITS.yearMin && year <= LIMITS.yearMax;
}

function payloadText({ payload }: EventInput, { members }: MergedProperties): string {
  const text = payload == null ? '{}' : writeExact(payload);
  if (members.length === 0) return text;
  const parts = [text.slice(0, -1)];
  let comma = text === '{}' ? '' : ',';
  for (const [name, literal] of members) {
    parts.push(comma, quoted(name), ':', literal);
    comma = ',';
  }
  parts.push('}');
  // Joined, a text is one piece: the pieces of one that was added up live on until the flush.
  return parts.join('');
}

function payloadTooLarge(): EventProblem {
  const message = `The payload may have at most ${LIMITS.payloadBytesMax} bytes as JSON, with numbers written without exponents.`;
  return problem('PAYLOAD_TOO_LARGE', message, '/payload');
}

function problem(code: string, message: string, pointer: string): EventProblem {
  return { severity: 'ERROR', code, message, pointer };
}
