/** An `EventCondition` in SQL: what readers of the past put behind `where`. */
import { type SQL, sql } from 'drizzle-orm';
import {
  checkCondition,
  type EventCondition,
  type EventText,
  type TypedName,
  type ValueMatch,
} from '../core/event-condition.ts';
import { type Door, DOORS } from '../core/event.ts';
import { searchWords } from '../core/filter-search.ts';
import type { EventFilter } from '../core/filter.ts';
import { canonicalIp } from '../core/text.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { allOf, anyOf, textArray } from '../db/sql-lists.ts';
import { allEvents, countedEventsOf, notExpired } from '../db/stored-event.ts';
import { filterSql } from './filters.ts';
import { comparable, typedValues, valueText } from './typed-values.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const t = columnsOf(eventDefinitions, 't');

/**
 * Whether an event of a workspace is shown and meets the condition: over the aliases of
 * `eventSource`, or of `sourceOf`. Expired events are never shown.
 * @throws GatewayError BAD_USER_INPUT
 */
export function shownSql(workspaceId: number, condition: EventCondition | null | undefined): SQL {
  checkCondition(condition);
  const conditions = [sql`${e.workspace_id} = ${workspaceId}`, notExpired];
  if (condition != null) conditions.push(compile(condition, workspaceId));
  return allOf(conditions);
}

/**
 * What `shownSql` needs to read from where no column of an event's definition is selected. Only
 * few conditions look at those. `from` yields events as `e`. Without the join Postgres reads a workspace at once, not type by
 * type, and with several workers.
 */
export function sourceOf(condition: EventCondition | null | undefined, from: SQL = allEvents): SQL {
  return condition != null && needsDefinition(condition) ? countedEventsOf(from) : from;
}

function needsDefinition(condition: EventCondition): boolean {
  if ('allOf' in condition) return condition.allOf.some(needsDefinition);
  if ('anyOf' in condition) return condition.anyOf.some(needsDefinition);
  if ('searchWithIds' in condition) return true;
  if ('text' in condition) return condition.text === 'TYPE';
  return isFilter(condition) && searches(condition);
}

function searches({ search, and, or, not }: EventFilter): boolean {
  if (search != null || (not != null && searches(not))) return true;
  return [...(and ?? []), ...(or ?? [])].some(searches);
}

/** Whether it is a filter as GraphQL has it. */
export function isFilter(condition: EventCondition): condition is EventFilter {
  return !DOOR_KEYS.some(key => key in condition);
}

const DOOR_KEYS = [
  ...['allOf', 'anyOf', 'redacted', 'through', 'typeContains', 'searchWithIds', 'match'],
] as const;

function compile(condition: EventCondition, workspaceId: number): SQL {
  if ('allOf' in condition) return allOf(condition.allOf.map(each => compile(each, workspaceId)));
  if ('anyOf' in condition) return anyOf(condition.anyOf.map(each => compile(each, workspaceId)));
  if ('redacted' in condition) {
    return condition.redacted ? sql`${e.redacted_at} is not null` : sql`${e.redacted_at} is null`;
  }
  if ('through' in condition) {
    const { after, through } = condition;
    return sql`(${e.position} > ${after.position} and ${e.recorded_at} >= ${after.recordedAt}
      and ${e.position} <= ${through.position} and ${e.recorded_at} <= ${through.recordedAt})`;
  }
  if ('typeContains' in condition) return typeContaining(condition.typeContains, workspaceId);
  if ('searchWithIds' in condition) {
    const words = searchWords(condition.searchWithIds);
    return allOf(words.map(word => foundWithIds(word, workspaceId)));
  }
  if ('text' in condition) return matches(TEXTS[condition.text], condition.match, asText);
  if ('noted' in condition) return noted(condition.noted, condition.door, condition.match);
  if ('property' in condition) return ofProperty(condition.property, condition.match);
  return filterSql(condition, workspaceId);
}

function typeContaining(part: string, workspaceId: number): SQL {
  return sql`${e.definition_id} = any(array(
    select ${t.id} from event_definitions t
    where ${t.workspace_id} = ${workspaceId} and ${containsType(part)}
  ))`;
}

/** Of a definition `t`. */
export function containsType(part: string): SQL {
  return sql`strpos(lower(${t.name} collate "C"), lower(${part}::text collate "C")) > 0`;
}

function foundWithIds(word: string, workspaceId: number): SQL {
  return sql`(${filterSql({ search: word }, workspaceId)}
    or strpos(lower(${e.event_id}), ${word}) > 0
    or strpos(lower(${e.client_ip}), ${canonicalIp(word)}) > 0)`;
}

const TEXTS: Readonly<Record<EventText, SQL>> = {
  EVENT_ID: sql.raw(sqlText`${e.event_id}`),
  SOURCE: sql.raw(sqlText`coalesce(${e.source}, '')`),
  SUBJECT: sql.raw(sqlText`${e.subject}`),
  ORIGIN: sql.raw(sqlText`(coalesce(${e.source}, '') || '|' || coalesce(${e.subject}, ''))`),
  TYPE: sql.raw(sqlText`${d.name}`),
  PARENT: sql.raw(sqlText`${e.parent_id}`),
  GROUP: sql.raw(sqlText`${e.group_id}`),
};

function noted(name: string, door: Door, match: ValueMatch | null): SQL {
  const value = sql`(case when ${e.door} = ${DOORS[door]}::smallint then ${e.wire} ->> ${name}::text end)`;
  return match === null ? sql`${value} is null` : matches(value, match, asText);
}

function ofProperty(property: TypedName, match: ValueMatch | null): SQL {
  const has = sql`${e.payload} ? ${property.name}::text`;
  const any = (test: SQL) => sql`exists (select from ${typedValues(property)} where ${test})`;
  if (match === null) return sql`(${has} and ${any(sql`true`)})`;
  const asTyped = (text: SQL) => comparable(property.type, text);
  const test = (each: ValueMatch) => any(matches(asTyped(valueText), each, asTyped));
  if ('all' in match) return allOf([has, ...match.all.map(value => test({ among: [value] }))]);
  return sql`(${has} and ${test(match)})`;
}

function matches(value: SQL, match: ValueMatch, operand: (text: SQL) => SQL): SQL {
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
