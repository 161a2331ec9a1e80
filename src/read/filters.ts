/**
 * A filter as a condition in SQL. For live events `core/filter-matches.ts` says the same, and its
 * head says what a filter means; a property test compares the two on a real Postgres.
 *
 * Where a field is null a condition may be null instead of false: `and`, `or` and `where` make
 * no difference of it, and only `not` has to (`is not true`). So the conditions stay plain
 * enough for the indexes. Every value is a parameter, and the text depends on the filter's shape
 * alone. A single value stands as `=`, since only then an index yields its rows in order.
 */
import { sql, type SQL } from 'drizzle-orm';
import { eventKey } from '../core/event-key.ts';
import { DOORS } from '../core/event.ts';
import { writeExact, type ExactJson } from '../core/exact-json.ts';
import { SEARCH_SEPARATOR, searchWords } from '../core/filter-search.ts';
import { endOfPrefix, isIndex } from '../core/filter-values.ts';
import type { DateTimeRange, EventFilter, PropertyFilter } from '../core/filter.ts';
import { canonicalIp } from '../core/text.ts';
import { columnsOf } from '../db/columns.ts';
import { eventDefinitions, eventKeys, events } from '../db/schema.ts';
import { allOf, anyOf, arrayLiteral, textArray } from '../db/sql-lists.ts';

const e = columnsOf(events, 'e');
const t = columnsOf(eventDefinitions, 't');
const k = columnsOf(eventKeys, 'k');
const d = columnsOf(eventDefinitions, 'd');

/**
 * A condition over the aliases `e` and `d` of `eventSource`, for a filter that `checkFilter` has
 * passed and events of that workspace. Expiry is apart: see `notExpired`.
 */
export function filterSql(filter: EventFilter | null | undefined, workspaceId: number): SQL {
  return filter == null ? sql`true` : allOf(fieldConditions(filter, workspaceId));
}

/** Whether the condition looks at `d`. */
export function isSearching(filter: EventFilter | null | undefined): boolean {
  if (filter == null) return false;
  const inner = [...(filter.and ?? []), ...(filter.or ?? []), filter.not];
  return filter.search != null || inner.some(isSearching);
}

function fieldConditions(filter: EventFilter, workspaceId: number): SQL[] {
  const conditions: SQL[] = [];
  const add = <T>(value: T | null | undefined, compile: (value: T) => SQL) => {
    if (value != null) conditions.push(compile(value));
  };
  const inner = (each: EventFilter) => filterSql(each, workspaceId);
  add(filter.eventIds, ids => withIds(ids, workspaceId));
  add(filter.types, types => typeAmong(types, workspaceId));
  add(filter.typePrefix, prefix => typePrefixed(prefix, workspaceId));
  add(filter.categories, categories => categoryAmong(categories, workspaceId));
  add(filter.sources, values => among(sql`${e.source}`, values));
  add(filter.sourcePrefix, prefix => prefixed(sql`${e.source}`, prefix));
  add(filter.subjects, values => among(sql`${e.subject}`, values));
  add(filter.subjectPrefix, prefix => prefixed(sql`${e.subject}`, prefix));
  add(filter.actors, values => among(sql`${e.actor}`, values));
  add(filter.groupIds, values => among(sql`${e.group_id}`, values));
  add(filter.parentIds, values => among(sql`${e.parent_id}`, values));
  add(filter.doors, doors => {
    const numbers = doors.map(door => DOORS[door]);
    return sql`${e.door} = any(${arrayLiteral(numbers)}::smallint[])`;
  });
  add(filter.notify, notify => sql`${e.notify} = ${notify}`);
  add(filter.success, success => sql`${e.success} = ${success}`);
  add(filter.successUnknown, unknown =>
    unknown ? sql`${e.success} is null` : sql`${e.success} is not null`,
  );
  add(filter.clientIps, ips => among(sql`${e.client_ip}`, ips.map(canonicalIp)));
  add(filter.occurredAt, range => within(sql`${e.occurred_at}`, range));
  add(filter.recordedAt, range => within(sql`${e.recorded_at}`, range));
  filter.payload?.forEach(property => conditions.push(propertyCondition(property)));
  add(filter.search, search => foundAll(searchWords(search)));
  add(filter.and, filters => allOf(filters.map(inner)));
  add(filter.or, filters => anyOf(filters.map(inner)));
  add(filter.not, not => sql`(${inner(not)}) is not true`);
  return conditions;
}

function among(column: SQL, values: readonly string[]): SQL {
  if (values.length === 0) return sql`false`;
  const [value] = values;
  return values.length === 1
    ? sql`${column} = ${value}`
    : sql`${column} = any(${textArray(values)})`;
}

/** By definition id, found once before the events are read, so that the index by definition serves. */
function typeAmong(types: readonly string[], workspaceId: number): SQL {
  if (types.length === 0) return sql`false`;
  if (types.length === 1) {
    return sql`${e.definition_id} = (
      select ${t.id} from event_definitions t where ${t.workspace_id} = ${workspaceId} and ${t.name} = ${types[0]}
    )`;
  }
  return sql`${e.definition_id} = any(array(
    select ${t.id} from event_definitions t
    where ${t.workspace_id} = ${workspaceId} and ${t.name} = any(${textArray(types)})
  ))`;
}

/**
 * By position, found once by the key that dedupe compares: `events` has no index by event id, and
 * every event has such a key.
 */
function withIds(eventIds: readonly string[], workspaceId: number): SQL {
  const [eventId] = eventIds;
  if (eventId === undefined) return sql`false`;
  const keys = sql`select ${k.position} from event_keys k where ${k.workspace_id} = ${workspaceId}`;
  if (eventIds.length === 1) {
    return sql`${e.position} = (${keys} and ${k.key} = ${eventKey(eventId)}::uuid)`;
  }
  const wanted = arrayLiteral(eventIds.map(eventKey));
  return sql`${e.position} = any(array(${keys} and ${k.key} = any(${wanted}::uuid[])))`;
}

