/**
 * How an aggregate query is answered: from rollups where they know enough, else from the events.
 *
 * Rollups know type (and so category), door and time. They answer a query that filters by these alone, in any
 * combination of and, or and not (but time only in conjunction); groups by type, category, door
 * or nothing; and measures COUNT, or SUM, MIN, MAX and AVG of a top-level property. Bucket
 * boundaries must fall on the edges of rows, which those of today's zones always do.
 */
import type { AggregateQuery, Granularity } from './aggregate.ts';
import {
  ceilTo,
  cutIntoGrains,
  EARLIEST,
  floorTo,
  type GrainEdges,
  GRAINS,
  type Interval,
  LATEST,
  minutesReadSince,
  type Piece,
  rowStart,
} from './bucket.ts';
import { GatewayError } from './errors.ts';
import type { DateTimeRange, EventFilter } from './filter.ts';
import { endOfUnit, fewestUnits, MINUTE_MS, QUARTER_HOUR_MS, unitBoundaries } from './time-zone.ts';

/** A sparse answer of few rows may lie in more buckets than it has rows. */
const BUCKETS_MAX = 20_000;

/** The buckets of an answer: bucket i is from boundary i to boundary i + 1. */
export interface BucketGrid {
  /** The timeframe's instants, in ms. */
  readonly timeframe: Interval;
  readonly granularity: Granularity | null;
  readonly zone: string;
  readonly boundaries: readonly number[];
}

/** @throws GatewayError QUERY_TOO_EXPENSIVE where the timeframe has too many buckets. */
export function layGrid(query: AggregateQuery, zone: string, nowMs: number): BucketGrid {
  const timeframe = timeframeOf(query, nowMs);
  const { granularity } = query;
  if (granularity === null) {
    return { timeframe, granularity, zone, boundaries: [timeframe.from, timeframe.to] };
  }
  if (fewestUnits(timeframe, granularity) > BUCKETS_MAX) throw tooManyBuckets(granularity);
  const boundaries = unitBoundaries(timeframe, granularity, zone, BUCKETS_MAX);
  if (boundaries.length - 1 > BUCKETS_MAX) throw tooManyBuckets(granularity);
  return { timeframe, granularity, zone, boundaries };
}

function tooManyBuckets(granularity: Granularity): GatewayError {
  const message = `The timeframe has more than ${BUCKETS_MAX} buckets of one ${granularity}. Shorten it, or use a coarser granularity.`;
  return new GatewayError('QUERY_TOO_EXPENSIVE', message);
}

function timeframeOf({ timeframe }: AggregateQuery, nowMs: number): Interval {
  if ('last' in timeframe) return { from: Math.max(EARLIEST, nowMs - timeframe.last), to: nowMs };
  return { from: timeframe.between.from.getTime(), to: timeframe.between.to.getTime() };
}

/** A filter that rollups can answer: what remains of it beside a range of time. */
export interface RollupFilter {
  /** Of types and doors alone; without a condition it matches everything. */
  readonly filter: EventFilter;
  /** In which occurredAt must lie, in ms. */
  readonly range: Interval;
}

export const ALWAYS: Interval = { from: EARLIEST, to: LATEST + 1 };
const ROLLUP_FIELDS: ReadonlySet<string> = new Set([
  'types',
  'typePrefix',
  'categories',
  'doors',
  'and',
  'or',
  'not',
  'occurredAt',
]);

/** Null where rollups can't tell which events a filter matches. */
export function toRollupFilter(filter: EventFilter | null | undefined): RollupFilter | null {
  if (filter == null) return { filter: {}, range: ALWAYS };
  const { occurredAt, and, ...rest } = filter;
  const parts = (and ?? []).map(toRollupFilter);
  if (parts.includes(null) || !isTimeless(rest)) return null;
  const all = parts as RollupFilter[];
  const range = all.reduce((sum, part) => intersect(sum, part.range), rangeOf(occurredAt));
  return { filter: { ...rest, and: all.map(part => part.filter) }, range };
}

