/**
 * Events as JSON that Postgres writes and nobody reads again before it stands in an answer. Of a
 * page of 100 events with 7 fields this halves what the driver, the objects, graphql-js and
 * `JSON.stringify` take together, and moves most of the rest out of the gateway's one thread.
 */
import { type SQL, sql } from 'drizzle-orm';
import { encodeCursor } from '../core/cursor.ts';
import { DOORS } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { type ColumnName, columnsOf, rawSql, type SqlText, sqlText } from '../db/columns.ts';
import { events } from '../db/schema.ts';

const e = columnsOf(events, 'e');

/** What stands behind a key: a field of the event, a text, or an object again. */
export type EventJsonValue = EventJsonField | { readonly text: string } | EventJsonShape;
/** The members of an object, in their order. Keys are names of GraphQL. */
export type EventJsonShape = ReadonlyMap<string, EventJsonValue>;

/** Letters as they are, or an expression over `e`, a row of `eventColumns`. */
type Part = { readonly letters: string } | { readonly expression: string };

const letters = (text: string): Part => ({ letters: text });
const expression = (text: string): Part => ({ expression: text });
const inQuotes = (text: string) => [letters('"'), expression(text), letters('"')];

/** Of the definition: `eventColumns` names it so. */
const TYPE = sqlText`e.type`;

const value = (column: ColumnName | SqlText) => [expression(sqlText`to_json(${column})`)];
const valueOrNull = (column: ColumnName) => [
  expression(sqlText`coalesce(to_json(${column}), 'null')`),
];
/** As `Date.toISOString` writes it; sessions run in UTC. */
const iso = (column: ColumnName) => sqlText`to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const instantOrNull = (column: ColumnName) => [
  expression(sqlText`coalesce('"' || ${iso(column)} || '"', 'null')`),
];
const epochMs = (column: ColumnName) => sqlText`(extract(epoch from ${column}) * 1000)::bigint`;
/** Postgres breaks base64 into lines. */
const base64Url = (text: string) =>
  `translate(encode(convert_to(${text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')`;
const DOOR_NAMES = rawSql(
  Object.entries(DOORS)
    .map(([door, number]) => `when ${number} then '${door}'`)
    .join(' '),
);

/** The fields of an event, each by its name in the API. Cursors are made with the prefix of a workspace. */
const FIELDS = {
  id: inQuotes(
    base64Url(
      sqlText`concat('Event:', ${e.workspace_id}, ':', ${e.position}, ':', ${epochMs(e.recorded_at)})`,
    ),
  ),
  eventId: value(e.event_id),
  position: [expression(sqlText`${e.position}`)],
  type: value(TYPE),
  occurredAt: inQuotes(iso(e.occurred_at)),
  recordedAt: inQuotes(iso(e.recorded_at)),
  expiresAt: instantOrNull(e.expires_at),
  redactedAt: instantOrNull(e.redacted_at),
  source: valueOrNull(e.source),
  subject: valueOrNull(e.subject),
  actor: valueOrNull(e.actor),
  description: valueOrNull(e.description),
  icon: valueOrNull(e.icon),
  notify: value(e.notify),
  success: valueOrNull(e.success),
  clientIp: valueOrNull(e.client_ip),
  parentId: valueOrNull(e.parent_id),
  groupId: valueOrNull(e.group_id),
  door: inQuotes(sqlText`case ${e.door} ${DOOR_NAMES} end`),
  payload: [expression(sqlText`${e.payload}`)],
} as const satisfies Record<string, readonly Part[]>;

/** `cursor` is an event's own, `placeInList` that of its place in a list of some order. */
export type EventJsonField = keyof typeof FIELDS | 'cursor' | 'placeInList';

export function isEventJsonField(name: string): name is keyof typeof FIELDS | 'cursor' {
  return name === 'cursor' || Object.hasOwn(FIELDS, name);
}

/** What cursors are made with. */
export interface EventJsonScope {
  /** Of the database. */
  readonly epoch: string;
  readonly orderField: 'POSITION' | 'OCCURRED_AT';
}

/** One text for each row `e` of `eventColumns`. */
export function eventJson(shape: EventJsonShape, scope: EventJsonScope): SQL {
  const texts: string[] = [];
  let run = '';
  for (const part of partsOf(shape, scope)) {
    if ('letters' in part) {
      run += part.letters;
      continue;
    }
    if (run !== '') texts.push(quoted(run));
    texts.push(part.expression);
    run = '';
  }
  return sql.raw(`concat(${[...texts, quoted(run)].join(', ')})`);
}

/** Whether a field stands in it, at whatever depth. */
export function holdsField(shape: EventJsonShape, field: EventJsonField): boolean {
  return [...shape.values()].some(
    each => each === field || (each instanceof Map && holdsField(each, field)),
  );
}

function partsOf(shape: EventJsonShape, scope: EventJsonScope): Part[] {
  const members = [...shape].flatMap(([key, each], index) => [
    letters(`${index === 0 ? '' : ','}"${key}":`),
    ...partsOfValue(each, scope),
  ]);
  return [letters('{'), ...members, letters('}')];
}

function partsOfValue(each: EventJsonValue, scope: EventJsonScope): readonly Part[] {
  if (each === 'cursor') return cursorParts(scope.epoch, 'POSITION');
  if (each === 'placeInList') return cursorParts(scope.epoch, scope.orderField);
  if (typeof each === 'string') return FIELDS[each];
  return 'text' in each ? [letters(JSON.stringify(each.text))] : partsOf(each, scope);
}

/** As `eventCursors` encodes them. */
function cursorParts(epoch: string, orderField: EventJsonScope['orderField']): Part[] {
  const [field, column] =
    orderField === 'POSITION'
      ? (['events.position', e.recorded_at] as const)
      : (['events.occurredAt', e.occurred_at] as const);
  const [name] = Buffer.from(encodeCursor(field, 0, []), 'base64url')
    .toString()
    .split(':');
  const before = rawSql(`'${name}:'`);
  const scope = rawSql(quoted(`:${encodeURIComponent(epoch)}:`));
  return inQuotes(
    base64Url(
      sqlText`concat(${before}, ${e.workspace_id}, ${scope}, ${e.position}, ':', ${epochMs(column)})`,
    ),
  );
}

const LAST_DOOR = Math.max(...Object.values(DOORS));
const FROM = rawSql(`'${String(LIMITS.yearMin).padStart(4, '0')}-01-01'::timestamptz`);
const BEFORE = rawSql(`'${LIMITS.yearMax + 1}-01-01'::timestamptz`);

/** Whether a row `e` holds what this file has no form for: `toStoredEvent` tells what that is. */
export function damagedSql(withPayload: boolean): SQL {
  const faults = [
    'e.type is null',
    sqlText`${e.door} not between 1 and ${LAST_DOOR}`,
    sqlText`${e.occurred_at} < ${FROM} or ${e.occurred_at} >= ${BEFORE}`,
    sqlText`${e.expires_at} >= ${BEFORE}`,
    sqlText`${e.redacted_at} < ${FROM} or ${e.redacted_at} >= ${BEFORE}`,
    ...(withPayload ? [sqlText`jsonb_typeof(${e.payload}) <> 'object'`] : []),
  ];
  return sql.raw(faults.join(' or '));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