function categoryAmong(categories: readonly string[], workspaceId: number): SQL {
  return sql`${e.definition_id} = any(array(
    select ${t.id} from event_definitions t
    where ${t.workspace_id} = ${workspaceId} and ${among(sql`${t.category}`, categories)}
  ))`;
}

/** As a range, which an index yields: `starts_with` yields none where the prefix is a parameter. */
function prefixed(column: SQL, prefix: string): SQL {
  const end = endOfPrefix(prefix);
  const from = sql`${column} >= ${prefix}`;
  return end === null ? from : sql`(${from} and ${column} < ${end})`;
}

function typePrefixed(prefix: string, workspaceId: number): SQL {
  return sql`${e.definition_id} = any(array(
    select ${t.id} from event_definitions t
    where ${t.workspace_id} = ${workspaceId} and starts_with(${t.name}, ${prefix})
  ))`;
}

function within(column: SQL, { from, to }: DateTimeRange): SQL {
  const bounds: SQL[] = [];
  if (from != null) bounds.push(sql`${column} >= ${from}`);
  if (to != null) bounds.push(sql`${column} < ${to}`);
  return allOf(bounds);
}

/**
 * However many words there are, the statement stays short: planning one that is long takes
 * seconds, in which no time limit holds. `all` stops at the first word that is not found.
 */
function foundAll(words: readonly string[]): SQL {
  const [word] = words;
  if (word === undefined) return sql`true`;
  if (words.length === 1) return foundIn(sql`${word}`, sql`${inJson(word)}`);
  const found = foundIn(sql`w.word`, sql`w.escaped`);
  const pairs = sql`unnest(${textArray(words)}, ${textArray(words.map(inJson))})`;
  return sql`true = all (select ${found} from ${pairs} as w (word, escaped))`;
}

/** As it stands in the text of a payload. */
function inJson(word: string): string {
  return JSON.stringify(word).slice(1, -1);
}

/**
 * A word that is in a string, key or number of the payload is also in its text, in the form that
 * JSON escapes it to, which is looked for first. The reverse is not so ("n" is in the escape of a
 * line break), hence the second look at each value.
 */
function foundIn(word: SQL, escaped: SQL): SQL {
  const inPayload = sql`strpos(lower(${e.payload}::text collate "C"), ${escaped}) > 0 and exists (
    select from jsonb_path_query(${e.payload}, 'strict $.**') v
    where jsonb_typeof(v) in ('string', 'number')
      and strpos(lower((v #>> '{}') collate "C"), ${word}) > 0
    union all
    select from jsonb_path_query(${e.payload}, 'strict $.** ? (@.type() == "object").keyvalue().key') k
    where strpos(lower((k #>> '{}') collate "C"), ${word}) > 0
  )`;
  const envelope = sql`concat_ws(${SEARCH_SEPARATOR}::text, ${d.name}, ${e.description}, ${e.source}, ${e.subject}, ${e.actor})`;
  return sql`(strpos(lower(${envelope} collate "C"), ${word}) > 0 or ${inPayload})`;
}

function propertyCondition(property: PropertyFilter): SQL {
  const value = valueAt(property.path);
  const conditions: SQL[] = [];
  const add = <T>(operand: T | undefined, compile: (operand: T) => SQL) => {
    if (operand !== undefined) conditions.push(compile(operand));
  };
  const orders = (operator: SQL) => (operand: ExactJson) => compare(value, operator, operand);
  add(property.equals, operand => sql`${value} = ${writeExact(operand)}::jsonb`);
  add(property.notEquals, operand => sql`${value} <> ${writeExact(operand)}::jsonb`);
  add(property.in ?? undefined, operands => {
    const list = sql`${writeExact(operands)}::jsonb`;
    return sql`${value} = any(array(select jsonb_array_elements(${list})))`;
  });
  add(property.greaterThan, orders(sql`>`));
  add(property.greaterThanOrEqual, orders(sql`>=`));
  add(property.lessThan, orders(sql`<`));
  add(property.lessThanOrEqual, orders(sql`<=`));
  add(property.contains ?? undefined, part =>
    ofText(value, text => sql`strpos(${text}, ${part}) > 0`),
  );
  add(property.startsWith ?? undefined, prefix =>
    ofText(value, text => sql`starts_with(${text}, ${prefix})`),
  );
  add(property.exists ?? undefined, exists =>
    exists ? sql`${value} is not null` : sql`${value} is null`,
  );
  return allOf(conditions);
}

/**
 * SQL null where there is no value. `#>` takes a decimal step as a key or an index, and also "-1",
 * "+1" and "01" as an index: with `->` and a text they are keys alone.
 */
export function valueAt(path: readonly string[]): SQL {
  const steps = path.map(step =>
    isIndex(step) ? sql` #> array[${step}::text]` : sql` -> ${step}::text`,
  );
  return sql`(${e.payload}${sql.join(steps)})`;
}

/** `case` keeps a cast from values of other types, on which it would fail. */
function compare(value: SQL, operator: SQL, operand: ExactJson): SQL {
  if (typeof operand === 'string')
    return ofText(value, text => sql`${text} ${operator} ${operand}`);
  return sql`case when jsonb_typeof(${value}) = 'number'
    then (${value})::numeric ${operator} ${String(operand)}::numeric end`;
}

function ofText(value: SQL, test: (text: SQL) => SQL): SQL {
  const text = sql`((${value} #>> '{}') collate "C")`;
  return sql`case when jsonb_typeof(${value}) = 'string' then ${test(text)} end`;
}
