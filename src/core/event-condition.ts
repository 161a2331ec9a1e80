/**
 * Which past events a reader returns. GraphQL uses only an `EventFilter`. Doors need further
 * conditions that their vendors have and GraphQL does not.
 */
import type { LogPlace } from './cursor.ts';
import { GatewayError } from './errors.ts';
import type { Door, PropertyType } from './event.ts';
import { checkFilter } from './filter-check.ts';
import type { EventFilter } from './filter.ts';
import { LIMITS } from './limits.ts';
import { isStorableText } from './text.ts';

/** What a value must be. A bound that is null is open; both are inclusive. */
export type ValueMatch =
  | { readonly among: readonly string[] }
  | { readonly all: readonly string[] }
  | { readonly from: string | null; readonly to: string | null };

/** ORIGIN is source and subject with a bar between them. Null counts as the empty text. */
export type EventText = 'EVENT_ID' | 'SOURCE' | 'SUBJECT' | 'ORIGIN' | 'TYPE' | 'PARENT' | 'GROUP';

/** A typed property, as `core/stored-properties.ts` reads it from an event. */
export interface TypedName {
  readonly type: PropertyType;
  readonly name: string;
}

export type EventCondition =
  | EventFilter
  | { readonly allOf: readonly EventCondition[] }
  | { readonly anyOf: readonly EventCondition[] }
  | { readonly redacted: boolean }
  /** Its place in the log: after the first, up to and with the second. */
  | { readonly after: LogPlace; readonly through: LogPlace }
  /** The type contains this text. The case of ASCII letters is ignored. */
  | { readonly typeContains: string }
  /** Words, each found where `EventFilter.search` looks, in the event id or the client's address. */
  | { readonly searchWithIds: string }
  | { readonly text: EventText; readonly match: ValueMatch }
  /** A text that a door noted beside the event. Without `match`: that there is none. */
  | { readonly noted: string; readonly door: Door; readonly match: ValueMatch | null }
  /** Of any of the values. Without `match`: that there is one. Texts of numbers are decimals. */
  | { readonly property: TypedName; readonly match: ValueMatch | null };

/** @throws GatewayError BAD_USER_INPUT */
export function checkCondition(condition: EventCondition | null | undefined): void {
  if (condition != null) checkNode({ values: 0 }, condition);
}

interface Walk {
  /** Conditions and their values so far. */
  values: number;
}

function checkNode(walk: Walk, condition: EventCondition): void {
  if ('allOf' in condition) return condition.allOf.forEach(each => checkNode(walk, each));
  if ('anyOf' in condition) return condition.anyOf.forEach(each => checkNode(walk, each));
  countValues(walk, 1);
  if ('redacted' in condition || 'through' in condition) return;
  if ('typeContains' in condition) return checkSearch(condition.typeContains, 'typeContains');
  if ('searchWithIds' in condition) return checkSearch(condition.searchWithIds, 'search');
  if (!('match' in condition)) return checkFilter(condition);
  if ('property' in condition) checkText(condition.property.name);
  checkMatch(walk, condition.match);
}

function checkSearch(text: string, name: string): void {
  if (text.length <= LIMITS.searchCharsMax && isStorableText(text)) return;
  const expected = `at most ${LIMITS.searchCharsMax} characters of valid Unicode without U+0000`;
  throw new GatewayError('BAD_USER_INPUT', `${name} expects ${expected}.`);
}

function checkMatch(walk: Walk, match: ValueMatch | null): void {
  if (match === null) return;
  const texts = 'from' in match ? [match.from, match.to] : 'all' in match ? match.all : match.among;
  countValues(walk, texts.length);
  for (const text of texts) if (text !== null) checkText(text);
}

function checkText(text: string): void {
  if (isStorableText(text)) return;
  const message = 'A filter expects valid Unicode without the character U+0000.';
  throw new GatewayError('BAD_USER_INPUT', message);
}

function countValues(walk: Walk, more: number): void {
  walk.values += more;
  if (walk.values <= LIMITS.filterValuesMax) return;
  const message = `A filter has at most ${LIMITS.filterValuesMax} conditions and values in all.`;
  throw new GatewayError('BAD_USER_INPUT', message);
}
