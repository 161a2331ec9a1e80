/**
 * The time that the page shows, as it stands in the address: `span` for a length up to now, or
 * `from` and `to` in RFC 3339. With none of them it is live.
 */
import { toLocalText } from '../../parts/format.ts';
import type { SearchChanges } from '../../router/router.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const SPANS = {
  hour: { title: 'Last hour', ms: HOUR_MS },
  day: { title: 'Last 24 hours', ms: DAY_MS },
  week: { title: 'Last 7 days', ms: 7 * DAY_MS },
  month: { title: 'Last 30 days', ms: 30 * DAY_MS },
} as const;
export type Span = keyof typeof SPANS;

/** from <= occurredAt < to. Null: no limit. */
export interface Range {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export const LIVE: SearchChanges = { span: null, from: null, to: null };

export function spanOf(search: URLSearchParams): Span | null {
  const span = search.get('span') ?? '';
  return Object.hasOwn(SPANS, span) ? (span as Span) : null;
}

/** Null for live. */
export function rangeOf(search: URLSearchParams, nowMs: number): Range | null {
  const span = spanOf(search);
  if (span !== null) {
    const toMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS;
    return { fromMs: toMs - SPANS[span].ms, toMs };
  }
  const [fromMs, toMs] = [instantOf(search.get('from')), instantOf(search.get('to'))];
  return fromMs === null && toMs === null ? null : { fromMs, toMs };
}

function instantOf(text: string | null): number | null {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? null : ms;
}

export function isEmptyRange({ fromMs, toMs }: Range): boolean {
  return fromMs !== null && toMs !== null && fromMs >= toMs;
}

export function betweenSearch(fromMs: number, toMs: number): SearchChanges {
  return { span: null, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

const AROUND_MS = 5 * MINUTE_MS;

export function aroundSearch(occurredAt: string): SearchChanges {
  const ms = Date.parse(occurredAt);
  return betweenSearch(ms - AROUND_MS, ms + AROUND_MS);
}

/** The local day that began so many days ago. Days of summer time have 23 or 25 hours. */
export function dayRange(daysAgo: number, nowMs: number): { fromMs: number; toMs: number } {
  const start = new Date(nowMs);
  start.setHours(0, 0, 0, 0);
  start.setDate(start.getDate() - daysAgo);
  const end = new Date(start);
  end.setDate(end.getDate() + 1);
  return { fromMs: start.getTime(), toMs: end.getTime() };
}

/** For a field of date and time, with seconds. */
export function fieldText(ms: number | null): string {
  return ms === null ? '' : toLocalText(new Date(ms).toISOString(), 'SECOND');
}

export function rangeFilter({ fromMs, toMs }: Range) {
  return {
    occurredAt: {
      ...(fromMs === null ? {} : { from: new Date(fromMs).toISOString() }),
      ...(toMs === null ? {} : { to: new Date(toMs).toISOString() }),
    },
  };
}
