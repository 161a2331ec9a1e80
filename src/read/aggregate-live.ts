import { checkAggregateQuery } from '../core/aggregate-check.ts';
import { aggregateCursors } from '../core/aggregate-cursor.ts';
import { AGGREGATE_ROWS_MAX, queryKey, toBucket, toList } from '../core/aggregate-list.ts';
import { isOfRollups, layGrid, toRollupFilter } from '../core/aggregate-plan.ts';
import type { AggregateBucket, AggregateQuery } from '../core/aggregate.ts';
import type { LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { Connection } from '../db/connection.ts';
import { readKept } from './aggregate-answer.ts';
import { readZone, type AggregateReaderOptions } from './aggregates.ts';
import { adviseMeter, type Advice } from './meter-advice.ts';

export interface WholeAnswer {
  readonly buckets: readonly AggregateBucket[];
  /** Every event up to here is counted in, none after it. */
  readonly asOf: LogPlace;
}

/**
 * Every bucket at once, from rollups or a meter: what a live answer is made of.
 * @throws GatewayError NOT_LIVE with what would make it live; what `page` throws
 */
export async function readWholeAnswer(
  options: AggregateReaderOptions,
  workspaceId: number,
  query: AggregateQuery,
): Promise<WholeAnswer> {
  checkAggregateQuery(query);
  if (query.orderBy === 'COUNT_DESC') throw notLive('Remove orderBy COUNT_DESC.');
  const { read } = options;
  const zone = query.timeZone ?? (await readZone(read, workspaceId));
  const nowMs = options.nowMs();
  const grid = layGrid(query, zone, nowMs);
  const question = { workspaceId, query, grid, asOf: null, rowsMax: AGGREGATE_ROWS_MAX + 1, nowMs };
  const answer = await readKept(read, { ...question, isLive: true });
  if (answer === null) throw await refusal(read, workspaceId, query);
  const { rows, standing, relativeErrors } = answer;
  const key = queryKey(workspaceId, query, zone);
  const cursors = aggregateCursors(options.epoch, workspaceId, key);
  const shared = { asOf: standing.head, nowMs };
  const buckets = toList(rows, query, grid).map((row, at) => {
    const cursorOf = (id: string) => cursors.encode(shared, at, id);
    return toBucket(row, { query, key, grid, relativeErrors, cursorOf });
  });
  return { buckets, asOf: standing.head };
}

async function refusal(
  read: Connection,
  workspaceId: number,
  query: AggregateQuery,
): Promise<GatewayError> {
  const advice = await adviseMeter(read, workspaceId, query);
  const what = notOfRollups(query);
  return notLive(`Remove ${what}.${advice === null ? '' : ` ${advice.text}`}`, advice?.extensions);
}

function notOfRollups(query: AggregateQuery): string {
  if (toRollupFilter(query.filter) === null) {
    return 'filters other than types, typePrefix, categories, doors and occurredAt';
  }
  if (!isOfRollups(query)) {
    return (
      'groups other than TYPE, CATEGORY and DOOR, and measures other than COUNT, SUM, MIN, MAX ' +
      'and AVG of declared top-level properties'
    );
  }
  return 'measures of properties that no definition declares';
}

function notLive(advice: string, extensions: Advice['extensions'] = {}): GatewayError {
  const message = `Only aggregates from rollups and meters can be live. ${advice}`;
  return new GatewayError('NOT_LIVE', message, { extensions });
}
