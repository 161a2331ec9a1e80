/** HQ's EventFilter → a condition on events. Elements are all to hold. */
import { z } from 'zod';
import type {
  EventCondition,
  EventText,
  TypedName,
  ValueMatch,
} from '../../core/event-condition.ts';
import type { PropertyType } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { invalidParameter } from './errors.ts';
import { parseInstant } from './instant.ts';

/** Numbers come as texts of their digits, see `toPlain`. */
const scalar = z.union([z.string(), z.boolean().transform(String)]).nullish();
const element = z.object({
  property: z.string(),
  value: scalar,
  values: z.array(scalar).max(1_000).optional(),
  operator: z.enum(['AND', 'OR']).optional(),
  from: scalar,
  to: scalar,
});
export const eventFilter = z.object({ elements: z.array(element).max(200).nullish() });
export type FilterElement = z.infer<typeof element>;
export type HqFilter = z.infer<typeof eventFilter>;

/** With `anyOfSame`, elements on one property are alternatives, as in a time series. */
export interface FilterOptions {
  readonly slug: string;
  readonly anyOfSame?: boolean;
}

/** What was redacted is not shown. @throws GatewayError BAD_USER_INPUT */
export function toCondition(
  filter: HqFilter | null | undefined,
  { slug, anyOfSame = false }: FilterOptions,
): EventCondition {
  const elements = filter?.elements ?? [];
  if (!anyOfSame) {
    return { allOf: [NOT_REDACTED, ...elements.map(each => ofElement(each, slug))] };
  }
  const byProperty = new Map<string, EventCondition[]>();
  for (const each of elements) {
    const same = byProperty.get(each.property) ?? [];
    byProperty.set(each.property, [...same, ofElement(each, slug)]);
  }
  return { allOf: [NOT_REDACTED, ...[...byProperty.values()].map(anyOf => ({ anyOf }))] };
}

const NOT_REDACTED: EventCondition = { redacted: false };

const TEXTS: Readonly<Record<string, EventText>> = {
  id: 'EVENT_ID',
  system: 'SOURCE',
  agent_id: 'SUBJECT',
  parent_id: 'PARENT',
  global_id: 'GROUP',
};

function ofElement(element: FilterElement, slug: string): EventCondition {
  const { property } = element;
  const match = matchOf(element);
  const text = Object.hasOwn(TEXTS, property) ? TEXTS[property] : undefined;
  if (text !== undefined) return { text, match };
  switch (property) {
    case 'space':
      return isWithin(slug, match) ? EVERYTHING : NOTHING;
    case 'global_agent_id':
      return { text: 'ORIGIN', match: withoutSpace(match, slug) };
    case 'type':
      return {
        allOf: [
          { text: 'TYPE', match },
          { noted: 'typeless', door: 'LOGSPACE', match: null },
        ],
      };
    case 'marker':
      return { noted: 'marker', door: 'LOGSPACE', match };
    case 'timestamp':
      return occurred(match);
    case 'property_id':
      return hasProperties(match);
    default:
      return ofProperty(propertyOf(property), match);
  }
}

const EVERYTHING: EventCondition = { allOf: [] };
const NOTHING: EventCondition = { anyOf: [] };
const ANY: ValueMatch = { from: null, to: null };

/** A blank value or bound stands for any, as in HQ. */
function matchOf({ property, value, values, operator, from, to }: FilterElement): ValueMatch {
  if (values !== undefined) {
    if (operator === undefined) {
      throw invalidParameter(property, '', 'Several values need the operator OR or AND.');
    }
    const given = values.filter(isGiven);
    if (given.length < values.length && operator === 'OR') return ANY;
    return operator === 'OR' ? { among: given } : { all: given };
  }
  if (isGiven(value)) return { among: [value] };
  return { from: isGiven(from) ? from : null, to: isGiven(to) ? to : null };
}

function isGiven(value: string | null | undefined): value is string {
  return value != null && value.trim() !== '';
}

