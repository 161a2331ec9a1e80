/**
 * The grains of rollups, and how a timeframe is cut into them: day rows in its middle, finer rows
 * towards its ends, and at the ends pieces that only the events can count.
 */
import { DAY_MS, MINUTE_MS, QUARTER_HOUR_MS, startOfUnit } from './time-zone.ts';

/** The numbers are what the database keeps: never renumber. Months are in meters alone. */
export const GRAINS = { MINUTE: 1, QUARTER_HOUR: 2, DAY: 3, MONTH: 4 } as const;
export type Grain = (typeof GRAINS)[keyof typeof GRAINS];

/** Those of the rollups. */
export const ROLLUP_GRAINS = [GRAINS.MINUTE, GRAINS.QUARTER_HOUR, GRAINS.DAY] as const;

/** An interval of instants in ms, half open. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Counted from the rows of a grain, or from the events where that is null. */
export interface Piece extends Interval {
  readonly grain: Grain | null;
}

/** Minute rows are written for events that are at most this old when they are folded, … */
const MINUTES_FOLDED_MS = 91 * DAY_MS;
/** … are read for this long, which leaves a day for clocks that differ, … */
const MINUTES_READ_MS = 90 * DAY_MS;
/** … and are deleted a day after they can no longer be written. */
const MINUTES_KEPT_MS = 92 * DAY_MS;

export const minutesFoldedSince = (nowMs: number) => floorTo(nowMs - MINUTES_FOLDED_MS, MINUTE_MS);
export const minutesReadSince = (nowMs: number) => floorTo(nowMs - MINUTES_READ_MS, MINUTE_MS);
export const minutesKeptSince = (nowMs: number) => floorTo(nowMs - MINUTES_KEPT_MS, MINUTE_MS);

/**
 * Some zones were off by seconds of a minute, the last of them (Africa/Monrovia) until 1972.
 * From here on every local minute is a minute of UTC. (Local days begin with a quarter hour of
 * UTC in every zone since October 1979, when Kiritimati gave up its 10:40.)
 */
export const WHOLE_MINUTES_SINCE = Date.UTC(1973, 0, 1);

/** The first and last instants that events may have: years 1 to 9999. */
export const EARLIEST = new Date(0).setUTCFullYear(1, 0, 1);
export const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The start of the row that counts an instant. Days and months are those of a zone, the others UTC's. */
export function rowStart(grain: Grain, at: number, zone: string): number {
  if (grain === GRAINS.MINUTE) return floorTo(at, MINUTE_MS);
  if (grain === GRAINS.QUARTER_HOUR) return floorTo(at, QUARTER_HOUR_MS);
  return Math.max(EARLIEST, startOfUnit(grain === GRAINS.DAY ? 'DAY' : 'MONTH', at, zone));
}

/** The edges of rows of a grain: the latest one up to an instant, and the first one from it on. */
export interface GrainEdges {
  readonly grain: Grain;
  readonly floor: (at: number) => number;
  readonly ceil: (at: number) => number;
}

/** Cuts an interval into rows of these grains, coarse to fine, and what is left for the events. */
export function cutIntoGrains({ from, to }: Interval, grains: readonly GrainEdges[]): Piece[] {
  if (from >= to) return [];
  const [coarsest, ...finer] = grains;
  if (coarsest === undefined) return [{ grain: null, from, to }];
  const first = coarsest.ceil(from);
  const last = coarsest.floor(to);
  if (first >= last) return cutIntoGrains({ from, to }, finer);
  return [
    ...cutIntoGrains({ from, to: first }, finer),
    { grain: coarsest.grain, from: first, to: last },
    ...cutIntoGrains({ from: last, to }, finer),
  ];
}

export function floorTo(at: number, sizeMs: number): number {
  return Math.floor(at / sizeMs) * sizeMs;
}

export function ceilTo(at: number, sizeMs: number): number {
  return Math.ceil(at / sizeMs) * sizeMs;
}

/** The quarter hours in which a piece lies that no row tells. */
export function rowsAroundQuarters({ from, to }: Interval): Piece {
  const [first, last] = [floorTo(from, QUARTER_HOUR_MS), ceilTo(to, QUARTER_HOUR_MS)];
  return { grain: GRAINS.QUARTER_HOUR, from: first, to: last };
}
