/** Events as rows that leaves are made of, and bytes on their way to and from Postgres. */
import { DOORS } from '../core/event.ts';
import { type Envelope, envelopeOf, type EventContent } from '../core/evidence-leaf.ts';
import { type ColumnName, columnsOf, type Row, type SqlText, sqlText } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';

const e = columnsOf(events, 'e');
const t = columnsOf(eventDefinitions, 't');

/** What the envelope of an event is made of. */
export interface NamedRow extends Row<
  typeof events,
  'workspace_id' | 'position' | 'recorded_at' | 'occurred_at' | 'expires_at' | 'door' | 'event_id'
> {
  /** Null where the definition is missing. */
  readonly type: string | null;
}

/** With its content, and what says that it was emptied. */
export interface LeafRow
  extends NamedRow, Omit<Row<typeof events>, keyof NamedRow | 'definition_id'> {}

/** Over the alias `e`. */
export const NAMED_COLUMNS = sqlText`${e.workspace_id}, ${e.position}, ${e.recorded_at}, ${e.occurred_at},
  ${e.expires_at}, ${e.door}, ${e.event_id},
  (select ${t.name} from event_definitions t
   where ${t.workspace_id} = ${e.workspace_id} and ${t.id} = ${e.definition_id}) as type`;

export const LEAF_COLUMNS = sqlText`${NAMED_COLUMNS}, ${e.redacted_at}, ${e.expired_at}, ${e.notify},
  ${e.success}, ${e.source}, ${e.subject}, ${e.actor}, ${e.description}, ${e.icon}, ${e.client_ip},
  ${e.parent_id}, ${e.group_id}, ${e.payload}, ${e.property_types}, ${e.wire}`;

const DOOR_NAMES = new Map(Object.entries(DOORS).map(([name, number]) => [number as number, name]));

/** @param epoch that of the tree */
export function envelopeOfRow(row: NamedRow, epoch: string): Envelope {
  return envelopeOf({
    epoch,
    workspaceId: row.workspace_id,
    position: row.position,
    recordedAt: row.recorded_at,
    occurredAt: row.occurred_at,
    expiresAt: row.expires_at,
    eventId: row.event_id,
    type: row.type ?? '',
    door: DOOR_NAMES.get(row.door) ?? String(row.door),
  });
}

export function toContent(row: LeafRow): EventContent {
  return {
    notify: row.notify,
    success: row.success,
    source: row.source,
    subject: row.subject,
    actor: row.actor,
    description: row.description,
    icon: row.icon,
    clientIp: row.client_ip,
    parentId: row.parent_id,
    groupId: row.group_id,
    payload: row.payload,
    propertyTypes: row.property_types,
    wire: row.wire,
  };
}

/** Redaction or expiry took its content. */
export function isEmptied(row: Pick<LeafRow, 'redacted_at' | 'expired_at'>): boolean {
  return row.redacted_at !== null || row.expired_at !== null;
}

/** A column of bytes, as `fromBase64` reads it. */
export function base64Sql(column: ColumnName): SqlText {
  return sqlText`encode(${column}, 'base64')`;
}

/** As Postgres writes it, with line breaks. */
export function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
