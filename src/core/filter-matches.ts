/**
 * A filter as a predicate over live events. Past events are filtered in SQL (`read/filters.ts`).
 * Both give the same result for every event: a property test compares them on a real Postgres.
 *
 * A field that is null is in no list and equals nothing. A condition on the payload, even
 * `notEquals`, holds only if there is a value; only `exists: false` holds without one. JSON null is
 * a value, which equals null. Numbers compare with numbers by all their digits, texts with texts by
 * code point. Any other pair is unequal, and neither is less or greater.
 */
import { LRUCache } from 'lru-cache';
import type { StoredEvent } from './event.ts';
import { equalsExactly, parseExact, type ExactJson } from './exact-json.ts';
import { compareNumbers, isNumber } from './exact-number.ts';
import { searchableText, searchWords } from './filter-search.ts';
import { compareTexts, valueAt } from './filter-values.ts';
import type { DateTimeRange, EventFilter, PropertyFilter } from './filter.ts';
import { canonicalIp } from './text.ts';

/** Whether the searchable text of the event that is looked at holds a word. */
export type FindsWord = (word: string) => boolean;

/** A caller that searches many events for many words may bring a faster search. */
export type EventPredicate = (event: StoredEvent, finds?: FindsWord) => boolean;

type Condition = (event: StoredEvent, finds: FindsWord) => boolean;

/** The predicate of a filter that `checkFilter` has passed. Expiry is apart: see `isExpired`. */
export function compileFilter(filter: EventFilter | null | undefined): EventPredicate {
  const holds = allOf(filter == null ? [] : compileFields(filter));
  return (event, finds = findsIn(event)) => holds(event, finds);
}

function findsIn(event: StoredEvent): FindsWord {
  let text: string | undefined;
  return word => (text ??= searchableText(event)).includes(word);
}

/** An expired event keeps its place, but no stream shows it. */
export function isExpired(event: StoredEvent, now: Date): boolean {
  return event.expiresAt !== null && event.expiresAt <= now;
}

type TextOf = (event: StoredEvent) => string | null;

/** Filters by a list of what a text may be. */
const LISTS = {
  eventIds: event => event.eventId,
  types: event => event.type,
  categories: event => event.category,
  sources: event => event.source,
  subjects: event => event.subject,
  actors: event => event.actor,
  groupIds: event => event.groupId,
  parentIds: event => event.parentId,
  doors: event => event.door,
} as const satisfies Partial<Record<keyof EventFilter, TextOf>>;

/** Filters by what a text begins with. */
const PREFIXES = {
  typePrefix: event => event.type,
  sourcePrefix: event => event.source,
  subjectPrefix: event => event.subject,
} as const satisfies Partial<Record<keyof EventFilter, TextOf>>;

function compileFields(filter: EventFilter): Condition[] {
  const conditions: Condition[] = [];
  const add = <T>(value: T | null | undefined, compile: (value: T) => Condition) => {
    if (value != null) conditions.push(compile(value));
  };
  for (const [name, textOf] of entriesOf(LISTS)) {
    add<readonly string[]>(filter[name], values => isAmong(values, textOf));
  }
  for (const [name, textOf] of entriesOf(PREFIXES)) {
    add(filter[name], prefix => event => textOf(event)?.startsWith(prefix) === true);
  }
  add(filter.notify, notify => event => event.notify === notify);
  add(filter.success, success => event => event.success === success);
  add(filter.successUnknown, unknown => event => (event.success === null) === unknown);
  add(filter.clientIps, ips => isAmong(ips.map(canonicalIp), event => event.clientIp));
  add(filter.occurredAt, range => event => isWithin(range, event.occurredAt));
  add(filter.recordedAt, range => event => isWithin(range, event.recordedAt));
  filter.payload?.forEach(property => conditions.push(compileProperty(property)));
  add(filter.search, compileSearch);
  add(filter.and, filters => allOf(filters.map(each => allOf(compileFields(each)))));
  add(filter.or, filters => anyOf(filters.map(each => allOf(compileFields(each)))));
  add(filter.not, inner => negate(allOf(compileFields(inner))));
  return conditions;
}

