/**
 * What statements that read pages of events are made of, whatever they select: which rows, in which
 * order, how many, and what is asked beside them.
 */
import { type SQL, sql } from 'drizzle-orm';
import { type EventCursors, eventCursors, LOG_BEGINNING } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { EventCondition } from '../core/event-condition.ts';
import { compareTexts } from '../core/filter-values.ts';
import { checkPageArgs, type PageRequest } from '../core/page.ts';
import { columnsOf } from '../db/columns.ts';
import { eventDefinitions, events, workspaceMarks } from '../db/schema.ts';
import { allOf, textArray } from '../db/sql-lists.ts';
import { allEvents, type EventRow, eventSource, eventSourceOf } from '../db/stored-event.ts';
import { shownSql } from './conditions.ts';
import {
  EVENT_OFFSET_MAX,
  type EventIdOrder,
  type EventListArgs,
  type EventOrder,
  type EventParentField,
  type EventSortKey,
} from './event-reader.ts';
import { type Keyset, keyset, type KeysetList, type KeysetPlace, probe } from './keyset.ts';
import type { Narrow } from './search-index.ts';
import { isFiltered, isSlow, walk, windowsOf } from './time-windows.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const m = columnsOf(workspaceMarks, 'm');

export interface EventPageRequest {
  readonly workspaceId: number;
  readonly epoch: string;
  readonly args: EventListArgs;
  readonly now: Date;
}

export interface EventPagePlan {
  readonly workspaceId: number;
  readonly request: PageRequest;
  /** In the order of reading; null where only the database can compare. */
  readonly compare: ((a: EventRow, b: EventRow) => number) | null;
  readonly offset: number;
  readonly list: EventList;
  readonly cursors: EventCursors;
  readonly where: SQL;
  readonly keyset: Keyset;
  /** Whether an index yields the rows in the order of the list: see `StatementOptions`. */
  readonly byIndex: boolean;
  /** See `time-windows.ts`: together all that the list may hold. */
  readonly windows: readonly Window[];
}

interface Window {
  /** Yields events as `e`. */
  readonly from: SQL;
  readonly where: SQL;
}

type ListOrder = NonNullable<EventListArgs['order']>;
type CursorOrder = EventOrder | EventIdOrder;

/** But in the order of positions neither is known. */
interface EventPlace extends KeysetPlace {
  readonly recordedAt: Date | null;
  readonly position: number | null;
}

interface EventList extends KeysetList {
  readonly after: EventPlace | null;
  readonly before: EventPlace | null;
}

export const NEWEST_FIRST: EventOrder = { field: 'POSITION', direction: 'DESC' };

/**
 * @param parentField of the many lists that `asked.value` tells apart; null: the whole workspace.
 * @throws GatewayError BAD_USER_INPUT, CURSOR_INVALID, CURSOR_EPOCH
 */
export function planEventPage(
  { workspaceId, epoch, args, now }: EventPageRequest,
  parentField: EventParentField | null = null,
): EventPagePlan {
  const request = checkPageArgs(args);
  const { filter, offset = 0 } = args;
  if (offset > EVENT_OFFSET_MAX) throw tooDeep();
  const order = args.order ?? NEWEST_FIRST;
  const cursors = eventCursors(epoch, workspaceId);
  if (isSorted(order) && (request.after ?? request.before) !== null) {
    throw new TypeError('a list in an order of its own goes on by offset');
  }
  const list = isSorted(order) ? sortedList(order) : cursorList(request, order, cursors);
  const shown = shownSql(workspaceId, filter);
  const where = parentField === null ? shown : allOf([shown, PARENT_CONDITIONS[parentField]]);
  const field = isSorted(order) ? null : order.field;
  const isScan = parentField === null && isSlow(filter);
  const isInWindows = field === 'POSITION' && isScan && offset === 0;
  const isUnfiltered = field === 'OCCURRED_AT' && parentField === null && !isFiltered(filter);
  return {
    workspaceId,
    request,
    compare: isSorted(order) ? null : comparison(order, request),
    offset,
    list,
    cursors,
    where,
    byIndex: field === 'POSITION' ? !isScan : isUnfiltered,
    keyset: keyset(list, request),
    windows: isInWindows ? windowsOf(readingOf(list, request, now)).map(ofAll) : [ofAll(sql`true`)],
  };
}

