import { GatewayError } from './errors.ts';
import { isStorableText } from './text.ts';

/**
 * Opaque cursors. A cursor names its list, its scope (a workspace) and a place; it has no
 * direction. One of another list or scope is refused, never misread. An event's cursor also
 * carries the database's epoch, so that one from before a restore can't skip or repeat events,
 * and an instant that bounds which partitions are read.
 */
const FIELDS = {
  'events.position': 'p',
  'events.occurredAt': 'o',
  'events.occurredAtAndId': 'i',
  'definitions.name': 'd',
  'workspaces.slug': 'w',
  'apiKeys.id': 'k',
  'quarantine.receivedAt': 'q',
  'consumers.name': 'c',
  'definitions.schemaVersions': 'v',
  'meters.name': 'm',
  'parked.position': 'x',
  'notificationRules.name': 'n',
  aggregates: 'a',
} as const;
export type CursorField = keyof typeof FIELDS;

/** 1.4 KiB: a definition's name at its longest, escaped and in base64. */
const CURSOR_CHARS_MAX = 1_400;

export function encodeCursor(field: CursorField, scope: number, place: readonly string[]): string {
  const parts = [FIELDS[field], String(scope), ...place.map(encodeURIComponent)];
  return Buffer.from(parts.join(':')).toString('base64url');
}

/**
 * The place of a cursor of this list and scope.
 * @throws GatewayError CURSOR_INVALID where it is not one.
 */
export function decodeCursor(text: string, field: CursorField, scope: number): string[] {
  const parts = decodeParts(text);
  if (parts?.[0] !== FIELDS[field] || parts[1] !== String(scope)) throw cursorInvalid();
  return parts.slice(2);
}

function decodeParts(text: string): string[] | null {
  if (text.length > CURSOR_CHARS_MAX || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return Buffer.from(text, 'base64url').toString('utf8').split(':').map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** The workspace of a cursor by position, as a receipt has it; null where it is none. */
export function workspaceOfCursor(text: string): number | null {
  const [field, scope] = decodeParts(text) ?? [];
  return field === FIELDS['events.position'] && isWhole(scope, 1) ? Number(scope) : null;
}

export function cursorInvalid(): GatewayError {
  return new GatewayError(
    'CURSOR_INVALID',
    'This cursor does not belong to this list. Use one from the same list, workspace and order.',
  );
}

/** A place in the log of a workspace: right after the event at `position`; 0 is the beginning. */
export interface LogPlace {
  readonly position: number;
  /** When the event there was recorded: events after it were not recorded before. */
  readonly recordedAt: Date;
}

export const LOG_BEGINNING: LogPlace = { position: 0, recordedAt: new Date(0) };

/** A place in the order of time; events at one instant follow their positions. */
export interface TimePlace {
  readonly occurredAt: Date;
  readonly position: number;
}

/** A place in the order of time, where events at one instant follow their ids. */
export interface TimeIdPlace extends TimePlace {
  readonly eventId: string;
}

/** Encodes and decodes the cursors of one workspace's events in one database. */
export interface EventCursors {
  encodePosition(place: LogPlace): string;
  encodeOccurredAt(place: TimePlace): string;
  encodeOccurredAtAndId(place: TimeIdPlace): string;
  /** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
  decodePosition(cursor: string): LogPlace;
  /** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
  decodeOccurredAt(cursor: string): TimePlace;
  /** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
  decodeOccurredAtAndId(cursor: string): TimeIdPlace;
}

export function eventCursors(epoch: string, workspaceId: number): EventCursors {
  const encode = (field: CursorField, position: number, instant: Date, ...ids: string[]) =>
    encodeCursor(field, workspaceId, [epoch, String(position), String(instant.getTime()), ...ids]);
  const decode = (cursor: string, field: CursorField, idCount: 0 | 1 = 0) => {
    const [cursorEpoch, position, instant, ...ids] = decodeCursor(cursor, field, workspaceId);
    const [eventId = ''] = ids;
    const place = { position: Number(position), instant: new Date(Number(instant)), eventId };
    const isPlace = isWhole(position, 0) && isWhole(instant, -8.64e15) && isStorableText(eventId);
    if (ids.length !== idCount || !isPlace) throw cursorInvalid();
    if (cursorEpoch !== epoch) {
      throw new GatewayError(
        'CURSOR_EPOCH',
        'This cursor is from before the database was restored. Read a page and continue from there.',
      );
    }
    return place;
  };
  return {
    encodePosition: place => encode('events.position', place.position, place.recordedAt),
    encodeOccurredAt: place => encode('events.occurredAt', place.position, place.occurredAt),
    encodeOccurredAtAndId: ({ position, occurredAt, eventId }) =>
      encode('events.occurredAtAndId', position, occurredAt, eventId),
    decodePosition: cursor => {
      const { position, instant } = decode(cursor, 'events.position');
      return { position, recordedAt: instant };
    },
    decodeOccurredAt: cursor => {
      const { position, instant } = decode(cursor, 'events.occurredAt');
      return { position, occurredAt: instant };
    },
    decodeOccurredAtAndId: cursor => {
      const { position, instant, eventId } = decode(cursor, 'events.occurredAtAndId', 1);
      return { position, occurredAt: instant, eventId };
    },
  };
}

function isWhole(text: string | undefined, min: number): boolean {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return false;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= min && Math.abs(value) <= 8.64e15;
}
