/** What may be asked of the past: pages, look-ups and counts of events. `events.ts` answers it. */
import type { LogPlace } from '../core/cursor.ts';
import type { EventCondition } from '../core/event-condition.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Page, PageArgs, Seen } from '../core/page.ts';
import type { EventJsonShape } from './event-json.ts';

export interface EventOrder {
  readonly field: 'POSITION' | 'OCCURRED_AT';
  readonly direction: 'ASC' | 'DESC';
}

export interface EventPageArgs extends PageArgs, Seen {
  /** Without it events are read without payload, property types and notes. @default true */
  readonly content?: boolean;
  readonly filter?: EventCondition | null | undefined;
  /** @default POSITION DESC */
  readonly order?: EventOrder | null | undefined;
}

/** What doors may also ask for, whose vendors know no positions. */
export interface EventListArgs extends Omit<EventPageArgs, 'order'> {
  readonly order?: EventOrder | EventIdOrder | readonly EventSortKey[] | null | undefined;
  /** Events to pass over. They are counted off: at most EVENT_OFFSET_MAX. @default 0 */
  readonly offset?: number;
}

/** Events at one instant are in the order of their ids. */
export interface EventIdOrder {
  readonly field: 'OCCURRED_AT_AND_ID';
  readonly direction: 'ASC' | 'DESC';
}

/**
 * Events that are equal in all keys are in the order of their positions. Pages of such a list go
 * on by offset alone.
 */
export interface EventSortKey {
  /** A column, or a value of the payload by its path. */
  readonly key:
    | ('OCCURRED_AT' | 'EXPIRES_AT' | 'TYPE' | 'SOURCE' | 'CLIENT_IP' | 'EVENT_ID')
    | readonly string[];
  readonly descending: boolean;
}

export const EVENT_OFFSET_MAX = 10_000;

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

/** What is wanted of a page. What is not wanted is not read. */
export interface EventJsonPageShape {
  /** Each a list of the page's events. */
  readonly lists: readonly EventJsonShape[];
  readonly ends: boolean;
  readonly head: boolean;
}

export interface EventJsonPage {
  /** The items of each list, with commas between them. */
  readonly lists: readonly string[];
  /** Null where they are not wanted. */
  readonly ends: EventPageEnds | null;
  /** Null where it is not wanted. */
  readonly head: LogPlace | null;
}

export interface EventPageEnds {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
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
   * A page; its cursors are those of its order (`eventCursors`). Paging by position or time from
   * either end shows every event once that was there when paging began, whatever is recorded
   * meanwhile.
   */
  page(workspaceId: number, args: EventListArgs): Promise<EventPage>;
  /** The same page, never cut: for lists whose readers take a short page for the last one. */
  wholePage(workspaceId: number, args: EventListArgs): Promise<WholeEventPage>;
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
  /** By keys as `core/event-key.ts` makes them: an event id that is a UUID is its own. */
  byKeys(workspaceId: number, keys: readonly string[]): Promise<(StoredEvent | null)[]>;
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
    filter?: EventCondition | null,
  ): Promise<(number | null)[]>;
  /** Exact; null where counting would take longer than `withinMs`. */
  count(
    workspaceId: number,
    filter?: EventCondition | null,
    options?: Seen & { readonly withinMs?: number },
  ): Promise<number | null>;
  /** The newest event; LOG_BEGINNING where there is none. */
  head(workspaceId: number): Promise<LogPlace>;
}

export type LookupOptions = Pick<EventPageArgs, 'content'>;
