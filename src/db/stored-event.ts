/**
 * How a row of `events` becomes a `StoredEvent`: the one select list and the one decoder, for
 * pages and streams alike. `recorded_at` bounds which partitions are read.
 */
import { sql, type SQL } from 'drizzle-orm';
import { DOORS, type Door, type EventProblem, type StoredEvent } from '../core/event.ts';
import type { Json } from '../core/json.ts';
import {
  contentProblem,
  doorUnknown,
  isShownInstant,
  PAYLOAD_NO_OBJECT,
  readPropertyTypes,
  timeOutOfRange,
  TYPE_UNKNOWN,
  type ContentFault,
} from '../core/unreadable.ts';
import { columnsOf, sqlText, type Row } from './columns.ts';
import { eventDefinitions, events } from './schema.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const t = columnsOf(eventDefinitions, 't');

/** As the driver gives it: instants as `Date`, jsonb as text. */
export interface EventRow extends Omit<Row<typeof events>, 'payload' | 'expired_at'> {
  /** Null where the definition is missing. */
  type: string | null;
  category: string | null;
  /** Null where it was not asked for, or could not be read. */
  payload: string | null;
  /** Of the payload, which may be compressed: of `headColumns` alone. */
  stored_bytes?: number;
  /** Why the content is missing: see `event-rows.ts`. */
  fault?: ContentFault;
}

const HEAD = sqlText`${e.workspace_id}, ${e.position}, ${e.recorded_at}, ${e.occurred_at}, ${e.expires_at}, ${e.redacted_at}, ${e.definition_id}, ${d.name} as type, ${d.category}, ${e.door}, ${e.notify}, ${e.success}, ${e.event_id}, ${e.source}, ${e.subject}, ${e.actor}, ${e.description}, ${e.icon}, ${e.client_ip}, ${e.parent_id}, ${e.group_id}`;

/** Over the aliases of `eventSource`. */
export const eventColumns = sql.raw(sqlText`${HEAD}, ${e.payload}, ${e.property_types}, ${e.wire}`);

/** The same columns without the content, which is not read, but for its size in the table. */
export const headColumns = sql.raw(
  `${HEAD}, null::jsonb as payload, null::jsonb as property_types, null::jsonb as wire, pg_column_size(${e.payload}) as stored_bytes`,
);

/**
 * What `eventColumns` and filters speak of: `e` the event, `d` its definition. For reads of few
 * events: the definition is looked up for each (`offset 0` fences it off). `from` yields events as `e`. Of a join the planner
 * thinks that it leaves few rows, and reads the events of a workspace type by type to find them.
 * An event without a definition is damaged, and is shown.
 */
export const eventSourceOf = (from: SQL): SQL => sql`${from} ${EACH_DEFINED}`;

const EACH_DEFINED = sql.raw(
  sqlText`left join lateral (select ${t.name}, ${t.category} from event_definitions t where ${t.workspace_id} = ${e.workspace_id} and ${t.id} = ${e.definition_id} offset 0) d on true`,
);

/** All events. */
export const allEvents = sql.raw('events e');
export const eventSource = eventSourceOf(allEvents);

/** The same for what reads many and yields none of them: counts and measures. */
export const countedEventsOf = (from: SQL): SQL => sql`${from} ${DEFINED}`;

const DEFINED = sql.raw(
  sqlText`join event_definitions d on ${d.workspace_id} = ${e.workspace_id} and ${d.id} = ${e.definition_id}`,
);
export const countedEvents = countedEventsOf(allEvents);

/** An expired event keeps its place, but no read shows it. */
export const notExpired = sql.raw(sqlText`(${e.expires_at} is null or ${e.expires_at} > now())`);

const DOOR_OF = new Map(
  (Object.entries(DOORS) as [Door, number][]).map(([door, number]) => [number, door]),
);

/** @throws RangeError for a number that no door has. */
export function doorOf(number: number): Door {
  const door = DOOR_OF.get(number);
  if (door === undefined) throw new RangeError(`no door has the number ${number}`);
  return door;
}

/** Never throws: what can't be shown of an event is named in `unreadable`. */
export function toStoredEvent(row: EventRow): StoredEvent {
  const door = DOOR_OF.get(row.door);
  const isWhole = row.payload?.charCodeAt(0) === OPENING_BRACE;
  const kept = row.property_types === null ? null : readTypes(row.property_types);
  // Not a copy: each event of each stream passes here.
  const event = headOf(row) as { -readonly [Field in keyof StoredEvent]: StoredEvent[Field] };
  event.payload = isWhole ? (row.payload as string) : '{}';
  event.propertyTypes = kept === null ? null : kept.types;
  event.wire = row.wire === null ? null : (JSON.parse(row.wire) as Json);
  const isPlain = isWhole && door !== undefined && row.type !== null && kept?.problem == null;
  if (!isPlain || !areShown(row))
    event.unreadable = problemsOf(row, isWhole, kept?.problem ?? null);
  return event;
}

const OPENING_BRACE = '{'.charCodeAt(0);

/** An event that was read without its content. Whoever looks at that has not asked for it. */
export function toEventHead(row: EventRow): StoredEvent {
  return Object.assign(Object.create(WITHOUT_CONTENT) as StoredEvent, headOf(row));
}

const notRead = {
  get(): never {
    throw new TypeError('this event was read without its content');
  },
};
const WITHOUT_CONTENT = Object.defineProperties(
  {},
  { payload: notRead, propertyTypes: notRead, wire: notRead, unreadable: notRead },
);

function headOf(row: EventRow) {
  return {
    workspaceId: row.workspace_id,
    position: row.position,
    recordedAt: row.recorded_at,
    occurredAt: row.occurred_at,
    expiresAt: row.expires_at,
    redactedAt: row.redacted_at,
    definitionId: row.definition_id,
    type: row.type ?? '',
    category: row.category,
    door: DOOR_OF.get(row.door) ?? 'GRAPHQL',
    notify: row.notify,
    success: row.success,
    eventId: row.event_id,
    source: row.source,
    subject: row.subject,
    actor: row.actor,
    description: row.description,
    icon: row.icon,
    clientIp: row.client_ip,
    parentId: row.parent_id,
    groupId: row.group_id,
  };
}

function readTypes(text: string) {
  return readPropertyTypes(JSON.parse(text) as Json);
}

const INSTANTS = [
  ['occurred_at', 'occurredAt'],
  ['expires_at', 'expiresAt'],
  ['redacted_at', 'redactedAt'],
] as const;

function areShown({ occurred_at, expires_at, redacted_at }: EventRow): boolean {
  return (
    isShownInstant(occurred_at) &&
    (expires_at === null || isShownInstant(expires_at)) &&
    (redacted_at === null || isShownInstant(redacted_at))
  );
}

function problemsOf(row: EventRow, isWhole: boolean, ofTypes: EventProblem | null): EventProblem[] {
  const problems: EventProblem[] = [];
  if (row.fault !== undefined) problems.push(contentProblem(row.fault));
  else if (!isWhole) problems.push(PAYLOAD_NO_OBJECT);
  if (ofTypes !== null) problems.push(ofTypes);
  if (row.type === null) problems.push(TYPE_UNKNOWN);
  if (!DOOR_OF.has(row.door)) problems.push(doorUnknown(row.door));
  for (const [column, field] of INSTANTS) {
    const instant = row[column];
    if (instant !== null && !isShownInstant(instant)) problems.push(timeOutOfRange(field));
  }
  return problems;
}
