import { type SQL, sql } from 'drizzle-orm';
import { GatewayError } from '../core/errors.ts';
import { checkFilter } from '../core/filter-check.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { events } from '../db/schema.ts';
import { codeOf, SQLSTATE } from '../db/sqlstate.ts';
import { countedEvents, notExpired } from '../db/stored-event.ts';
import type { AggregateCounts } from './aggregate-counts.ts';
import { PARENT_CONDITIONS } from './event-page-plan.ts';
import type { EventParentField } from './event-reader.ts';
import { filterSql } from './filters.ts';
import { allOf, textArray } from './params.ts';

const e = columnsOf(events, 'e');

export interface CountRequest {
  readonly counts: Pick<AggregateCounts, 'countFromRollups' | 'shownOfDefinitions'>;
  readonly workspaceId: number;
  readonly filter: EventFilter | null | undefined;
  readonly countWithinMs: number;
}

/** Exact, or null where it would take longer than its limit. From rollups where they can tell. */
export async function countEvents(
  read: Connection,
  { counts, workspaceId, filter, countWithinMs }: CountRequest,
): Promise<number | null> {
  checkFilter(filter);
  const isAll = isOfAll(filter);
  const known = isAll ? null : await counts.countFromRollups(workspaceId, filter);
  if (known !== null) return known;
  const statement = isAll
    ? countAll(workspaceId)
    : sql`
        select count(*) as count from ${countedEvents}
        where ${e.workspace_id} = ${workspaceId} and ${notExpired} and ${filterSql(filter, workspaceId)}`;
  const found = await countsWithin(read, statement, countWithinMs);
  return found && (found[0] ?? 0);
}

export interface CountByRequest extends CountRequest {
  readonly parents: { readonly field: EventParentField; readonly values: readonly string[] };
}

/** The same for each of many parents, in one statement; of types alone from what is kept of them. */
export async function countEventsBy(
  read: Connection,
  { counts, workspaceId, filter, countWithinMs, parents: { field, values } }: CountByRequest,
): Promise<(number | null)[]> {
  checkFilter(filter);
  if (field === 'definitionId' && isOfAll(filter)) {
    const known = await counts.shownOfDefinitions(workspaceId, values.map(Number));
    if (known !== null) return values.map(id => known.get(Number(id)) ?? 0);
  }
  const conditions = [
    sql`${e.workspace_id} = ${workspaceId}`,
    notExpired,
    PARENT_CONDITIONS[field],
  ];
  if (filter != null) conditions.push(filterSql(filter, workspaceId));
  const statement = sql`
    select (select count(*) from ${countedEvents} where ${allOf(conditions)}) as count
    from unnest(${textArray(values)}) with ordinality asked (value, ord) order by asked.ord`;
  const found = await countsWithin(read, statement, countWithinMs);
  return found ?? values.map(() => null);
}

function isOfAll(filter: EventFilter | null | undefined): boolean {
  return filter == null || Object.values(filter).every(value => value == null);
}

/** The column `count` of each row; null where counting takes longer than its limit. */
export async function countsWithin(
  read: Connection,
  statement: SQL,
  timeoutMs: number,
): Promise<number[] | null> {
  try {
    const found = await rows<{ count: number }>(read, statement, { timeoutMs });
    return found.map(({ count }) => count);
  } catch (error) {
    if (isTooLong(error)) return null;
    throw error;
  }
}

/** Positions are dense for ever, so only what has expired is counted one by one. */
function countAll(workspaceId: number) {
  const end = (direction: 'asc' | 'desc') => sql`
    select ${e.position} from events e where ${e.workspace_id} = ${workspaceId}
    order by ${e.position} ${sql.raw(direction)} limit 1`;
  return sql`
    select coalesce((${end('desc')}) - (${end('asc')}) + 1, 0) - (
      select count(*) from events e
      where ${e.workspace_id} = ${workspaceId} and ${e.expires_at} <= now()
    ) as count`;
}

function isTooLong(error: unknown): boolean {
  if (error instanceof GatewayError) return error.code === 'QUERY_TOO_EXPENSIVE';
  return codeOf(error) === SQLSTATE.queryCanceled;
}
