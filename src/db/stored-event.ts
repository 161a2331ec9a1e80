/**
 * How a row of `events` becomes a `StoredEvent`: the one select list and the one decoder, for
 * pages and streams alike. `recorded_at` bounds which partitions are read.
 */
import { sql } from 'drizzle-orm';
import { DOORS, type Door, type PropertyTypes, type StoredEvent } from '../core/event.ts';
import type { Json } from '../core/json.ts';

/** As the driver gives it: instants as `Date`, jsonb as text. */
export interface EventRow {
  workspace_id: number;
  position: number;
  recorded_at: Date;
  occurred_at: Date;
  expires_at: Date | null;
  redacted_at: Date | null;
  definition_id: number;
  type: string;
  door: number;
  notify: boolean;
  success: boolean | null;
  event_id: string;
  source: string | null;
  subject: string | null;
  actor: string | null;
  description: string | null;
  icon: string | null;
  client_ip: string | null;
  parent_id: string | null;
  group_id: string | null;
  payload: string;
  property_types: string | null;
  wire: string | null;
}

/** Over the aliases of `eventSource`. */
export const eventColumns = sql.raw(
  'e.workspace_id, e.position, e.recorded_at, e.occurred_at, e.expires_at, e.redacted_at, ' +
    'e.definition_id, d.name as type, e.door, e.notify, e.success, e.event_id, e.source, ' +
    'e.subject, e.actor, e.description, e.icon, e.client_ip, e.parent_id, e.group_id, ' +
    'e.payload, e.property_types, e.wire',
);

/**
 * What `eventColumns` and filters speak of: `e` the event, `d` its definition. For reads of few
 * events: the definition is looked up for each (`offset 0` fences it off). Of a join the planner
 * thinks that it leaves few rows, and reads the events of a workspace type by type to find them.
 */
export const eventSource = sql.raw(
  'events e cross join lateral (select t.name from event_definitions t ' +
    'where t.workspace_id = e.workspace_id and t.id = e.definition_id offset 0) d',
);

/** The same for what reads many and yields none of them: counts and measures. */
export const countedEvents = sql.raw(
  'events e join event_definitions d on d.workspace_id = e.workspace_id and d.id = e.definition_id',
);

/** An expired event keeps its place, but no read shows it. */
export const notExpired = sql.raw('(e.expires_at is null or e.expires_at > now())');

const DOOR_OF = new Map(
  (Object.entries(DOORS) as [Door, number][]).map(([door, number]) => [number, door]),
);

/** @throws RangeError for a number that no door has. */
export function doorOf(number: number): Door {
  const door = DOOR_OF.get(number);
  if (door === undefined) throw new RangeError(`no door has the number ${number}`);
  return door;
}

export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    workspaceId: row.workspace_id,
    position: row.position,
    recordedAt: row.recorded_at,
    occurredAt: row.occurred_at,
    expiresAt: row.expires_at,
    redactedAt: row.redacted_at,
    definitionId: row.definition_id,
    type: row.type,
    door: doorOf(row.door),
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
    payload: row.payload,
    propertyTypes:
      row.property_types === null ? null : (JSON.parse(row.property_types) as PropertyTypes),
    wire: row.wire === null ? null : (JSON.parse(row.wire) as Json),
  };
}