function isTimeless(filter: EventFilter): boolean {
  const isKnown = Object.entries(filter).every(
    ([field, value]) => value == null || ROLLUP_FIELDS.has(field),
  );
  const inner = [...(filter.and ?? []), ...(filter.or ?? []), ...(filter.not ? [filter.not] : [])];
  return isKnown && filter.occurredAt == null && inner.every(isTimeless);
}

export function rangeOf(range: DateTimeRange | null | undefined): Interval {
  return {
    from: range?.from?.getTime() ?? ALWAYS.from,
    to: range?.to?.getTime() ?? ALWAYS.to,
  };
}

export function intersect(a: Interval, b: Interval): Interval {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
}

/** Whether rollups know the groups and measures; that the properties are declared is apart. */
export function isOfRollups({ groupBy, measures }: AggregateQuery): boolean {
  const isGroupKnown = groupBy.every(
    key => 'dimension' in key && ['TYPE', 'CATEGORY', 'DOOR'].includes(key.dimension),
  );
  return (
    isGroupKnown &&
    measures.every(
      ({ function: name, payloadPath }) =>
        name === 'COUNT' ||
        (['SUM', 'MIN', 'MAX', 'AVG'].includes(name) && payloadPath?.length === 1),
    )
  );
}

export interface CutOptions {
  readonly nowMs: number;
  /** The zone of the day rows; null where none are to be used. */
  readonly daysZone: string | null;
}

/** The pieces in which rollups tell an interval; null where boundaries cut their rows. */
export function cutForRollups(
  grid: BucketGrid,
  interval: Interval,
  { nowMs, daysZone }: CutOptions,
): Piece[] | null {
  const { granularity, zone, boundaries, timeframe } = grid;
  const inner = granularity === null ? [] : boundaries.slice(1, -1);
  const isByDay = granularity === 'DAY' || granularity === 'WEEK' || granularity === 'MONTH';
  const hasDays = daysZone !== null && (granularity === null || (isByDay && zone === daysZone));
  const isOnGrid = (sizeMs: number) => hasDays || inner.every(at => at % sizeMs === 0);
  const minutesSince = minutesReadSince(nowMs);
  const grains: GrainEdges[] = [];
  if (hasDays) grains.push(dayEdges(daysZone));
  if (granularity !== 'MINUTE' && isOnGrid(QUARTER_HOUR_MS)) {
    grains.push(evenEdges(GRAINS.QUARTER_HOUR, QUARTER_HOUR_MS));
  }
  if (grains.length === 0 && timeframe.from < minutesSince) return null;
  if (isOnGrid(MINUTE_MS)) grains.push(minuteEdges(minutesSince));
  return grains.length === 0 ? null : cutIntoGrains(interval, grains);
}

export function dayEdges(zone: string): GrainEdges {
  const floor = (at: number) => rowStart(GRAINS.DAY, at, zone);
  const ceil = (at: number) => (floor(at) === at ? at : endOfUnit('DAY', at, zone));
  return { grain: GRAINS.DAY, floor, ceil };
}

export function evenEdges(grain: GrainEdges['grain'], sizeMs: number): GrainEdges {
  return { grain, floor: at => floorTo(at, sizeMs), ceil: at => ceilTo(at, sizeMs) };
}

function minuteEdges(since: number): GrainEdges {
  const even = evenEdges(GRAINS.MINUTE, MINUTE_MS);
  return { ...even, ceil: at => Math.max(since, even.ceil(at)) };
}

/**
 * The rows of the finest grain in which a piece lies that rollups can't tell: where they count
 * as many events as are still there, none was removed.
 */
export function rowsAround({ from, to }: Interval, nowMs: number): Piece {
  const isRecent = from >= minutesReadSince(nowMs);
  const [grain, sizeMs] = isRecent
    ? [GRAINS.MINUTE, MINUTE_MS]
    : [GRAINS.QUARTER_HOUR, QUARTER_HOUR_MS];
  return { grain, from: floorTo(from, sizeMs), to: ceilTo(to, sizeMs) };
}