function isWithin(text: string, match: ValueMatch): boolean {
  if ('among' in match) return match.among.includes(text);
  if ('all' in match) return match.all.every(each => each === text);
  return (match.from === null || text >= match.from) && (match.to === null || text <= match.to);
}

/** The space is this one; of another's agents there is no event here. */
function withoutSpace(match: ValueMatch, slug: string): ValueMatch {
  const prefix = `${slug}|`;
  const own = (ids: readonly string[]) =>
    ids.filter(id => id.startsWith(prefix)).map(id => id.slice(prefix.length));
  if ('among' in match) return { among: own(match.among) };
  if ('all' in match) {
    const all = own(match.all);
    return all.length === match.all.length ? { all } : { among: [] };
  }
  if (match.from === null && match.to === null) return match;
  throw invalidParameter('global_agent_id', match.from ?? match.to ?? '', 'It takes no range.');
}

/** Both ends are inclusive, and times have milliseconds. */
function occurred(match: ValueMatch): EventCondition {
  const until = (text: string) => {
    const to = new Date(instantOf('timestamp', text).getTime() + 1);
    // No event is later.
    return to.getUTCFullYear() > LIMITS.yearMax ? null : to;
  };
  const at = (from: string | null, to: string | null): EventCondition => ({
    occurredAt: {
      from: from === null ? null : instantOf('timestamp', from),
      to: to === null ? null : until(to),
    },
  });
  if ('from' in match) return at(match.from, match.to);
  if ('all' in match) return { allOf: match.all.map(text => at(text, text)) };
  return { anyOf: match.among.map(text => at(text, text)) };
}

function hasProperties(match: ValueMatch): EventCondition {
  const has = (id: string): EventCondition => ({ property: propertyOf(id), match: null });
  if ('all' in match) return { allOf: match.all.map(has) };
  if ('among' in match) return { anyOf: match.among.map(has) };
  if (match.from === null && match.to === null) return EVERYTHING;
  throw invalidParameter('property_id', match.from ?? match.to ?? '', 'It takes no range.');
}

const PROPERTY_ID = /^(boolean|date|double|float|integer|long|string)_property_(.+)$/s;

/**
 * The property of an id such as `double_property_load`.
 * @throws GatewayError BAD_USER_INPUT
 */
export function propertyOf(id: string): TypedName {
  const [, type, name] = PROPERTY_ID.exec(id) ?? [];
  if (type === undefined || name === undefined) {
    throw invalidParameter('property', id, 'There is no such property.');
  }
  return { type: type.toUpperCase() as PropertyType, name };
}

export function propertyId({ type, name }: TypedName): string {
  return `${(type === 'JSON' ? 'STRING' : type).toLowerCase()}_property_${name}`;
}

function ofProperty(property: TypedName, match: ValueMatch): EventCondition {
  const read = (text: string) => operandOf(property, text);
  if ('among' in match) return { property, match: { among: match.among.map(read) } };
  if ('all' in match) return { property, match: { all: match.all.map(read) } };
  if (match.from === null && match.to === null) return { property, match: null };
  const bound = (text: string | null) => (text === null ? null : read(text));
  return { property, match: { from: bound(match.from), to: bound(match.to) } };
}

const DECIMAL =
  /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?$|^(?:NaN|-?Infinity)$/;

function operandOf({ type, name }: TypedName, text: string): string {
  switch (type) {
    case 'DATE':
      return instantOf(name, text).toISOString();
    case 'DOUBLE':
    case 'FLOAT':
    case 'INTEGER':
    case 'LONG':
      if (!DECIMAL.test(text)) throw invalidParameter(name, text, 'It is no number.');
      return text;
    case 'BOOLEAN':
      return text.toLowerCase();
    case 'STRING':
    case 'JSON':
      return text;
  }
}

/** @throws GatewayError BAD_USER_INPUT */
export function instantOf(parameter: string, text: string): Date {
  const instant = parseInstant(text);
  const year = instant?.getUTCFullYear() ?? 0;
  if (instant !== null && year >= 1 && year <= 9_999) return instant;
  throw invalidParameter(parameter, text, 'It is no date such as 2015-05-18T14:07:00.123Z.');
}
