/** Pages of events as JSON (see `event-json.ts`), of the same rows and with the same checks as `event-pages.ts`. */
import { type SQL, sql } from 'drizzle-orm';
import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';
import { readableJson } from '../core/exact-json.ts';
import { goingOn } from '../core/page.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import type { EventRows } from '../db/event-rows.ts';
import { rows } from '../db/query.ts';
import { events } from '../db/schema.ts';
import { eventColumns, headColumns } from '../db/stored-event.ts';
import { newestHeadSql } from '../db/stored-workspace.ts';
import { damagedSql, eventJson, holdsField } from './event-json.ts';
import {
  checkKept,
  endsSql,
  type EventPagePlan,
  type EventPageRequest,
  narrowPage,
  NEWEST_FIRST,
  planEventPage,
  positionBefore,
  rowsSql,
  tailSql,
} from './event-page-plan.ts';
import type {
  EventJsonPage,
  EventJsonPageShape,
  EventOrder,
  EventPageArgs,
  EventPageEnds,
} from './event-reader.ts';
import type { Narrow } from './search-index.ts';

const e = columnsOf(events, 'e');

export interface EventJsonPageRequest extends EventPageRequest {
  readonly args: EventPageArgs;
  readonly shape: EventJsonPageShape;
  readonly read: Connection;
  readonly narrow: Narrow;
  readonly eventRows: EventRows;
}

interface JsonPagePlan extends EventPagePlan {
  readonly orderField: EventOrder['field'];
}

interface PageRow {
  readonly [list: `list_${number}`]: string | null;
  readonly found: number;
  readonly damaged: number;
  readonly tail: number;
  readonly behind_after?: boolean;
  readonly beyond_before?: boolean;
  readonly first_position?: number | null;
  readonly first_at?: Date | null;
  readonly last_position?: number | null;
  readonly last_at?: Date | null;
  readonly head?: number | null;
  readonly head_recorded_at?: Date | null;
}

/** No item has a line break in it: JSON escapes them, and Postgres adds none. */
const BETWEEN = ',\n';
const BETWEEN_SQL = sql.raw(`E',\\n'`);

/**
 * Null where an event is damaged or the page does not fit: `event-pages.ts` reads such pages.
 */
export async function readJsonPage({
  shape,
  read,
  narrow,
  eventRows,
  ...request
}: EventJsonPageRequest): Promise<EventJsonPage | null> {
  const plan: JsonPagePlan = {
    ...(await narrowPage(narrow, planEventPage(request), request.args.filter)),
    orderField: (request.args.order ?? NEWEST_FIRST).field,
  };
  const statement = pageSql(plan, shape, request.epoch);
  const { workspaceId, byIndex, keyset } = plan;
  const { bytesMax } = eventRows;
  const found = await eventRows.attempt(
    // Without payloads nothing depends on what the events hold.
    { workspaceId, rowsMax: holdsPayload(shape) ? keyset.limit : 0 },
    () => rows<PageRow>(read, statement, { bytesMax, byIndex }),
  );
  const [row] = found ?? [];
  if (row === undefined) return null;
  checkKept(plan, row.tail);
  if (row.damaged > 0) return null;
  return {
    lists: shape.lists.map((list, index) => {
      const text = withoutExtra(row[`list_${index}`] ?? '', row.found, plan);
      return holdsField(list, 'payload') ? readableJson(text) : text;
    }),
    ends: shape.ends ? endsOf(row, plan) : null,
    head: shape.head ? headOf(row) : null,
  };
}

function holdsPayload({ lists }: EventJsonPageShape): boolean {
  return lists.some(list => holdsField(list, 'payload'));
}

function pageSql(plan: JsonPagePlan, shape: EventJsonPageShape, epoch: string): SQL {
  const { workspaceId, request, orderField, keyset, list } = plan;
  // The row beyond the page only tells whether it goes on.
  const limit = shape.ends ? keyset.limit : request.size;
  const withPayload = holdsPayload(shape);
  const { ctes, source } = rowsSql(plan, limit, withPayload ? eventColumns : headColumns);
  const scope = { epoch, orderField };
  const none = sql``;
  const lists = shape.lists.map(
    (each, index) =>
      sql`string_agg(${eventJson(each, scope)}, ${BETWEEN_SQL} order by ${keyset.listOrder})
        as ${sql.raw(`list_${index}`)}`,
  );
  const counts = sql`count(*) as found, count(*) filter (where ${damagedSql(withPayload)}) as damaged`;
  const selected = [...lists, counts, ...(shape.ends ? places(plan) : [])];
  const tail = positionBefore(list) === null ? sql`1` : tailSql(workspaceId);
  return sql`
    ${ctes}
    select page.*, ${tail} as tail${shape.ends ? sql`, ends.*` : none}${shape.head ? sql`, head.head, head.recorded_at as head_recorded_at` : none}
    from (
      select ${sql.join(selected, sql`, `)}
      from (select * from (${source}) e order by ${keyset.order} limit ${sql.raw(String(limit))}) e
    ) page
    ${shape.ends ? sql`cross join lateral (${endsSql(plan)}) ends` : none}
    ${shape.head ? sql`left join lateral (${newestHeadSql(workspaceId)}) head on true` : none}`;
}

/** Of the first and the last event on the page, the extra row left out. */
function places({ request, orderField, keyset }: JsonPagePlan): SQL[] {
  const extra = sql.raw(`greatest(count(*) - ${request.size}, 0)`);
  const first = request.backward ? sql`${extra} + 1` : sql`1`;
  const last = request.backward ? sql`count(*)` : sql`count(*) - ${extra}`;
  const at = sql.raw(
    orderField === 'OCCURRED_AT' ? sqlText`${e.occurred_at}` : sqlText`${e.recorded_at}`,
  );
  const nth = (column: SQL, index: SQL) =>
    sql`(array_agg(${column} order by ${keyset.listOrder}))[(${index})::int]`;
  return [
    sql`${nth(sql`${e.position}`, first)} as first_position`,
    sql`${nth(at, first)} as first_at`,
    sql`${nth(sql`${e.position}`, last)} as last_position`,
    sql`${nth(at, last)} as last_at`,
  ];
}

/** The extra row is the last one read: the first of the list where it is read backward. */
function withoutExtra(text: string, found: number, { request }: EventPagePlan): string {
  if (found <= request.size) return text;
  if (request.size === 0) return '';
  return request.backward
    ? text.slice(text.indexOf(BETWEEN) + BETWEEN.length)
    : text.slice(0, text.lastIndexOf(BETWEEN));
}

function endsOf(row: PageRow, { request, orderField, cursors }: JsonPagePlan): EventPageEnds {
  const isEmpty = Math.min(row.found, request.size) === 0;
  const cursorAt = (position: number, at: Date) =>
    orderField === 'OCCURRED_AT'
      ? cursors.encodeOccurredAt({ position, occurredAt: at })
      : cursors.encodePosition({ position, recordedAt: at });
  const ends = {
    behindAfter: row.behind_after === true,
    beyondBefore: row.beyond_before === true,
  };
  return {
    ...goingOn(row.found > request.size, request, ends),
    startCursor: isEmpty ? null : cursorAt(row.first_position as number, row.first_at as Date),
    endCursor: isEmpty ? null : cursorAt(row.last_position as number, row.last_at as Date),
  };
}

function headOf({ head, head_recorded_at }: PageRow): LogPlace {
  return head == null || head_recorded_at == null
    ? LOG_BEGINNING
    : { position: head, recordedAt: head_recorded_at };
}
