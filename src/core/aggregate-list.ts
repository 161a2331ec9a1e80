/**
 * From counted rows to the list that is paged: the empty buckets are filled in, everything is put
 * in order, and each bucket gets an id that stays the same for as long as query, bucket and group
 * do. Lists are bounded, so a page is a slice of the whole list.
 */
import { createHash } from 'node:crypto';
import type { BucketGrid } from './aggregate-plan.ts';
import type { AggregateBucket, AggregateQuery, EventGroupKey, EventMeasure } from './aggregate.ts';
import { EARLIEST, LATEST } from './bucket.ts';
import { canonicalJson } from './canonical-json.ts';
import { GatewayError } from './errors.ts';
import { compareTexts } from './filter-values.ts';

export const AGGREGATE_ROWS_MAX = 10_000;

/** What was counted of one bucket and group. */
export interface AggregateRow {
  /** From 0, in the grid. */
  readonly bucket: number;
  readonly group: readonly (string | null)[];
  /** See `AggregateBucket`. */
  readonly isOther?: boolean;
  readonly count: number;
  /** Decimal digits, in the order asked for. */
  readonly measures: readonly (string | null)[];
}

/** @throws GatewayError QUERY_TOO_EXPENSIVE where the list would be too long. */
export function toList(
  rows: readonly AggregateRow[],
  query: AggregateQuery,
  grid: BucketGrid,
): AggregateRow[] {
  const list = query.fill === 'ZERO' ? filled(rows, query, grid) : [...rows];
  if (list.length > AGGREGATE_ROWS_MAX) throw tooLong();
  if (query.orderBy === 'COUNT_DESC') return list.sort(byCount);
  // Most of them differ in their bucket: what is left to compare is little.
  return inBuckets(list, grid).flatMap(bucket => bucket.sort(byPlace));
}

/** The order of a top list. */
export function byCount(a: AggregateRow, b: AggregateRow): number {
  return b.count - a.count || byPlace(a, b);
}

function byPlace(a: AggregateRow, b: AggregateRow): number {
  return (
    a.bucket - b.bucket ||
    Number(a.isOther ?? false) - Number(b.isOther ?? false) ||
    compareGroups(a.group, b.group)
  );
}

function inBuckets(list: readonly AggregateRow[], grid: BucketGrid): AggregateRow[][] {
  const buckets = Array.from({ length: grid.boundaries.length }, (): AggregateRow[] => []);
  for (const row of list) buckets[row.bucket]?.push(row);
  return buckets;
}

function tooLong(): GatewayError {
  const message = `The answer would have more than ${AGGREGATE_ROWS_MAX} buckets. Shorten the timeframe, use a coarser granularity, group by less, or request a top list (COUNT_DESC).`;
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}

function filled(
  rows: readonly AggregateRow[],
  { groupBy, measures }: AggregateQuery,
  grid: BucketGrid,
): AggregateRow[] {
  const buckets = grid.boundaries.length - 1;
  const byGroup = new Map<string, Filled>();
  const groupOf = ({ group, isOther = false }: Pick<AggregateRow, 'group' | 'isOther'>) => {
    const key = JSON.stringify([group, isOther]);
    let known = byGroup.get(key);
    if (known === undefined) byGroup.set(key, (known = { group, isOther, rows: [] }));
    return known;
  };
  // Without grouping there is one group, also when nothing has happened.
  if (groupBy.length === 0) groupOf({ group: [] });
  for (const row of rows) groupOf(row).rows[row.bucket] = row;
  if (byGroup.size * buckets > AGGREGATE_ROWS_MAX) throw tooLong();
  const zeros = measures.map(({ function: name }) =>
    name === 'COUNT' || name === 'UNIQUE' ? '0' : null,
  );
  return [...byGroup.values()].flatMap(({ group, isOther, rows: known }) =>
    Array.from({ length: buckets }, (_, bucket) => {
      return known[bucket] ?? { bucket, group, isOther, count: 0, measures: zeros };
    }),
  );
}

interface Filled extends Required<Pick<AggregateRow, 'group' | 'isOther'>> {
  readonly rows: (AggregateRow | undefined)[];
}

/** By code point; events without a value come last. */
function compareGroups(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? null;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? 1 : -1;
    return compareTexts(value, other);
  }
  return 0;
}

/** What ids and cursors of a query have in common; the same for equal queries. */
export function queryKey(workspaceId: number, query: AggregateQuery, zone: string): string {
  const { filter, timeframe, granularity, groupBy, measures } = query;
  // Left out where it is not asked for: ids of questions that were there before stay the same.
  const approximate = query.approximate === true ? true : undefined;
  return hash([
    workspaceId,
    zone,
    { filter, timeframe, granularity, groupBy, measures, approximate },
  ]);
}

/** `start` is the bucket's own; a bucket over the whole of a moving timeframe has none. */
export function bucketId(key: string, row: AggregateRow, grid: BucketGrid): string {
  const start = grid.granularity === null ? null : (grid.boundaries[row.bucket] ?? null);
  return hash(row.isOther === true ? [key, start, 'other'] : [key, start, row.group]);
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, 22);
}

export interface BucketOptions {
  readonly query: AggregateQuery;
  /** See `queryKey`. */
  readonly key: string;
  readonly grid: BucketGrid;
  /** Of each measure, where it is approximate. */
  readonly relativeErrors?: readonly (number | null)[] | undefined;
  readonly cursorOf: (id: string) => string;
}

/** Id and cursor are made when they are asked for: of a thousand buckets they take longest. */
export function toBucket(row: AggregateRow, options: BucketOptions): AggregateBucket {
  const { query, key, grid, relativeErrors, cursorOf } = options;
  const { isOther = false } = row;
  let id: string | undefined;
  const idOf = () => (id ??= bucketId(key, row, grid));
  return {
    get id() {
      return idOf();
    },
    get cursor() {
      return cursorOf(idOf());
    },
    start: instant(grid.boundaries[row.bucket] ?? EARLIEST),
    end: instant(grid.boundaries[row.bucket + 1] ?? LATEST),
    group: query.groupBy.map((key, at) => ({
      key: nameOf(key),
      value: isOther ? OTHER : (row.group[at] ?? null),
    })),
    isOther,
    count: row.count,
    measures: query.measures.map((measure, at) => ({
      ...toValue(measure, row.measures[at] ?? null),
      relativeError: relativeErrors?.[at] ?? null,
    })),
  };
}

/** In place of the values of groups that are counted as one. */
const OTHER = 'other';

function toValue({ function: name, payloadPath }: EventMeasure, text: string | null) {
  return { function: name, path: payloadPath, value: toFloat(text), text };
}

/** Null beyond the range of a 64-bit float, as the sum of two large numbers may be. */
function toFloat(text: string | null): number | null {
  const value = Number(text);
  return text === null || !Number.isFinite(value) ? null : value;
}

function nameOf(key: EventGroupKey): string {
  return 'dimension' in key ? key.dimension : key.payloadPath.join('.');
}

/** A week or month may reach beyond the years that readers' date types hold. */
function instant(ms: number): Date {
  return new Date(Math.min(LATEST, Math.max(EARLIEST, ms)));
}