function entriesOf<Name extends string>(table: Readonly<Record<Name, TextOf>>): [Name, TextOf][] {
  return Object.entries(table) as [Name, TextOf][];
}

function isAmong(values: readonly string[], textOf: TextOf): Condition {
  const set = new Set<string | null>(values);
  return event => set.has(textOf(event));
}

const allOf =
  (conditions: readonly Condition[]): Condition =>
  (event, finds) =>
    conditions.every(holds => holds(event, finds));

const anyOf =
  (conditions: readonly Condition[]): Condition =>
  (event, finds) =>
    conditions.some(holds => holds(event, finds));

const negate =
  (holds: Condition): Condition =>
  (event, finds) =>
    !holds(event, finds);

function isWithin({ from, to }: DateTimeRange, instant: Date): boolean {
  return (from == null || instant >= from) && (to == null || instant < to);
}

function compileSearch(search: string): Condition {
  const words = searchWords(search);
  return (_event, finds) => words.every(finds);
}

type ValuePredicate = (value: ExactJson | undefined) => boolean;

function compileProperty(property: PropertyFilter): EventPredicate {
  const conditions = compileOperators(property);
  return event => {
    const value = valueAt(exactPayload(event), property.path);
    return conditions.every(holds => holds(value));
  };
}

function compileOperators(property: PropertyFilter): ValuePredicate[] {
  const conditions: ValuePredicate[] = [];
  const add = <T>(operand: T | undefined, compile: (operand: T) => ValuePredicate) => {
    if (operand !== undefined) conditions.push(compile(operand));
  };
  const orders = (fits: (order: number) => boolean) => (operand: ExactJson) => {
    return (value: ExactJson | undefined) => {
      const order = compareValues(value, operand);
      return order !== null && fits(order);
    };
  };
  const isText = (test: (text: string) => boolean) => (value: ExactJson | undefined) =>
    typeof value === 'string' && test(value);
  const { contains, startsWith, exists } = property;

  add(property.equals, operand => value => isEqual(value, operand));
  add(
    property.notEquals,
    operand => value => value !== undefined && !equalsExactly(value, operand),
  );
  add(
    property.in ?? undefined,
    operands => value => operands.some(operand => isEqual(value, operand)),
  );
  add(
    property.greaterThan,
    orders(order => order > 0),
  );
  add(
    property.greaterThanOrEqual,
    orders(order => order >= 0),
  );
  add(
    property.lessThan,
    orders(order => order < 0),
  );
  add(
    property.lessThanOrEqual,
    orders(order => order <= 0),
  );
  add(contains ?? undefined, part => isText(text => text.includes(part)));
  add(startsWith ?? undefined, prefix => isText(text => text.startsWith(prefix)));
  add(exists ?? undefined, wanted => value => (value !== undefined) === wanted);
  return conditions;
}

function isEqual(value: ExactJson | undefined, operand: ExactJson): boolean {
  return value !== undefined && equalsExactly(value, operand);
}

/** Null where the two have no order. */
function compareValues(value: ExactJson | undefined, operand: ExactJson): number | null {
  if (typeof value === 'string' && typeof operand === 'string') return compareTexts(value, operand);
  if (isNumber(value) && isNumber(operand)) return compareNumbers(value, operand);
  return null;
}

/** A parsed payload takes about ten times its bytes, so few are kept. */
const PAYLOADS_CHARS_MAX = 2_097_152;
const payloads = new LRUCache<StoredEvent, { readonly parsed: ExactJson }>({
  maxSize: PAYLOADS_CHARS_MAX,
});

/** Many streams need the payload of an event at about the same time, so it is parsed once. */
function exactPayload(event: StoredEvent): ExactJson {
  const known = payloads.get(event);
  if (known !== undefined) return known.parsed;
  const { payload } = event;
  // A small one weighs more than its text.
  const parsed = parseExact(payload);
  payloads.set(event, { parsed }, { size: payload.length + 100 });
  return parsed;
}
