/**
 * Pages of events. One statement reads the page, whether the list goes on at its ends, and the
 * head of the log, all of one snapshot; for many parents the same once for each, side by side.
 */
import { type SQL, sql } from 'drizzle-orm';
import { LOG_BEGINNING } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import { toPage } from '../core/page.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { type EventRow, toStoredEvent } from '../db/stored-event.ts';
import {
  checkKept,
  endsSql,
  type EventPagePlan,
  type EventPageRequest,
  headSql,
  planEventPage,
  rowsSql,
  tailSql,
} from './event-page-plan.ts';
import type { EventOrder, EventPage, EventParentField } from './events.ts';
import { textArray } from './params.ts';

export interface EventPagesRequest extends EventPageRequest {
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

export async function readPages(
  read: Connection,
  { parents, ...request }: EventPagesRequest,
): Promise<EventPage[]> {
  const plan = planEventPage(request, parents?.field);
  const asked =
    parents === null
      ? sql`(select 1 as ord) asked`
      : sql`unnest(${textArray(parents.values)}) with ordinality asked (value, ord)`;
  const { byIndex } = plan;
  const found = await rows<PageRow>(read, pagesSql(plan, asked), { byIndex });
  checkKept(plan, found[0]?.tail ?? 1);
  const pages = Array.from({ length: parents?.values.length ?? 1 }, (): PageRow[] => []);
  for (const row of found) pages[row.ord - 1]?.push(row);
  return pages.map(page => toEventPage(page as [PageRow, ...PageRow[]], plan));
}

function pagesSql(plan: EventPagePlan, asked: SQL): SQL {
  const { ctes, source } = rowsSql(plan, plan.keyset.limit);
  return sql`
    ${ctes}
    select asked.ord, ends.behind_after, ends.beyond_before, head.head, head.head_recorded_at, e.*,
      ${tailSql(plan.workspaceId)} as tail
    from ${asked}
    cross join lateral (${endsSql(plan)}) ends
    left join lateral (${headSql(plan.workspaceId)}) head on true
    left join lateral (${source}) e on true`;
}

function toEventPage(
  pageRows: readonly [PageRow, ...PageRow[]],
  { request, order }: EventPagePlan,
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
