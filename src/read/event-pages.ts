/**
 * Pages of events. One statement reads the page, whether the list goes on at its ends, and the
 * head of the log, all of one snapshot; for many parents the same once for each, side by side.
 */
import { type SQL, sql } from 'drizzle-orm';
import { type EventCursors, eventCursors, LOG_BEGINNING } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import { checkFilter } from '../core/filter-check.ts';
import { checkPageArgs, type PageRequest, toPage } from '../core/page.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import {
  eventColumns,
  type EventRow,
  eventSource,
  notExpired,
  toStoredEvent,
} from '../db/stored-event.ts';
import type { EventOrder, EventPage, EventPageArgs, EventParentField } from './events.ts';
import { filterSql } from './filters.ts';
import { type Keyset, keyset, type KeysetList, type KeysetPlace, probe } from './keyset.ts';
import { allOf, textArray } from './params.ts';
import { isSlow, type Reading, walk, windowsOf } from './windows.ts';

export interface EventPagesRequest {
  readonly workspaceId: number;
  readonly epoch: string;
  readonly args: EventPageArgs;
  readonly now: Date;
  /** Null: one page, of the whole workspace. */
  readonly parents: { readonly field: EventParentField; readonly values: readonly string[] } | null;
}

/** Beside the event, which is null where the page is empty: what the page's ends are like. */
type PageRow = (EventRow | { position: null }) & {
  ord: number;
  behind_after: boolean;
  beyond_before: boolean;
  tail: number;
  head: number | null;
  head_recorded_at: Date | null;
};

const NEWEST_FIRST: EventOrder = { field: 'POSITION', direction: 'DESC' };

export async function readPages(
  read: Connection,
  { workspaceId, epoch, args, now, parents }: EventPagesRequest,
): Promise<EventPage[]> {
  const request = checkPageArgs(args);
  const order = args.order ?? NEWEST_FIRST;
  checkFilter(args.filter);
  const list = eventList(request, order, eventCursors(epoch, workspaceId));
  const conditions = [sql`e.workspace_id = ${workspaceId}`, notExpired];
  if (parents !== null) conditions.push(PARENT_CONDITIONS[parents.field]);
  if (args.filter != null) conditions.push(filterSql(args.filter, workspaceId));
  const walks = parents === null && order.field === 'POSITION' && isSlow(args.filter);
  const found = await rows<PageRow>(
    read,
    pagesSql({
      workspaceId,
      asked:
        parents === null
          ? sql`(select 1 as ord) asked`
          : sql`unnest(${textArray(parents.values)}) with ordinality asked (value, ord)`,
      where: allOf(conditions),
      page: keyset(list, request),
      windows: walks ? windowsOf(readingOf(list, request, now)) : [sql`true`],
    }),
  );
  checkKept(list, found[0], eventCursors(epoch, workspaceId));
  const pages = Array.from({ length: parents?.values.length ?? 1 }, (): PageRow[] => []);
  for (const row of found) pages[row.ord - 1]?.push(row);
  return pages.map(page => toEventPage(page as [PageRow, ...PageRow[]], request, order));
}

/** Over the aliases of `eventSource`, and `asked.value`. */
export const PARENT_CONDITIONS: Readonly<Record<EventParentField, SQL>> = {
  parentId: sql`e.parent_id = asked.value`,
  groupId: sql`e.group_id = asked.value`,
  definitionId: sql`e.definition_id = asked.value::int`,
};

interface PagesStatement {
  readonly workspaceId: number;
  readonly asked: SQL;
  readonly where: SQL;
  readonly page: Keyset;
  readonly windows: readonly SQL[];
}

/** `offset 0` keeps the probes from being made once for each row of the page. */
function pagesSql({ workspaceId, asked, where, page, windows }: PagesStatement): SQL {
  const read = (condition: SQL) => sql`
    select ${eventColumns} from ${eventSource}
    where ${where} and ${page.where} and ${condition} order by ${page.order} limit ${page.limit}`;
  const { ctes, source } = walk(windows.map(read), page.limit);
  return sql`
    ${ctes}
    select asked.ord, ends.behind_after, ends.beyond_before, head.head, head.head_recorded_at, e.*,
      coalesce((
        select m.tail from workspace_marks m where m.workspace_id = ${workspaceId}
      ), 1) as tail
    from ${asked}
    cross join lateral (
      select ${probe(eventSource, where, page.behindAfter)} as behind_after,
        ${probe(eventSource, where, page.beyondBefore)} as beyond_before
      offset 0
    ) ends
    left join lateral (
      select h.head, h.recorded_at as head_recorded_at from workspace_heads h
      where h.workspace_id = ${workspaceId} order by h.head desc limit 1
    ) head on true
    left join lateral (${source}) e on true`;
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

/**
 * Whoever goes on after a place is told when retention has taken what came next: a page without
 * it would look complete. A list that goes back in positions just ends where the log begins.
 * @throws GatewayError CURSOR_EXPIRED
 */
function checkKept(list: EventList, row: PageRow | undefined, cursors: EventCursors): void {
  const { position } = (list.descending ? list.before : list.after) ?? { position: null };
  const tail = row?.tail ?? 1;
  if (position === null || position >= tail - 1) return;
  const oldestCursor = cursors.encodePosition({ ...LOG_BEGINNING, position: tail - 1 });
  const message =
    'Events after this cursor are no longer kept: go on at oldestCursor, what lies between is gone.';
  throw new GatewayError('CURSOR_EXPIRED', message, { extensions: { oldestCursor } });
}

function toEventPage(
  pageRows: readonly [PageRow, ...PageRow[]],
  request: PageRequest,
  order: EventOrder,
): EventPage {
  const [{ behind_after, beyond_before, head, head_recorded_at }] = pageRows;
  const sign = (order.direction === 'DESC') === request.backward ? 1 : -1;
  // The database reads in this order, but promises none past a join.
  const events = pageRows
    .filter(row => row.position !== null)
    .map(row => toStoredEvent(row as EventRow))
    .sort((a, b) => sign * compareInOrder(a, b, order));
  const ends = { behindAfter: behind_after, beyondBefore: beyond_before };
  return {
    ...toPage(events.slice(0, request.size + 1), request, ends),
    head:
      head === null || head_recorded_at === null
        ? LOG_BEGINNING
        : { position: head, recordedAt: head_recorded_at },
  };
}

function compareInOrder(a: StoredEvent, b: StoredEvent, { field }: EventOrder): number {
  const byTime = field === 'OCCURRED_AT' ? a.occurredAt.getTime() - b.occurredAt.getTime() : 0;
  return byTime === 0 ? a.position - b.position : byTime;
}