const ofAll = (where: SQL): Window => ({ from: allEvents, where });

/** Of the index of searches, for a page in the order of positions, and in another one. */
const BLOCKS_MAX = 500;
const UNORDERED_BLOCKS_MAX = 2_000;

/** The same page, where the index of searches names the few events that it may hold. */
export async function narrowPage(
  narrow: Narrow,
  plan: EventPagePlan,
  condition: EventCondition | null | undefined,
): Promise<EventPagePlan> {
  const { workspaceId, list, request, offset } = plan;
  const isInOrder = list.columns === KEYS.POSITION && offset === 0;
  const { descending, position } = readingOf(list, request, new Date());
  const narrowed = await narrow({
    workspaceId,
    condition,
    blocksMax: isInOrder ? BLOCKS_MAX : UNORDERED_BLOCKS_MAX,
    ...(isInOrder && { reading: { descending, from: position } }),
  });
  if (narrowed === null) return plan;
  const first = { from: narrowed.source, where: sql`true` };
  const windows = narrowed.rest === null ? [first] : [first, ofAll(narrowed.rest)];
  return { ...plan, byIndex: false, windows };
}

function tooDeep(): GatewayError {
  const message = `Lists reach ${EVENT_OFFSET_MAX} events deep. Narrow the filter.`;
  return new GatewayError('BAD_USER_INPUT', message);
}

function isSorted(order: ListOrder): order is readonly EventSortKey[] {
  return Array.isArray(order);
}

/** Over the aliases of `eventSource`, and `asked.value`. */
export const PARENT_CONDITIONS: Readonly<Record<EventParentField, SQL>> = {
  parentId: sql`${e.parent_id} = asked.value`,
  groupId: sql`${e.group_id} = asked.value`,
  definitionId: sql`${e.definition_id} = asked.value::int`,
};

/**
 * Selects the rows in the order of reading; where there are CTEs more of them, and in any order.
 * The limit is part of the text: Postgres then knows how few rows are wanted, and soon plans the
 * statement once for all values. As a parameter it made it plan each time anew, which took three
 * quarters of the time of a page.
 */
export function rowsSql(
  { where, keyset: page, windows, offset }: EventPagePlan,
  limit: number,
  columns: SQL,
): { ctes: SQL; source: SQL } {
  const skipped = offset === 0 ? sql`` : sql` offset ${offset}`;
  const read = (window: Window) => sql`
    select ${columns} from ${eventSourceOf(window.from)}
    where ${where} and ${page.where} and ${window.where} order by ${page.order} limit ${sql.raw(String(limit))}${skipped}`;
  return walk(windows.map(read), limit);
}

/** Selects `behind_after` and `beyond_before`; `offset 0` keeps it from being run for each row of a page. */
export function endsSql({ where, keyset: page }: EventPagePlan): SQL {
  return sql`
    select ${probe(eventSource, where, page.behindAfter)} as behind_after,
      ${probe(eventSource, where, page.beyondBefore)} as beyond_before
    offset 0`;
}

/** The oldest position that is kept. */
export function tailSql(workspaceId: number): SQL {
  return sql`coalesce((
    select ${m.tail} from workspace_marks m where ${m.workspace_id} = ${workspaceId}
  ), 1)`;
}

/**
 * Whoever goes on after a place is told when retention has taken what came next: a page without
 * it would look complete. A list that goes back in positions just ends where the log begins.
 * @throws GatewayError CURSOR_EXPIRED
 */
