import { checkAggregateQuery } from '../core/aggregate-check.ts';
import { aggregateCursors } from '../core/aggregate-cursor.ts';
import { AGGREGATE_ROWS_MAX, queryKey, toBucket, toList } from '../core/aggregate-list.ts';
import { isOfRollups, layGrid, toRollupFilter } from '../core/aggregate-plan.ts';
import type { AggregateBucket, AggregateQuery } from '../core/aggregate.ts';
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { readAnswer } from './aggregate-answer.ts';
import { readZone, type AggregateReaderOptions } from './aggregates.ts';

export interface WholeAnswer {
  readonly buckets: readonly AggregateBucket[];
  /** Every event up to here is counted in, none after it. */
  readonly asOf: LogPlace;
}

/**
 * Every bucket at once, from rollups alone: what a live answer is made of.
 * @throws GatewayError NOT_LIVE with what to drop; what `page` throws
 */
export async function readWholeAnswer(
  options: AggregateReaderOptions,
  workspaceId: number,
  query: AggregateQuery,
): Promise<WholeAnswer> {
  checkAggregateQuery(query);
  requireRollups(query);
  const zone = query.timeZone ?? (await readZone(options.read, workspaceId));
  const nowMs = options.nowMs();
  const grid = layGrid(query, zone, nowMs);
  const question = { workspaceId, query, grid, asOf: null, rowsMax: AGGREGATE_ROWS_MAX + 1, nowMs };
  const { rows, standing, source } = await readAnswer(options.read, question);
  if (source === 'EVENTS') throw notLive('measures of properties that no definition declares');
  const key = queryKey(workspaceId, query, zone);
  const cursors = aggregateCursors(options.epoch, workspaceId, key);
  const shared = { asOf: standing.head, nowMs };
  const buckets = toList(rows, query, grid).map((row, at) => {
    const cursorOf = (id: string) => cursors.encode(shared, at, id);
    return toBucket(row, { query, key, grid, cursorOf });
  });
  return { buckets, asOf: standing.head };
}

function requireRollups(query: AggregateQuery): void {
  if (query.orderBy === 'COUNT_DESC') throw notLive('orderBy COUNT_DESC');
  if (toRollupFilter(query.filter) === null) {
    throw notLive('filters other than types, typePrefix, categories, doors and occurredAt');
  }
  if (!isOfRollups(query)) {
    throw notLive(
      'groups other than TYPE, CATEGORY and DOOR, and measures other than COUNT, SUM, MIN, MAX ' +
        'and AVG of declared top-level properties',
    );
  }
}

function notLive(what: string): GatewayError {
  return new GatewayError('NOT_LIVE', `Only aggregates from rollups can be live. Remove ${what}.`);
}
