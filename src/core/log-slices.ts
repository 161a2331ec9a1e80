/**
 * An interval of the log in slices, for what reads its events one by one: so that it can be said how
 * much was read when the time is up. How many events lie where is known about, from the rollups.
 */
import type { BucketGrid } from './aggregate-plan.ts';
import type { AggregateQuery } from './aggregate.ts';
import type { Interval } from './bucket.ts';

/** Events that occurred from an instant on, up to that of the next weight. */
export interface Weight {
  readonly at: number;
  readonly events: number;
}

/** What is never cut. */
export interface Cell {
  readonly to: number;
  readonly events: number;
}

export interface SliceLimits {
  /** Of fewer events the whole is read at once. */
  readonly wholeMax: number;
  /** How many events the first slice is to have, and each one at least. */
  readonly sliceMin: number;
}

export const SLICE_LIMITS: SliceLimits = { wholeMax: 150_000, sliceMin: 100_000 };

/**
 * Where a question may be cut: between its buckets, where nothing has to be put together. One
 * without buckets may be cut anywhere, if all of its measures can be put together: COUNT, SUM, MIN,
 * MAX and AVG.
 */
export function edgesOf(
  { granularity, boundaries }: BucketGrid,
  { measures }: Pick<AggregateQuery, 'measures'>,
  weights: readonly Weight[],
): readonly number[] {
  if (granularity !== null) return boundaries;
  const isMergeable = measures.every(({ function: name }) => MERGEABLE.has(name));
  return isMergeable ? weights.map(({ at }) => at) : [];
}

const MERGEABLE: ReadonlySet<string> = new Set(['COUNT', 'SUM', 'MIN', 'MAX', 'AVG']);

/** Both `edges` and `weights` in the order of time. */
export function cellsOf(
  { from, to }: Interval,
  edges: readonly number[],
  weights: readonly Weight[],
): Cell[] {
  const inner = edges.filter(edge => edge > from && edge < to);
  const cells = [...inner, to].map(end => ({ to: end, events: 0 }));
  let at = 0;
  for (const weight of weights) {
    while (at < cells.length - 1 && (cells[at] as Cell).to <= weight.at) at += 1;
    (cells[at] as { events: number }).events += weight.events;
  }
  return cells;
}

export interface Slice {
  /** The cell behind the last one. */
  readonly end: number;
  readonly events: number;
}

/** The next slice, of about so many events; of at least one cell. */
export function takeSlice(cells: readonly Cell[], start: number, wanted: number): Slice {
  let end = start;
  let events = 0;
  for (; end < cells.length; end += 1) {
    const { events: more } = cells[end] as Cell;
    if (events > 0 && more > 0 && events + more > wanted) break;
    events += more;
  }
  return { end, events };
}

/** Slices that a question is read in where it takes all of its time. */
const SLICES = 6;
/** A slice that took no time says little of the next. */
const GROWTH_MAX = 10;

/** How many events the next slice is to have: as many as are read in a part of the time. */
export function nextSize(
  { events, ms }: { readonly events: number; readonly ms: number },
  { limitMs, sliceMin }: { readonly limitMs: number; readonly sliceMin: number },
): number {
  const perSlice = (events * limitMs) / SLICES / Math.max(1, ms);
  return Math.max(sliceMin, Math.min(perSlice, events * GROWTH_MAX));
}
