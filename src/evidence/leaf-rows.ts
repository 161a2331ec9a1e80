/** Events as rows that leaves are made of, and bytes on their way to and from Postgres. */
import { DOORS } from '../core/event.ts';
import type { Envelope, EventContent } from '../core/evidence-leaf.ts';
import { type ColumnName, columnsOf, type Row, type SqlText, sqlText } from '../db/columns.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { parseTimestamp } from '../db/wire.ts';

const e = columnsOf(events, 'e');
const t = columnsOf(eventDefinitions, 't');

/** An event without its JSON, as one text: column by column it takes the driver four times as long. */
export interface SmallRow {
  readonly small: string;
}

export interface LeafRow
  extends SmallRow, Pick<Row<typeof events>, 'payload' | 'property_types' | 'wire'> {}

/** Behind events by the alias `e`: what their types are called. */
export const JOIN_TYPES = sqlText`left join event_definitions t
  on ${t.workspace_id} = ${e.workspace_id} and ${t.id} = ${e.definition_id}`;

/** Over `e` and `JOIN_TYPES`, in the order of `SmallColumns`. */
export const SMALL_COLUMNS = sqlText`json_build_array(${e.position}, ${e.recorded_at},
  ${e.occurred_at}, ${e.expires_at}, ${e.door}, ${e.event_id}, ${t.name}, ${e.redacted_at}, ${e.expired_at},
  ${e.notify}, ${e.success}, ${e.source}, ${e.subject}, ${e.actor}, ${e.description}, ${e.icon},
  ${e.client_ip}, ${e.parent_id}, ${e.group_id})::text as small`;

export const LEAF_COLUMNS = sqlText`${SMALL_COLUMNS}, ${e.payload}, ${e.property_types}, ${e.wire}`;

type Text = string | null;
type SmallColumns = readonly [
  position: number,
  recordedAt: string,
  occurredAt: string,
  expiresAt: Text,
  door: number,
  eventId: string,
  /** Null where the definition is missing. */
  type: Text,
  redactedAt: Text,
  expiredAt: Text,
  notify: boolean,
  success: boolean | null,
  source: Text,
  subject: Text,
  actor: Text,
  description: Text,
  icon: Text,
  clientIp: Text,
  parentId: Text,
  groupId: Text,
];

/** The tree that a leaf is in. */
interface Tree {
  readonly workspace_id: number;
  readonly epoch: string;
}

/** What a leaf is made of, and what says that its event was emptied. */
export interface LeafEvent {
  readonly envelope: Envelope;
  readonly content: EventContent;
  readonly isRedacted: boolean;
  readonly expiredAt: string | null;
}

/** Without a spread or a rest: they take five times as long. */
export function toLeafEvent(row: LeafRow, tree: Tree): LeafEvent {
  const columns = JSON.parse(row.small) as SmallColumns;
  const [, , , , , , , redactedAt, expiredAt, notify, success, source, subject, actor] = columns;
  const [, , , , , , , , , , , , , , description, icon, clientIp, parentId, groupId] = columns;
  return {
    envelope: toEnvelope(columns, tree),
    content: {
      notify,
      success,
      source,
      subject,
      actor,
      description,
      icon,
      clientIp,
      parentId,
      groupId,
      payload: row.payload,
      propertyTypes: row.property_types,
      wire: row.wire,
    },
    isRedacted: redactedAt !== null,
    expiredAt: expiredAt === null ? null : toInstant(expiredAt),
  };
}

export function envelopeOfRow({ small }: SmallRow, tree: Tree): Envelope {
  return toEnvelope(JSON.parse(small) as SmallColumns, tree);
}

const DOOR_NAMES = new Map(Object.entries(DOORS).map(([name, number]) => [number as number, name]));

function toEnvelope(columns: SmallColumns, { workspace_id, epoch }: Tree): Envelope {
  const [position, recordedAt, occurredAt, expiresAt, door, eventId, type] = columns;
  return {
    door: DOOR_NAMES.get(door) ?? String(door),
    epoch,
    eventId,
    expiresAt: expiresAt === null ? null : toInstant(expiresAt),
    occurredAt: toInstant(occurredAt),
    position,
    recordedAt: toInstant(recordedAt),
    type: type ?? '',
    workspaceId: workspace_id,
  };
}

const HYPHEN = '-'.charCodeAt(0);
const UTC = '+00:00';

/** As JavaScript writes an instant in JSON. Postgres leaves out zeros at the end. */
function toInstant(text: string): string {
  if (text.charCodeAt(4) === HYPHEN && text.endsWith(UTC)) {
    return `${text.slice(0, 19)}.${text.slice(20, -UTC.length).padEnd(3, '0')}Z`;
  }
  // Of a year that we never write.
  return parseTimestamp(text.replace('T', ' ').replace(UTC, '+00')).toISOString();
}

/** Redaction or expiry took its content. */
export function isEmptied({ isRedacted, expiredAt }: LeafEvent): boolean {
  return isRedacted || expiredAt !== null;
}

/** A column of bytes, as `fromBase64` reads it. */
export function base64Sql(column: ColumnName): SqlText {
  return sqlText`encode(${column}, 'base64')`;
}

/** As Postgres writes it, with line breaks. */
export function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
