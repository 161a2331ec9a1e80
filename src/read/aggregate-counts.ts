/** Exact counts for other callers than `eventAggregates`, from rollups and the events after them. */
import { type SQL, sql } from 'drizzle-orm';
import { cutForRollups, toRollupFilter } from '../core/aggregate-plan.ts';
import type { AggregateQuery } from '../core/aggregate.ts';
import type { EventFilter } from '../core/filter.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { rows } from '../db/query.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { intArray } from '../db/sql-lists.ts';
import { notExpired } from '../db/stored-event.ts';
import { aggregateRollups } from './aggregate-from-rollups.ts';
import { readStanding, standingSql } from './aggregate-place.ts';

const e = columnsOf(events, 'e');
const d = columnsOf(eventDefinitions, 'd');
const t = columnsOf(events, 't');

export interface DefinitionCount {
  readonly eventCount: number;
  readonly firstRecordedAt: Date | null;
  readonly lastRecordedAt: Date | null;
}

export interface AggregateCountsOptions {
  readonly read: Connection;
  readonly nowMs: () => number;
}

export interface AggregateCounts {
  /** How often each definition was recorded, also events removed since; without a scan. */
  definitionCounts(
    workspaceId: number,
    definitionIds: readonly number[],
  ): Promise<Map<number, DefinitionCount>>;
  /**
   * How many events of each definition are still shown, without a scan; null once one of the
   * workspace was removed or has expired.
   */
  shownOfDefinitions(
    workspaceId: number,
    definitionIds: readonly number[],
  ): Promise<Map<number, number> | null>;
  /**
   * How many shown events match a filter. Null if rollups cannot tell: for filters other than type,
   * door and time, and after an event was removed or has expired.
   * A redacted event keeps its place and counts.
   */
  countFromRollups(
    workspaceId: number,
    filter: EventFilter | null | undefined,
  ): Promise<number | null>;
}

export function createAggregateCounts({ read, nowMs }: AggregateCountsOptions): AggregateCounts {
  return {
    definitionCounts: (workspaceId, ids) => definitionCounts(read, workspaceId, ids),
    async shownOfDefinitions(workspaceId, ids) {
      const counted = await definitionCounts(read, workspaceId, ids, notExpired);
      // Checked afterwards: if no event is missing now, none was missing then.
      const { tail, hasExpired } = await readStanding(read, workspaceId);
      if (tail > 1 || hasExpired) return null;
      return new Map([...counted].map(([id, { eventCount }]) => [id, eventCount]));
    },
    countFromRollups: (workspaceId, filter) => countEvents(read, workspaceId, filter, nowMs()),
  };
}

interface DefinitionCountRow {
  id: number;
  n: number;
  first_at: Date | null;
  last_at: Date | null;
}

async function definitionCounts(
  read: Connection,
  workspaceId: number,
  ids: readonly number[],
  ofTail: SQL = sql`true`,
): Promise<Map<number, DefinitionCount>> {
  const found = await rows<DefinitionCountRow>(
    read,
    sql`
      with place as materialized (${standingSql(workspaceId)}),
      tail as materialized (
        select ${e.definition_id}, count(*) as n, min(${e.recorded_at}) as first_at,
          max(${e.recorded_at}) as last_at
        from events e
        where ${e.workspace_id} = ${workspaceId}::int and ${e.position} > (select folded from place)
          and ${e.recorded_at} >= (select folded_at from place) and ${ofTail}
        group by ${e.definition_id}
      )
      select ${d.id}, ${d.event_count} + coalesce(t.n, 0) as n,
        least(${d.first_recorded_at}, t.first_at) as first_at,
        greatest(${d.last_recorded_at}, t.last_at) as last_at
      from event_definitions d left join tail t on ${t.definition_id} = ${d.id}
      where ${d.workspace_id} = ${workspaceId}::int and ${d.id} = any(${intArray(ids)})`,
  );
  return new Map(
    found.map(({ id, n, first_at, last_at }) => [
      id,
      { eventCount: n, firstRecordedAt: first_at, lastRecordedAt: last_at },
    ]),
  );
}

const COUNT: AggregateQuery = {
  filter: null,
  timeframe: { last: 1 },
  granularity: null,
  timeZone: null,
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};

async function countEvents(
  read: Connection,
  workspaceId: number,
  filter: EventFilter | null | undefined,
  nowMs: number,
): Promise<number | null> {
  const known = toRollupFilter(filter);
  if (known === null) return null;
  const { range: interval } = known;
  const { daysZone, tail, hasExpired } = await readStanding(read, workspaceId);
  if (tail > 1 || hasExpired) return null;
  const boundaries = [interval.from, interval.to];
  const grid = { timeframe: interval, granularity: null, zone: 'UTC', boundaries };
  const pieces = cutForRollups(grid, interval, { nowMs, daysZone });
  if (pieces === null) return null;
  const question = { workspaceId, query: COUNT, grid, asOf: null, rowsMax: 1, nowMs };
  const answer = await aggregateRollups(read, {
    ...question,
    pieces,
    interval,
    filter: known.filter,
    shownOnly: true,
  });
  const { standing } = answer;
  const isOther = standing.daysZone !== daysZone || standing.tail > 1 || standing.hasExpired;
  return isOther ? null : (answer.rows[0]?.count ?? 0);
}
