/** Counts for doors: from rollups where they hold them, else from the events. */
import { sql } from 'drizzle-orm';
import { GatewayError } from '../core/errors.ts';
import type { EventCondition } from '../core/event-condition.ts';
import { columnsOf } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { readCount, rows } from '../db/query.ts';
import { eventDefinitions, events } from '../db/schema.ts';
import { textArray } from '../db/sql-lists.ts';
import { countedEvents } from '../db/stored-event.ts';
import { shownSql, sourceOf } from './conditions.ts';
import { type CountSources, countWithoutScan } from './event-count.ts';
import { countTypesFromRollups, type TypeBucket } from './type-counts.ts';

const d = columnsOf(eventDefinitions, 'd');
const e = columnsOf(events, 'e');

export interface ValueCount {
  /** JSON text. */
  readonly value: string;
  readonly count: number;
  /** Different values at the other path among them. */
  readonly distinct: number;
}

export interface EventTallies {
  /** Events since each instant, and how many different values at a path of the payload all have. */
  countSince(
    workspaceId: number,
    filter: EventCondition,
    asked: { readonly since: readonly Date[]; readonly distinctPath: readonly string[] },
  ): Promise<{ readonly counts: readonly number[]; readonly distinct: number }>;
  /**
   * By type in buckets of this length from midnight UTC on; in order of time, then of type. From
   * rollups where the filter is of types alone, up to the bucket of now: then they count what was
   * removed since, too.
   */
  countByType(
    workspaceId: number,
    filter: EventCondition,
    asked: { readonly since: Date; readonly bucketMs: number },
  ): Promise<readonly TypeBucket[]>;
  /** The values at a path of the payload that most events have, without null. */
  topValues(
    workspaceId: number,
    filter: EventCondition,
    asked: {
      readonly path: readonly string[];
      readonly distinctPath: readonly string[];
      readonly limit: number;
    },
  ): Promise<readonly ValueCount[]>;
}

const BUCKETS_MAX = 10_000;

export function createEventTallies(sources: CountSources): EventTallies {
  const { read } = sources;
  return {
    async countSince(workspaceId, filter, { since, distinctPath }) {
      const [counts, distinct] = await Promise.all([
        countEachSince(sources, workspaceId, filter, since),
        countDistinct(read, workspaceId, filter, distinctPath),
      ]);
      return { counts, distinct };
    },
    async countByType(workspaceId, filter, { since, bucketMs }) {
      const rowsMax = BUCKETS_MAX + 1;
      const request = { workspaceId, filter, since, bucketMs, nowMs: Date.now(), rowsMax };
      const counted = await countTypesFromRollups(read, request);
      if (counted !== null) return bounded(counted);
      const found = await rows<TypeBucket>(
        read,
        sql`select ${d.name} as type, count(*) as count,
            date_bin(${bucketMs}::float8 * interval '1 millisecond', ${e.occurred_at},
              timestamptz 'epoch') as start
          from ${countedEvents}
          where ${shownSql(workspaceId, filter)} and ${e.occurred_at} >= ${since}
          group by 1, 3 order by 3, 1 limit ${BUCKETS_MAX + 1}`,
      );
      return bounded(found);
    },
    async topValues(workspaceId, filter, { path, distinctPath, limit }) {
      return rows<ValueCount>(
        read,
        sql`select v.value::text as value, count(*) as count,
            count(distinct ${valueAt(distinctPath)}) as distinct
          from ${sourceOf(filter)} cross join lateral (select ${valueAt(path)} as value) v
          where ${shownSql(workspaceId, filter)} and v.value is not null
          group by v.value order by 2 desc, v.value limit ${limit}`,
      );
    },
  };
}

/** From rollups where they know; a century of steps costs no more than a day then. */
async function countEachSince(
  sources: CountSources,
  workspaceId: number,
  filter: EventCondition,
  since: readonly Date[],
): Promise<readonly number[]> {
  const known: number[] = [];
  for (const instant of since) {
    const after: EventCondition = { allOf: [filter, { occurredAt: { from: instant } }] };
    const count = await countWithoutScan(sources, workspaceId, after);
    if (count === null) return scanSince(sources.read, workspaceId, filter, since);
    known.push(count);
  }
  return known;
}

async function scanSince(
  read: Connection,
  workspaceId: number,
  filter: EventCondition,
  since: readonly Date[],
): Promise<readonly number[]> {
  const counts = since.map(
    (instant, at) =>
      sql`count(*) filter (where ${e.occurred_at} >= ${instant}) as ${sql.raw(`since_${at}`)}`,
  );
  const [row] = await rows<Record<string, number>>(
    read,
    sql`select ${sql.join(counts, sql`, `)}
      from ${sourceOf(filter)} where ${shownSql(workspaceId, filter)}`,
  );
  return since.map((_, at) => row?.[`since_${at}`] ?? 0);
}

/**
 * Texts are told apart by hashing, values of JSON by sorting, which takes twice as long: so only
 * those of different text are sorted.
 */
async function countDistinct(
  read: Connection,
  workspaceId: number,
  filter: EventCondition,
  path: readonly string[],
): Promise<number> {
  return readCount(
    read,
    sql`select count(distinct v.text::jsonb) as count from (
        select distinct (${valueAt(path)})::text as text
        from ${sourceOf(filter)} where ${shownSql(workspaceId, filter)}
      ) v`,
  );
}

function bounded(buckets: readonly TypeBucket[]): readonly TypeBucket[] {
  if (buckets.length <= BUCKETS_MAX) return buckets;
  const message = `The answer would have more than ${BUCKETS_MAX} buckets. Narrow the filter.`;
  throw new GatewayError('QUERY_TOO_EXPENSIVE', message);
}

/** SQL null also for a null of JSON. */
function valueAt(path: readonly string[]) {
  return sql`nullif(${e.payload} #> ${textArray(path)}, 'null'::jsonb)`;
}
