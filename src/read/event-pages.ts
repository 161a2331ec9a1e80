/**
 * Pages of events. One statement reads the page, whether the list goes on at its ends, and the
 * head of the log, all of one snapshot; for many parents the same once for each, side by side.
 * Where the content of a page does not fit, the page has fewer events than were asked for.
 */
import { type SQL, sql } from 'drizzle-orm';
import { LOG_BEGINNING } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import { goingOn } from '../core/page.ts';
import { bytesOf, type EventRows, type EventStatement } from '../db/event-rows.ts';
import { textArray } from '../db/sql-lists.ts';
import { ResultTooLarge } from '../db/sqlstate.ts';
import { type EventRow, toEventHead, toStoredEvent } from '../db/stored-event.ts';
import { newestHeadSql } from '../db/stored-workspace.ts';
import {
  checkKept,
  endsSql,
  type EventPagePlan,
  type EventPageRequest,
  narrowPage,
  planEventPage,
  rowsSql,
  tailSql,
} from './event-page-plan.ts';
import type { EventPage, EventParentField, WholeEventPage } from './event-reader.ts';
import type { Narrow } from './search-index.ts';

export interface WholePageRequest extends EventPageRequest {
  readonly narrow: Narrow;
}

export interface EventPagesRequest extends WholePageRequest {
  /** Null: one page, of the whole workspace. */
  readonly parents: { readonly field: EventParentField; readonly values: readonly string[] } | null;
}

/** Beside the event, which is null where the page is empty: what the page's ends are like. */
type PageRow = (EventRow | { position: null }) & PageFacts;

interface PageFacts {
  readonly ord: number;
  readonly behind_after: boolean;
  readonly beyond_before: boolean;
  readonly tail: number;
  readonly head: number | null;
  readonly head_recorded_at: Date | null;
  /** In a list that only the database can order. */
  readonly place?: number;
}

interface FoundPage {
  readonly facts: PageFacts;
  /** In the order of reading. */
  readonly rows: readonly EventRow[];
  /** There are rows beyond these. */
  readonly isMore: boolean;
  /** Some of them were asked for, and do not fit. */
  readonly isCut: boolean;
}

export async function readPages(
  eventRows: EventRows,
  request: EventPagesRequest,
): Promise<EventPage[]> {
  const { plan, statement, count } = await prepare(request);
  const withContent = request.args.content !== false;
  const whole = withContent ? await eventRows.whole<PageRow>(statement) : null;
  const found = whole ?? (await eventRows.heads<PageRow>(statement));
  const pages = pagesOf(found, count, plan);
  if (whole !== null) return pages.map(page => toEventPage(page, plan, toStoredEvent));
  if (!withContent) return pages.map(page => toEventPage(page, plan, toEventHead));
  const filled = await fillPages(eventRows, pages, plan);
  return filled.map(page => toEventPage(page, plan, toStoredEvent));
}

/** A page that is never cut: where its content does not fit, its events come in parts. */
export async function readWholePage(
  eventRows: EventRows,
  request: WholePageRequest,
): Promise<WholeEventPage> {
  const { plan, statement, count } = await prepare({ ...request, parents: null });
  const whole = await eventRows.whole<PageRow>(statement);
  const found = whole ?? (await eventRows.heads<PageRow>(statement));
  const [page] = pagesOf(found, count, plan) as [FoundPage];
  if (whole !== null) {
    const events = toEventPage(page, plan, toStoredEvent);
    return { page: events, chunks: [events.items] };
  }
  const inOrder = plan.request.backward ? [...page.rows].reverse() : page.rows;
  return {
    page: toEventPage(page, plan, toEventHead),
    chunks: eventRows.contents(plan.workspaceId, inOrder),
  };
}

async function prepare({ parents, narrow, ...request }: EventPagesRequest) {
  const planned = planEventPage(request, parents?.field);
  const plan = parents === null ? await narrowPage(narrow, planned, request.args.filter) : planned;
  const asked =
    parents === null
      ? sql`(select 1 as ord) asked`
      : sql`unnest(${textArray(parents.values)}) with ordinality asked (value, ord)`;
  const { workspaceId, byIndex } = plan;
  const count = parents?.values.length ?? 1;
  const statement: EventStatement = {
    workspaceId,
    select: columns => pagesSql(plan, asked, columns),
    rowsMax: plan.keyset.limit * count,
    options: { byIndex },
  };
  return { plan, statement, count };
}

