/** The bars of the chart: minutes that go with the clock, or steps of a range, cut in local time. */
import type { VariablesOf } from '../../api/graphql.ts';
import type { EventCounts } from './documents.ts';
import type { Range } from './range.ts';

type Input = VariablesOf<typeof EventCounts>['input'];
export type Granularity = NonNullable<Input['granularity']>;

export interface Buckets {
  readonly granularity: Granularity;
  readonly timeframe: Input['timeframe'];
  /** When each begins, oldest first, and at last when the last one ends; in ms. */
  edges(nowMs: number): readonly number[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Minutes that the chart of the live page shows, the present one among them. */
export const MINUTES = 30;

export const LIVE_BUCKETS: Buckets = {
  granularity: 'MINUTE',
  timeframe: { last: `PT${MINUTES}M` },
  edges(nowMs) {
    const end = (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS;
    return Array.from({ length: MINUTES + 1 }, (_, at) => end - (MINUTES - at) * MINUTE_MS);
  },
};

/** Up to this length a range is cut into these: some dozens of bars fit on a phone. */
const STEPS: readonly (readonly [number, Granularity])[] = [
  [HOUR_MS, 'MINUTE'],
  [18 * HOUR_MS, 'QUARTER_HOUR'],
  [3 * DAY_MS, 'HOUR'],
  [70 * DAY_MS, 'DAY'],
  [500 * DAY_MS, 'WEEK'],
];
const EDGES_MAX = 500;

/** Null where the range has no beginning: there is nothing to cut it from. */
export function bucketsOf({ fromMs, toMs }: Range, nowMs: number): Buckets | null {
  const end = toMs ?? nowMs;
  if (fromMs === null || fromMs >= end) return null;
  const granularity = STEPS.find(([ms]) => end - fromMs <= ms)?.[1] ?? 'MONTH';
  const edges = [fromMs];
  for (let at = nextEdge(fromMs, granularity); at < end; at = nextEdge(at, granularity)) {
    if (edges.length >= EDGES_MAX) return null;
    edges.push(at);
  }
  edges.push(end);
  const between = { from: new Date(fromMs).toISOString(), to: new Date(end).toISOString() };
  return { granularity, timeframe: { between }, edges: () => edges };
}

/** The first edge after an instant. */
function nextEdge(ms: number, granularity: Granularity): number {
  if (granularity === 'MINUTE') return (Math.floor(ms / MINUTE_MS) + 1) * MINUTE_MS;
  if (granularity === 'QUARTER_HOUR') {
    return (Math.floor(ms / (15 * MINUTE_MS)) + 1) * 15 * MINUTE_MS;
  }
  const at = new Date(ms);
  if (granularity === 'HOUR') {
    const past = at.getMinutes() * MINUTE_MS + at.getSeconds() * 1_000 + at.getMilliseconds();
    return ms - past + HOUR_MS;
  }
  at.setHours(0, 0, 0, 0);
  if (granularity === 'DAY') at.setDate(at.getDate() + 1);
  if (granularity === 'WEEK') at.setDate(at.getDate() + 7 - ((at.getDay() + 6) % 7));
  if (granularity === 'MONTH') at.setMonth(at.getMonth() + 1, 1);
  return at.getTime();
}

/** The bar that an instant is in; -1 for none. */
export function bucketAt(edges: readonly number[], ms: number): number {
  if (ms < (edges[0] ?? 0) || ms >= (edges.at(-1) ?? 0)) return -1;
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= ms) low = middle;
    else high = middle;
  }
  return low;
}
