/**
 * Events in the order of time and id, for doors whose vendors know no positions. Pages go on at a
 * cursor; an event of an earlier time that is recorded meanwhile lies behind it. Like all readers
 * these reject with BAD_USER_INPUT, CURSOR_INVALID, QUERY_TOO_EXPENSIVE or SERVICE_UNAVAILABLE.
 */
import { type SQL, sql } from 'drizzle-orm';
import { cursorInvalid } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import { events } from '../db/schema.ts';
import { countedEvents, eventSource } from '../db/stored-event.ts';
import { countsWithin } from './event-count.ts';
import { createOriginReader, type OriginReader } from './origins.ts';
import { readSeries, type SeriesQuery, type SeriesValue } from './time-series.ts';
import { type TimelineCondition, timelineSql } from './timeline-filter.ts';

const e = columnsOf(events, 'e');

/** Rows that are counted off are read: this bounds them. */
export const TIMELINE_OFFSET_MAX = 10_000;

export interface TimelineArgs {
  readonly conditions: readonly TimelineCondition[];
  readonly limit: number;
  /** Of a page before; null begins with the earliest event. */
  readonly after: string | null;
  /** At most TIMELINE_OFFSET_MAX. */
  readonly offset?: number;
}

export interface TimelinePage {
  readonly events: readonly StoredEvent[];
  /** Behind the last event; what was given where there is none. */
  readonly cursor: string | null;
  /** It has fewer events than were asked for and are there: more do not fit. */
  readonly isCut: boolean;
}

export interface TimelineReader extends OriginReader {
  page(workspaceId: number, args: TimelineArgs): Promise<TimelinePage>;
  /** Exact; null where counting would take longer than its limit. */
  count(workspaceId: number, conditions: readonly TimelineCondition[]): Promise<number | null>;
  /** One value a slot, in their order; null in a slot without any. */
  series(workspaceId: number, query: SeriesQuery): Promise<readonly (SeriesValue | null)[]>;
}

export interface TimelineOptions {
  readonly read: Connection;
  /** Of this database: cursors carry it. */
  readonly epoch: string;
  /** @default 2000 */
  readonly countWithinMs?: number;
  /** @default one of its own */
  readonly eventRows?: EventRows;
}

export function createTimelineReader({
  read,
  epoch,
  countWithinMs = 2_000,
  eventRows = new EventRows(read),
}: TimelineOptions): TimelineReader {
  return {
    ...createOriginReader(read, eventRows),
    async page(workspaceId, { conditions, limit, after, offset = 0 }) {
      if (offset > TIMELINE_OFFSET_MAX) {
        const message = `Lists reach ${TIMELINE_OFFSET_MAX} events deep. Narrow the filter.`;
        throw new GatewayError('BAD_USER_INPUT', message);
      }
      const start = after === null ? sql`true` : behind(decode(after, epoch, workspaceId));
      const rowsMax = Math.min(limit, LIMITS.pageSizeMax);
      const { events, isCut } = await eventRows.some({
        workspaceId,
        rowsMax,
        select: columns => sql`select ${columns} from ${eventSource}
          where ${timelineSql(workspaceId, conditions)} and ${start}
          order by ${e.occurred_at}, ${e.event_id} collate "C", ${e.position}
          limit ${rowsMax} offset ${offset}`,
      });
      const last = events.at(-1);
      return { events, cursor: last === undefined ? after : encode(last, epoch), isCut };
    },
    async count(workspaceId, conditions) {
      const where = timelineSql(workspaceId, conditions);
      const statement = sql`select count(*) as count from ${countedEvents} where ${where}`;
      const found = await countsWithin(read, statement, countWithinMs);
      return found && (found[0] ?? 0);
    },
    series: (workspaceId, query) => readSeries(read, workspaceId, query),
  };
}

interface Place {
  readonly occurredAt: Date;
  readonly eventId: string;
}

/** The first comparison bounds the index, the second is exact. */
function behind({ occurredAt, eventId }: Place): SQL {
  return sql`${e.occurred_at} >= ${occurredAt}
    and (${e.occurred_at} > ${occurredAt} or ${e.event_id} collate "C" > ${eventId}::text)`;
}

function encode({ occurredAt, eventId, workspaceId }: StoredEvent, epoch: string): string {
  const place = [epoch, workspaceId, occurredAt.getTime(), eventId];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** An event id in JSON in base64 is eight times as long as in bytes, at most. */
const CURSOR_CHARS_MAX = 8 * LIMITS.eventIdBytesMax + 256;

/** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
function decode(cursor: string, epoch: string, workspaceId: number): Place {
  const place = cursor.length > CURSOR_CHARS_MAX ? null : parse(cursor);
  if (!Array.isArray(place) || place.length !== 4) throw cursorInvalid();
  const [cursorEpoch, scope, time, eventId] = place as unknown[];
  if (scope !== workspaceId || typeof time !== 'number' || typeof eventId !== 'string') {
    throw cursorInvalid();
  }
  if (cursorEpoch !== epoch) {
    const message = 'This cursor is from before the database was restored. Start again.';
    throw new GatewayError('CURSOR_EPOCH', message);
  }
  const occurredAt = new Date(time);
  if (Number.isNaN(occurredAt.getTime())) throw cursorInvalid();
  return { occurredAt, eventId };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
