/** Reads what was recorded before: pages of rows, and counts for the chart. */
import type { Client } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { StreamError } from '../../api/stream.ts';
import type { Buckets } from './buckets.ts';
import { EventCounts, EventPage, type EventFilter } from './documents.ts';
import { allOf } from './filter.ts';
import { rangeFilter, type Range } from './range.ts';
import { rowOf, type Row } from './rows.ts';

/** Which events. */
export interface Scope {
  readonly client: Client;
  readonly workspace: string;
  readonly filter: EventFilter | null;
  /** Null for live. */
  readonly range: Range | null;
}

/** Live events stand in the order in which they were recorded, those of a time in that of time. */
export function orderOf({ range }: Scope) {
  return { field: range === null ? 'POSITION' : 'OCCURRED_AT', direction: 'DESC' } as const;
}

export function wholeFilter({ filter, range }: Scope): EventFilter | null {
  return allOf([filter, range && rangeFilter(range)].filter(each => each !== null));
}

interface RowPage {
  /** Newest first. */
  readonly rows: readonly Row[];
  readonly olderAfter: string | null;
  readonly liveCursor: string;
}

/** @throws StreamError */
export async function readPage(scope: Scope, after: string | null): Promise<RowPage> {
  const variables = { workspace: scope.workspace, filter: wholeFilter(scope), after };
  const { data, error } = await scope.client
    .query(EventPage, { ...variables, order: orderOf(scope) }, { requestPolicy: 'network-only' })
    .toPromise();
  if (!data) {
    if (error) throw new StreamError(problemOf(error));
    throw new Error('an answer without data and without an error');
  }
  const { nodes, pageInfo, liveCursor } = data.events;
  const olderAfter = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  return { rows: nodes.map(rowOf), olderAfter, liveCursor };
}

interface Counted {
  readonly counts: { readonly type: string; readonly startMs: number; readonly count: number }[];
  /** Every event up to this cursor is counted, and none after it. */
  readonly asOf: string;
}

/** Pages of counts that are read for one chart. */
const PAGES_MAX = 10;

/** Null where it would take too long, or where there is nothing to count by. */
export async function readCounts(scope: Scope, buckets: Buckets | null): Promise<Counted | null> {
  if (buckets === null) return null;
  const { client, workspace, filter } = scope;
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const input = {
    filter,
    timeZone,
    timeframe: buckets.timeframe,
    granularity: buckets.granularity,
    groupBy: [{ dimension: 'TYPE' as const }],
  };
  async function ask(after: string | null) {
    const { data } = await client
      .query(EventCounts, { workspace, input, after }, { requestPolicy: 'network-only' })
      .toPromise();
    return data;
  }
  const counts: Counted['counts'] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const data = await ask(after);
    if (!data) return null;
    const { nodes, pageInfo, asOf } = data.eventAggregates;
    for (const { start, count, group } of nodes) {
      counts.push({ type: group[0]?.value ?? '', startMs: Date.parse(start), count });
    }
    if (!pageInfo.hasNextPage) return { counts, asOf };
    after = pageInfo.endCursor;
  }
  return null;
}