function pagesSql(plan: EventPagePlan, asked: SQL, columns: SQL): SQL {
  const { ctes, source: found } = rowsSql(plan, plan.keyset.limit, columns);
  const source =
    plan.compare === null
      ? sql`select row_number() over () as place, s.* from (${found}) s`
      : found;
  return sql`
    ${ctes}
    select asked.ord, ends.behind_after, ends.beyond_before, head.head,
      head.recorded_at as head_recorded_at, e.*,
      ${tailSql(plan.workspaceId)} as tail
    from ${asked}
    cross join lateral (${endsSql(plan)}) ends
    left join lateral (${newestHeadSql(plan.workspaceId)}) head on true
    left join lateral (${source}) e on true`;
}

/** @throws GatewayError CURSOR_EXPIRED */
function pagesOf(found: readonly PageRow[], count: number, plan: EventPagePlan): FoundPage[] {
  const groups = Array.from({ length: count }, (): PageRow[] => []);
  for (const row of found) groups[row.ord - 1]?.push(row);
  checkKept(plan, found[0]?.tail ?? 1);
  const { request, compare } = plan;
  return groups.map(group => {
    // The database reads in this order, but promises none past a join.
    const sorted = group
      .filter((row): row is EventRow & PageFacts => row.position !== null)
      .sort(compare ?? byPlace);
    const rows = sorted.slice(0, request.size);
    const isMore = sorted.length > request.size;
    return { facts: group[0] as PageRow, rows, isMore, isCut: false };
  });
}

/**
 * Pages with their content: of each from its first row on as many as fit, at least one.
 * @throws ResultTooLarge where one event of each of many pages is more than fits.
 */
async function fillPages(
  eventRows: EventRows,
  pages: readonly FoundPage[],
  { workspaceId }: EventPagePlan,
): Promise<FoundPage[]> {
  const budget = eventRows.pageBytes / pages.length;
  const filled = pages.map(page => ({ page, rows: [] as EventRow[], bytes: 0, isCut: false }));
  const pageOf = new Map(filled.flatMap(each => each.page.rows.map(row => [row, each] as const)));
  const heads = [...pageOf.keys()];
  const isWanted = (row: EventRow) => pageOf.get(row)?.isCut === false;
  let bytes = 0;
  for await (const part of eventRows.fill(workspaceId, heads, isWanted)) {
    for (const row of part.filter(isWanted)) {
      const each = pageOf.get(row) as (typeof filled)[number];
      each.bytes += bytesOf(row);
      each.isCut = each.rows.length > 0 && each.bytes > budget;
      if (each.isCut) continue;
      each.rows.push(row);
      bytes += bytesOf(row);
    }
    if (pages.length > 1 && bytes > eventRows.bytesMax)
      throw new ResultTooLarge(eventRows.bytesMax);
  }
  return filled.map(({ page, rows, isCut }) => ({
    facts: page.facts,
    rows,
    isCut,
    isMore: page.isMore || isCut,
  }));
}

function toEventPage(
  { facts, rows, isMore, isCut }: FoundPage,
  { request }: EventPagePlan,
  toEvent: (row: EventRow) => StoredEvent,
): EventPage {
  const items = rows.map(toEvent);
  if (request.backward) items.reverse();
  const ends = { behindAfter: facts.behind_after, beyondBefore: facts.beyond_before };
  const { head, head_recorded_at } = facts;
  return {
    items,
    ...goingOn(isMore, request, ends),
    isCut,
    head:
      head === null || head_recorded_at === null
        ? LOG_BEGINNING
        : { position: head, recordedAt: head_recorded_at },
  };
}

function byPlace(a: PageFacts, b: PageFacts): number {
  return (a.place ?? 0) - (b.place ?? 0);
}
