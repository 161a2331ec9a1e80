/**
 * The past: pages and look-ups of events. Each question is one statement, so that all of an
 * answer is of one snapshot. Expired events are hidden in all of them.
 */
import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { EventFilter } from '../core/filter.ts';
import type { Page, PageArgs } from '../core/page.ts';
import type { Connection } from '../db/connection.ts';
import { EventRows } from '../db/event-rows.ts';
import { createAggregateCounts } from './aggregate-counts.ts';
import { countEvents, countEventsBy } from './event-count.ts';
import { type EventJsonPage, type EventJsonPageShape, readJsonPage } from './event-json-page.ts';
import { readByEventIds, readByPlaces } from './event-lookups.ts';
import { readPages, readWholePage } from './event-pages.ts';
import { readHeads } from './heads.ts';
import { createSharedReads } from './shared-reads.ts';

export interface EventOrder {
  readonly field: 'POSITION' | 'OCCURRED_AT';
  readonly direction: 'ASC' | 'DESC';
}

export interface EventPageArgs extends PageArgs {
  /** Without it events are read without payload, property types and notes. @default true */
  readonly content?: boolean;
  readonly filter?: EventFilter | null | undefined;
  /** @default POSITION DESC */
  readonly order?: EventOrder | null | undefined;
}

export interface EventPage extends Page<StoredEvent> {
  /** It has fewer events than were asked for and are there: the content of more does not fit. */
  readonly isCut: boolean;
  /** The newest event in the page's own snapshot; LOG_BEGINNING where there is none. */
  readonly head: LogPlace;
}

/** A page with all events that were asked for. */
export interface WholeEventPage {
  /** Its events may be without content: take them from the chunks. */
  readonly page: EventPage;
  /** The events in the order of the page, as many at a time as fit. To be iterated once. */
  readonly chunks: readonly (readonly StoredEvent[])[] | AsyncIterable<readonly StoredEvent[]>;
}

/** What many lists are told apart by; a definition by its id as text. */
export type EventParentField = 'parentId' | 'groupId' | 'definitionId';

/**
 * Pages check what they are given: their methods reject with BAD_USER_INPUT, CURSOR_INVALID,
 * CURSOR_EPOCH or CURSOR_EXPIRED, and like all with QUERY_TOO_EXPENSIVE or SERVICE_UNAVAILABLE. Look-ups answer in
 * the order of what was asked, with null for what is not there.
 */
export interface EventReader {
  /**
   * A page by position or by time; its cursors are those of its order (`eventCursors`). Paging
   * from either end shows every event once that was there when paging began, whatever is
   * recorded meanwhile.
   */
  page(workspaceId: number, args: EventPageArgs): Promise<EventPage>;
  /** The same page, never cut: for lists whose readers take a short page for the last one. */
  wholePage(workspaceId: number, args: EventPageArgs): Promise<WholeEventPage>;
  /**
   * The same page as JSON that Postgres has written. Null where `page` must read it: an event is
   * damaged, or the page does not fit. Those who ask the same at once share a statement.
   */
  jsonPage(
    workspaceId: number,
    args: EventPageArgs,
    shape: EventJsonPageShape,
  ): Promise<EventJsonPage | null>;
  /** The same page of the children of each event, of each group or type, in one statement. */
  pagesBy(
    workspaceId: number,
    field: EventParentField,
    values: readonly string[],
    args: EventPageArgs,
  ): Promise<EventPage[]>;
  byEventIds(
    workspaceId: number,
    eventIds: readonly string[],
    options?: LookupOptions,
  ): Promise<(StoredEvent | null)[]>;
  /** A place is an event's own position and `recordedAt`, both exactly. */
  byPlaces(
    workspaceId: number,
    places: readonly LogPlace[],
    options?: LookupOptions,
  ): Promise<(StoredEvent | null)[]>;
  /** As `count`, of the children of each event, of each group or type, all at once. */
  countBy(
    workspaceId: number,
    field: EventParentField,
    values: readonly string[],
    filter?: EventFilter | null,
  ): Promise<(number | null)[]>;
  /** Exact; null where counting would take longer than `countWithinMs`. */
  count(workspaceId: number, filter?: EventFilter | null): Promise<number | null>;
  /** The newest event; LOG_BEGINNING where there is none. */
  head(workspaceId: number): Promise<LogPlace>;
}

export type LookupOptions = Pick<EventPageArgs, 'content'>;

export interface EventReaderOptions {
  readonly read: Connection;
  /** Of this database (`installation.epoch`): cursors carry it. */
  readonly epoch: string;
  /** @default 2000 */
  readonly countWithinMs?: number;
  /** @default one of its own */
  readonly eventRows?: EventRows;
  /** Tells how far back to look first; what is found does not depend on it. */
  readonly now?: () => Date;
}

const shapeIds = new WeakMap<EventJsonPageShape, number>();
let shapes = 0;

/** Shapes are made once for a document. */
function idOf(shape: EventJsonPageShape): number {
  const id = shapeIds.get(shape) ?? (shapes += 1);
  shapeIds.set(shape, id);
  return id;
}

export function createEventReader({
  read,
  epoch,
  countWithinMs = 2_000,
  eventRows = new EventRows(read),
  now = () => new Date(),
}: EventReaderOptions): EventReader {
  const counts = createAggregateCounts({ read, nowMs: () => now().getTime() });
  const share = createSharedReads<EventJsonPage | null>();
  return {
    async page(workspaceId, args) {
      const [page] = await readPages(eventRows, {
        workspaceId,
        epoch,
        args,
        now: now(),
        parents: null,
      });
      return page as EventPage;
    },
    wholePage: (workspaceId, args) =>
      readWholePage(eventRows, { workspaceId, epoch, args, now: now() }),
    jsonPage: (workspaceId, args, shape) => {
      const key = `${workspaceId} ${idOf(shape)} ${JSON.stringify(args)}`;
      return share(key, () =>
        readJsonPage({ workspaceId, epoch, args, now: now(), shape, read, eventRows }),
      );
    },
    async pagesBy(workspaceId, field, values, args) {
      if (values.length === 0) return [];
      const parents = { field, values };
      return readPages(eventRows, { workspaceId, epoch, args, now: now(), parents });
    },
    byEventIds: (workspaceId, eventIds, options) =>
      readByEventIds(eventRows, workspaceId, eventIds, options),
    byPlaces: (workspaceId, places, options) =>
      readByPlaces(eventRows, workspaceId, places, options),
    async countBy(workspaceId, field, values, filter) {
      if (values.length === 0) return [];
      const parents = { field, values };
      return countEventsBy(read, { counts, workspaceId, filter, countWithinMs, parents });
    },
    count: (workspaceId, filter) =>
      countEvents(read, { counts, workspaceId, filter, countWithinMs }),
    async head(workspaceId) {
      const heads = await readHeads(read, [workspaceId]);
      return heads.get(workspaceId) as LogPlace;
    },
  };
}