export function checkKept({ list, cursors }: EventPagePlan, tail: number): void {
  const position = positionBefore(list);
  if (position === null || position >= tail - 1) return;
  const oldestCursor = cursors.encodePosition({ ...LOG_BEGINNING, position: tail - 1 });
  const message =
    'Events after this cursor are no longer kept. Continue at oldestCursor. The events in between are gone.';
  throw new GatewayError('CURSOR_EXPIRED', message, { extensions: { oldestCursor } });
}

/** Where the list begins, if it goes on after a place in the log. */
export function positionBefore({ descending, before, after }: EventList): number | null {
  return (descending === true ? before : after)?.position ?? null;
}

function readingOf(list: EventList, { backward }: PageRequest, now: Date) {
  const start = backward ? list.before : list.after;
  return {
    descending: list.descending !== backward,
    from: start?.recordedAt ?? null,
    position: start?.position ?? null,
    now,
  };
}

const KEYS: Readonly<Record<CursorOrder['field'], readonly SQL[]>> = {
  POSITION: [sql`${e.position}`],
  OCCURRED_AT: [sql`${e.occurred_at}`, sql`${e.position}`],
  OCCURRED_AT_AND_ID: [sql`${e.occurred_at}`, sql`${e.event_id} collate "C"`, sql`${e.position}`],
};

function cursorList(
  { after, before }: PageRequest,
  { field, direction }: CursorOrder,
  cursors: EventCursors,
): EventList {
  const placeOf = (cursor: string | null) =>
    cursor === null ? null : placeIn(field, cursor, cursors);
  return {
    columns: KEYS[field],
    descending: direction === 'DESC',
    after: placeOf(after),
    before: placeOf(before),
  };
}

function placeIn(field: CursorOrder['field'], cursor: string, cursors: EventCursors): EventPlace {
  if (field === 'POSITION') {
    const { position, recordedAt } = cursors.decodePosition(cursor);
    const bound = (operator: SQL) => sql`${e.recorded_at} ${operator} ${recordedAt}`;
    return { values: [sql`${position}`], bound, recordedAt, position };
  }
  const unknown = { recordedAt: null, position: null };
  if (field === 'OCCURRED_AT') {
    const { occurredAt, position } = cursors.decodeOccurredAt(cursor);
    return { values: [sql`${occurredAt}`, sql`${position}`], ...unknown };
  }
  const { occurredAt, eventId, position } = cursors.decodeOccurredAtAndId(cursor);
  return { values: [sql`${occurredAt}`, sql`${eventId}::text`, sql`${position}`], ...unknown };
}

function comparison({ field, direction }: CursorOrder, { backward }: PageRequest) {
  const sign = (direction === 'DESC') === backward ? 1 : -1;
  return (a: EventRow, b: EventRow): number => {
    const byTime = field === 'POSITION' ? 0 : a.occurred_at.getTime() - b.occurred_at.getTime();
    const byId = field === 'OCCURRED_AT_AND_ID' ? compareTexts(a.event_id, b.event_id) : 0;
    return sign * (byTime || byId || a.position - b.position);
  };
}

const SORT_COLUMNS = {
  OCCURRED_AT: sql`${e.occurred_at}`,
  EXPIRES_AT: sql`${e.expires_at}`,
  TYPE: sql`${d.name}`,
  SOURCE: sql`${e.source}`,
  CLIENT_IP: sql`${e.client_ip}`,
  EVENT_ID: sql`${e.event_id}`,
} as const;

function sortedList(keys: readonly EventSortKey[]): EventList {
  const columns = keys.map(({ key }) =>
    typeof key === 'string' ? SORT_COLUMNS[key] : sql`(${e.payload} #> ${textArray(key)})`,
  );
  return {
    columns: [...columns, sql`${e.position}`],
    descending: [...keys.map(({ descending }) => descending), keys[0]?.descending === true],
    after: null,
    before: null,
  };
}
