/**
 * Which events a timeline shows, by conditions that `EventFilter` has no words for: bounds of
 * texts, event ids, what a door noted, and typed properties, where a list has several values.
 */
import { type SQL, sql } from 'drizzle-orm';
import { GatewayError } from '../core/errors.ts';
import { type Door, DOORS } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { isStorableText } from '../core/text.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { notExpired } from '../db/stored-event.ts';
import { allOf, anyOf, textArray } from './params.ts';
import { comparable, type TypedName, typedValues, valueText } from './typed-values.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');

/** What a value must be. A bound that is null is open; both are inclusive. */
export type Match =
  | { readonly among: readonly string[] }
  | { readonly all: readonly string[] }
  | { readonly from: string | null; readonly to: string | null };

/** ORIGIN is source and subject with a bar between; what is null there is the empty text. */
export type TimelineText =
  'EVENT_ID' | 'SOURCE' | 'SUBJECT' | 'ORIGIN' | 'TYPE' | 'PARENT' | 'GROUP';

export type TimelineCondition =
  | { readonly text: TimelineText; readonly match: Match }
  /** Half open. */
  | { readonly occurredFrom: Date | null; readonly occurredTo: Date | null }
  /** A text that a door noted beside the event; without `match`: that there is none. */
  | { readonly noted: string; readonly door: Door; readonly match: Match | null }
  /** Of any of the values; without `match`: that there is one. Texts of numbers are decimals. */
  | { readonly property: TypedName; readonly match: Match | null }
  | { readonly anyOf: readonly TimelineCondition[] }
  | { readonly allOf: readonly TimelineCondition[] };

/**
 * Over the aliases of `eventSource`. What has expired or was redacted is not shown.
 * @throws GatewayError BAD_USER_INPUT
 */
export function timelineSql(workspaceId: number, conditions: readonly TimelineCondition[]): SQL {
  const walk = { values: 0 };
  const compiled = conditions.map(condition => compile(condition, walk));
  return allOf([
    sql`${e.workspace_id} = ${workspaceId}`,
    notExpired,
    sql`${e.redacted_at} is null`,
    ...compiled,
  ]);
}

interface Walk {
  values: number;
}

const TEXTS: Readonly<Record<TimelineText, SQL>> = {
  EVENT_ID: sql.raw(sqlText`${e.event_id}`),
  SOURCE: sql.raw(sqlText`coalesce(${e.source}, '')`),
  SUBJECT: sql.raw(sqlText`${e.subject}`),
  ORIGIN: sql.raw(sqlText`(coalesce(${e.source}, '') || '|' || coalesce(${e.subject}, ''))`),
  TYPE: sql.raw(sqlText`${d.name}`),
  PARENT: sql.raw(sqlText`${e.parent_id}`),
  GROUP: sql.raw(sqlText`${e.group_id}`),
};

function compile(condition: TimelineCondition, walk: Walk): SQL {
  if ('anyOf' in condition) return anyOf(condition.anyOf.map(each => compile(each, walk)));
  if ('allOf' in condition) return allOf(condition.allOf.map(each => compile(each, walk)));
  count(walk, 1);
  if ('occurredFrom' in condition) return occurred(condition.occurredFrom, condition.occurredTo);
  checkMatch(condition.match, walk);
  if ('text' in condition) return matches(TEXTS[condition.text], condition.match, asText);
  if ('noted' in condition) return noted(condition.noted, condition.door, condition.match);
  return ofProperty(condition.property, condition.match);
}

function occurred(from: Date | null, to: Date | null): SQL {
  const bounds: SQL[] = [];
  if (from !== null) bounds.push(sql`${e.occurred_at} >= ${from}`);
  if (to !== null) bounds.push(sql`${e.occurred_at} < ${to}`);
  return allOf(bounds);
}

function noted(name: string, door: Door, match: Match | null): SQL {
  const value = sql`(case when ${e.door} = ${DOORS[door]}::smallint then ${e.wire} ->> ${name}::text end)`;
  return match === null ? sql`${value} is null` : matches(value, match, asText);
}

function ofProperty(property: TypedName, match: Match | null): SQL {
  if (!isStorableText(property.name)) throw unstorable();
  const has = sql`${e.payload} ? ${property.name}::text`;
  const any = (test: SQL) => sql`exists (select from ${typedValues(property)} where ${test})`;
  if (match === null) return sql`(${has} and ${any(sql`true`)})`;
  const asTyped = (text: SQL) => comparable(property.type, text);
  const test = (each: Match) => any(matches(asTyped(valueText), each, asTyped));
  if ('all' in match) return allOf([has, ...match.all.map(value => test({ among: [value] }))]);
  return sql`(${has} and ${test(match)})`;
}

function matches(value: SQL, match: Match, operand: (text: SQL) => SQL): SQL {
  if ('from' in match) {
    const bounds: SQL[] = [sql`${value} is not null`];
    if (match.from !== null) bounds.push(sql`${value} >= ${operand(sql`${match.from}::text`)}`);
    if (match.to !== null) bounds.push(sql`${value} <= ${operand(sql`${match.to}::text`)}`);
    return allOf(bounds);
  }
  const wanted = 'all' in match ? match.all : match.among;
  const equal = wanted.map(text => sql`${value} = ${operand(sql`${text}::text`)}`);
  if ('all' in match) return allOf(equal);
  if (wanted.length <= 1) return anyOf(equal);
  return sql`${value} in (select ${operand(sql`w`)} from unnest(${textArray(wanted)}) w)`;
}

function asText(text: SQL): SQL {
  return sql`(${text} collate "C")`;
}

function checkMatch(match: Match | null, walk: Walk): void {
  if (match === null) return;
  const texts = 'from' in match ? [match.from, match.to] : 'all' in match ? match.all : match.among;
  count(walk, texts.length);
  if (texts.some(text => text !== null && !isStorableText(text))) throw unstorable();
}

function count(walk: Walk, more: number): void {
  walk.values += more;
  if (walk.values <= LIMITS.filterValuesMax) return;
  const message = `A filter has at most ${LIMITS.filterValuesMax} conditions and values in all.`;
  throw new GatewayError('BAD_USER_INPUT', message);
}

function unstorable(): GatewayError {
  const message = 'A filter expects valid Unicode without the character U+0000.';
  return new GatewayError('BAD_USER_INPUT', message);
}
