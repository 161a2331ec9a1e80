/**
 * What statements that read pages of events are made of, whatever they select: which rows, in which
 * order, how many, and what is asked beside them.
 */
import { type SQL, sql } from 'drizzle-orm';
import { type EventCursors, eventCursors, LOG_BEGINNING } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { checkFilter } from '../core/filter-check.ts';
import { checkPageArgs, type PageRequest } from '../core/page.ts';
import { eventSource, notExpired } from '../db/stored-event.ts';
import type { EventOrder, EventPageArgs, EventParentField } from './event-reader.ts';
import { filterSql } from './filters.ts';
import { type Keyset, keyset, type KeysetList, type KeysetPlace, probe } from './keyset.ts';
import { allOf } from './params.ts';
import { isFiltered, isSlow, type Reading, walk, windowsOf } from './windows.ts';

export interface EventPageRequest {
  readonly workspaceId: number;
  readonly epoch: string;
  readonly args: EventPageArgs;
  readonly now: Date;
}

export interface EventPagePlan {
  readonly workspaceId: number;
  readonly request: PageRequest;
  readonly order: EventOrder;
  readonly list: EventList;
  readonly cursors: EventCursors;
  readonly where: SQL;
  readonly keyset: Keyset;
  /** Whether an index yields the rows in the order of the list: see `StatementOptions`. */
  readonly byIndex: boolean;
  /** See `windows.ts`: together all that the list may hold. */
  readonly windows: readonly SQL[];
}

/** In the order of time neither is known. */
interface EventPlace extends KeysetPlace {
  readonly recordedAt: Date | null;
  readonly position: number | null;
}

interface EventList extends KeysetList {
  readonly after: EventPlace | null;
  readonly before: EventPlace | null;
}

const NEWEST_FIRST: EventOrder = { field: 'POSITION', direction: 'DESC' };

/**
 * @param parentField of the many lists that `asked.value` tells apart; null: the whole workspace.
 * @throws GatewayError BAD_USER_INPUT, CURSOR_INVALID, CURSOR_EPOCH
 */
export function planEventPage(
  { workspaceId, epoch, args, now }: EventPageRequest,
  parentField: EventParentField | null = null,
): EventPagePlan {
  const request = checkPageArgs(args);
  const order = args.order ?? NEWEST_FIRST;
  checkFilter(args.filter);
  const cursors = eventCursors(epoch, workspaceId);
  const list = eventList(request, order, cursors);
  const conditions = [sql`e.workspace_id = ${workspaceId}`, notExpired];
  if (parentField !== null) conditions.push(PARENT_CONDITIONS[parentField]);
  if (args.filter != null) conditions.push(filterSql(args.filter, workspaceId));
  const isScan = parentField === null && isSlow(args.filter);
  const walks = order.field === 'POSITION' && isScan;
  return {
    workspaceId,
    request,
    order,
    list,
    cursors,
    where: allOf(conditions),
    byIndex:
      order.field === 'POSITION' ? !isScan : parentField === null && !isFiltered(args.filter),
    keyset: keyset(list, request),
    windows: walks ? windowsOf(readingOf(list, request, now)) : [sql`true`],
  };
}

/** Over the aliases of `eventSource`, and `asked.value`. */
export const PARENT_CONDITIONS: Readonly<Record<EventParentField, SQL>> = {
  parentId: sql`e.parent_id = asked.value`,
  groupId: sql`e.group_id = asked.value`,
  definitionId: sql`e.definition_id = asked.value::int`,
};

/**
 * Selects the rows in the order of reading; where there are CTEs more of them, and in any order.
 * The limit is part of the text: Postgres then knows how few rows are wanted, and soon plans the
 * statement once for all values. As a parameter it made it plan each time anew, which took three
 * quarters of the time of a page.
 */
export function rowsSql(
  { where, keyset: page, windows }: EventPagePlan,
  limit: number,
  columns: SQL,
): { ctes: SQL; source: SQL } {
  const read = (condition: SQL) => sql`
    select ${columns} from ${eventSource}
    where ${where} and ${page.where} and ${condition} order by ${page.order} limit ${sql.raw(String(limit))}`;
  return walk(windows.map(read), limit);
}

/** Selects `behind_after` and `beyond_before`; `offset 0` keeps it from being run for each row of a page. */
export function endsSql({ where, keyset: page }: EventPagePlan): SQL {
  return sql`
    select ${probe(eventSource, where, page.behindAfter)} as behind_after,
      ${probe(eventSource, where, page.beyondBefore)} as beyond_before
    offset 0`;
}

/** Selects `head` and `head_recorded_at`; no row where nothing was recorded. */
export function headSql(workspaceId: number): SQL {
  return sql`
    select h.head, h.recorded_at as head_recorded_at from workspace_heads h
    where h.workspace_id = ${workspaceId} order by h.head desc limit 1`;
}

/** The oldest position that is kept. */
export function tailSql(workspaceId: number): SQL {
  return sql`coalesce((
    select m.tail from workspace_marks m where m.workspace_id = ${workspaceId}
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
  return (descending ? before : after)?.position ?? null;
}

function readingOf(list: EventList, { backward }: PageRequest, now: Date): Reading {
  const start = backward ? list.before : list.after;
  return { descending: list.descending !== backward, from: start?.recordedAt ?? null, now };
}

function eventList(
  request: PageRequest,
  { field, direction }: EventOrder,
  cursors: EventCursors,
): EventList {
  const atPosition = (cursor: string): EventPlace => {
    const { position, recordedAt } = cursors.decodePosition(cursor);
    const bound = (operator: SQL) => sql`e.recorded_at ${operator} ${recordedAt}`;
    return { values: [sql`${position}`], bound, recordedAt, position };
  };
  const atInstant = (cursor: string): EventPlace => {
    const { occurredAt, position } = cursors.decodeOccurredAt(cursor);
    return { values: [sql`${occurredAt}`, sql`${position}`], recordedAt: null, position: null };
  };
  const placeOf = field === 'POSITION' ? atPosition : atInstant;
  return {
    columns: field === 'POSITION' ? [sql`e.position`] : [sql`e.occurred_at`, sql`e.position`],
    descending: direction === 'DESC',
    after: request.after === null ? null : placeOf(request.after),
    before: request.before === null ? null : placeOf(request.before),
  };
}
