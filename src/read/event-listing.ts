/**
 * Lists for doors whose vendors page by number, in any order: rows are counted off, so an offset
 * has a bound. Expired and redacted events are in none of them. Like all readers these reject
 * with BAD_USER_INPUT, QUERY_TOO_EXPENSIVE or SERVICE_UNAVAILABLE.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import { columnsOf } from '../db/columns.ts';
import { EventRows, type EventStatement } from '../db/event-rows.ts';
import { eventDefinitions, eventKeys, events } from '../db/schema.ts';
import { eventSource, notExpired, toEventHead, toStoredEvent } from '../db/stored-event.ts';
import { countsWithin } from './event-count.ts';
import { createEventTallies, type EventTallies } from './event-tallies.ts';
import { countListed, type ListingCounts } from './listing-counts.ts';
import { type ListingFilter, listingSource, listingSql } from './listing-filter.ts';
import { textArray } from './params.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const k = columnsOf(eventKeys, 'k');

export const OFFSET_MAX = 10_000;

const COLUMNS = {
  OCCURRED_AT: sql`${e.occurred_at}`,
  EXPIRES_AT: sql`${e.expires_at}`,
  TYPE: sql`${d.name}`,
  SOURCE: sql`${e.source}`,
  CLIENT_IP: sql`${e.client_ip}`,
  EVENT_ID: sql`${e.event_id}`,
} as const;

export interface ListingOrder {
  /** A column, or a value of the payload by its path. */
  readonly key: keyof typeof COLUMNS | readonly string[];
  readonly descending: boolean;
}

export interface ListingArgs extends ListingFilter {
  /** Events that are equal in all of these are in the order of their positions. */
  readonly order: readonly ListingOrder[];
  /** At most OFFSET_MAX. */
  readonly offset: number;
  readonly limit: number;
}

export interface ListingPage {
  /** They may be without content: take them from the chunks. */
  readonly events: readonly StoredEvent[];
  readonly hasMore: boolean;
  /** The events in order, as many at a time as fit. To be iterated once. */
  readonly chunks: readonly (readonly StoredEvent[])[] | AsyncIterable<readonly StoredEvent[]>;
}

/** The events after a place up to and with another, in the order of recording. */
export interface ScanArgs extends ListingFilter {
  readonly after: LogPlace;
  readonly through: LogPlace;
  /** At most; fewer come where more do not fit. */
  readonly limit: number;
}

export interface Scanned {
  readonly events: readonly StoredEvent[];
  /** Up to there nothing else is listed. */
  readonly through: LogPlace;
}

export interface EventListing extends EventTallies {
  page(workspaceId: number, args: ListingArgs): Promise<ListingPage>;
  /** Exact; null where counting would take longer than its limit. */
  count(workspaceId: number, filter: ListingFilter): Promise<number | null>;
  /** By the event's key: its event id where that is a UUID (see `core/event-key.ts`). */
  byKey(workspaceId: number, key: string): Promise<StoredEvent | null>;
  scan(workspaceId: number, args: ScanArgs): Promise<Scanned>;
}

export interface EventListingOptions extends ListingCounts {
  /** @default 1000 */
  readonly countWithinMs?: number;
  /** @default one of its own */
  readonly eventRows?: EventRows;
}

export function createEventListing({
  read,
  counts,
  countWithinMs = 1_000,
  eventRows = new EventRows(read),
}: EventListingOptions): EventListing {
  return {
    ...createEventTallies({ read, counts }),
    async page(workspaceId, args) {
      if (args.offset > OFFSET_MAX) {
        const message = `Lists reach ${OFFSET_MAX} events deep. Narrow the filter.`;
        throw new GatewayError('BAD_USER_INPUT', message);
      }
      const statement: EventStatement = {
        workspaceId,
        rowsMax: args.limit + 1,
        select: columns => sql`select ${columns} from ${eventSource}
          where ${listingSql(args, workspaceId)} order by ${orderBy(args.order)}
          limit ${args.limit + 1} offset ${args.offset}`,
      };
      const whole = await eventRows.whole(statement);
      const found = whole ?? (await eventRows.heads(statement));
      const page = found.slice(0, args.limit);
      const events = page.map(whole === null ? toEventHead : toStoredEvent);
      const chunks = whole === null ? eventRows.contents(workspaceId, page) : [events];
      return { events, hasMore: found.length > args.limit, chunks };
    },
    async count(workspaceId, filter) {
      const known = await countListed({ read, counts }, workspaceId, filter);
      if (known !== null) return known;
      const where = listingSql(filter, workspaceId);
      const statement = sql`select count(*) as count from ${listingSource(filter)} where ${where}`;
      const found = await countsWithin(read, statement, countWithinMs);
      return found && (found[0] ?? 0);
    },
    async byKey(workspaceId, key) {
      // The limit fences the look-up: with the place at hand one partition is read, by its key.
      const [event] = await eventRows.all({
        workspaceId,
        rowsMax: 1,
        select: columns => sql`select e.* from event_keys k cross join lateral (
            select ${columns} from ${eventSource}
            where ${e.workspace_id} = ${workspaceId} and ${e.position} = ${k.position}
              and ${e.recorded_at} = ${k.recorded_at} and ${e.redacted_at} is null and ${notExpired}
            limit 1
          ) e
          where ${k.workspace_id} = ${workspaceId} and ${k.key} = ${key}::uuid`,
      });
      return event ?? null;
    },
    async scan(workspaceId, { after, through, limit, ...filter }) {
      const { events, isCut } = await eventRows.some({
        workspaceId,
        rowsMax: limit,
        select: columns => sql`select ${columns} from ${eventSource}
          where ${listingSql(filter, workspaceId)}
            and ${e.position} > ${after.position} and ${e.recorded_at} >= ${after.recordedAt}
            and ${e.position} <= ${through.position} and ${e.recorded_at} <= ${through.recordedAt}
          order by ${e.position} limit ${limit}`,
      });
      const last = events.at(-1) ?? after;
      const isWhole = !isCut && events.length < limit;
      return { events, through: isWhole ? { ...last, position: through.position } : last };
    },
  };
}

function orderBy(order: readonly ListingOrder[]): SQL {
  const keys = order.map(({ key, descending }) => {
    const value = typeof key === 'string' ? COLUMNS[key] : sql`(${e.payload} #> ${textArray(key)})`;
    return descending ? sql`${value} desc` : sql`${value} asc`;
  });
  const last = order[0]?.descending === true ? sql`${e.position} desc` : sql`${e.position} asc`;
  return sql.join([...keys, last], sql`, `);
}
