/**
 * `eventAggregates`: from rollups or a meter where they know enough, in time that does not grow with
 * the events, else from the events. Both count what one snapshot shows, and `asOf` is its newest event.
 */
import { checkAggregateQuery } from '../core/aggregate-check.ts';
import { aggregateCursors, type ListPin } from '../core/aggregate-cursor.ts';
import {
  AGGREGATE_ROWS_MAX,
  type AggregateRow,
  bucketId,
  queryKey,
  toBucket,
  toList,
} from '../core/aggregate-list.ts';
import { layGrid } from '../core/aggregate-plan.ts';
import type {
  AggregatePage,
  AggregateQuery,
  AggregateReader,
  AggregateSource,
} from '../core/aggregate.ts';
import { cursorInvalid } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { checkPageArgs, type PageArgs, type PageRequest } from '../core/page.ts';
import { columnsOf, type Row, sqlText } from '../db/columns.ts';
import type { Connection } from '../db/connection.ts';
import { workspaces } from '../db/schema.ts';
import { readAnswer } from './aggregate-answer.ts';
import type { EventScan } from './aggregate-from-events.ts';

const WORKSPACE = columnsOf(workspaces);

export interface AggregateReaderOptions extends EventScan {
  readonly read: Connection;
  readonly epoch: string;
  readonly nowMs: () => number;
  /** Told what answered, and how long that took. */
  readonly onAnswer?: (source: AggregateSource, ms: number) => void;
}

export function createAggregateReader(options: AggregateReaderOptions): AggregateReader {
  return {
    page: (workspaceId, query, args) => readPage(options, workspaceId, query, args),
  };
}

async function readPage(
  options: AggregateReaderOptions,
  workspaceId: number,
  query: AggregateQuery,
  args: PageArgs,
): Promise<AggregatePage> {
  checkAggregateQuery(query);
  const request = checkPageArgs(args);
  if (query.orderBy === 'COUNT_DESC') checkTopList(args);
  const zone = query.timeZone ?? (await readZone(options.read, workspaceId));
  const key = queryKey(workspaceId, query, zone);
  const cursors = aggregateCursors(options.epoch, workspaceId, key);
  const after = request.after === null ? null : cursors.decode(request.after);
  const before = request.before === null ? null : cursors.decode(request.before);
  const pin = samePin(after, before);
  const nowMs = options.nowMs();
  const grid = layGrid(query, zone, pin?.nowMs ?? nowMs);
  // A list is cut by the statement where its order is the answer's and nothing is filled in.
  const isCut = query.orderBy === 'COUNT_DESC' && query.fill === 'NONE';
  const rowsMax = isCut ? Math.max(1, request.size) : AGGREGATE_ROWS_MAX + 1;
  const question = { workspaceId, query, grid, asOf: pin?.asOf ?? null, rowsMax };
  const startedMs = performance.now();
  const answer = await readAnswer(options.read, { ...question, nowMs }, options);
  options.onAnswer?.(answer.source, performance.now() - startedMs);
  const list = toList(answer.rows, query, grid);
  const idOf = (row: AggregateRow) => bucketId(key, row, grid);
  const { start, end } = sliceOf(request, list.length, {
    after: after === null ? -1 : placeIn(list, after, idOf),
    before: before === null ? list.length : placeIn(list, before, idOf),
  });
  const asOf = pin?.asOf ?? answer.standing.head;
  const shared = { asOf, nowMs: pin?.nowMs ?? nowMs };
  const total = isCut ? answer.total : list.length;
  return {
    items: list.slice(start, end).map((row, at) => {
      const cursorOf = (id: string) => cursors.encode(shared, start + at, id);
      return toBucket(row, { query, key, grid, relativeErrors: answer.relativeErrors, cursorOf });
    }),
    hasNextPage: end < total,
    hasPreviousPage: start > 0,
    totalCount: total,
    asOf,
    source: answer.source,
  };
}

function checkTopList({ after, last, before }: PageArgs): void {
  if (after == null && last == null && before == null) return;
  const message = 'A top list (COUNT_DESC) accepts only first, because it has no cursors.';
  throw new GatewayError('BAD_USER_INPUT', message);
}

export async function readZone(read: Connection, workspaceId: number): Promise<string> {
  const [row] = await read.query<Row<typeof workspaces, 'time_zone'>>(
    sqlText`select ${WORKSPACE.time_zone} from workspaces where ${WORKSPACE.id} = $1`,
    [workspaceId],
  );
  return row?.time_zone ?? 'UTC';
}

/** Two cursors of one list were given out by the same reading of it. */
function samePin(after: ListPin | null, before: ListPin | null): ListPin | null {
  if (after !== null && before !== null) {
    const isSame = after.nowMs === before.nowMs && after.asOf.position === before.asOf.position;
    if (!isSame) throw cursorInvalid();
  }
  return after ?? before;
}

/** Where the bucket of a cursor stands, or stood: one may be gone whose events have expired. */
function placeIn(
  list: readonly AggregateRow[],
  { index, id }: { readonly index: number; readonly id: string },
  idOf: (row: AggregateRow) => string,
): number {
  const there = list[index];
  if (there !== undefined && idOf(there) === id) return index;
  const found = list.findIndex(row => idOf(row) === id);
  return found === -1 ? index - 0.5 : found;
}

function sliceOf(
  { size, backward }: PageRequest,
  length: number,
  { after, before }: { readonly after: number; readonly before: number },
): { start: number; end: number } {
  const from = Math.max(0, Math.floor(after) + 1);
  const to = Math.max(from, Math.min(length, Math.ceil(before)));
  if (backward) return { start: Math.max(from, to - size), end: to };
  return { start: from, end: Math.min(to, from + size) };
}
