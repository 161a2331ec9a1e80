import type { LogPlace } from './cursor.ts';
import type { EventFilter } from './filter.ts';
import type { Page, PageArgs, Seen } from './page.ts';

export type Granularity = 'MINUTE' | 'QUARTER_HOUR' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';

export type EventDimension =
  'TYPE' | 'SOURCE' | 'SUBJECT' | 'ACTOR' | 'DOOR' | 'SUCCESS' | 'CATEGORY';

export type MeasureFunction =
  'COUNT' | 'SUM' | 'MIN' | 'MAX' | 'AVG' | 'UNIQUE' | 'P50' | 'P90' | 'P95' | 'P99';

/** Half open; `last` is a length in ms up to now, and moves on in a live stream. */
export type Timeframe =
  { readonly between: { readonly from: Date; readonly to: Date } } | { readonly last: number };

export type EventGroupKey =
  { readonly dimension: EventDimension } | { readonly payloadPath: readonly string[] };

/** `payloadPath` and `dimension` are null for COUNT; UNIQUE has one of both, the others the path. */
export interface EventMeasure {
  readonly function: MeasureFunction;
  readonly payloadPath: readonly string[] | null;
  readonly dimension: EventDimension | null;
}

/** What to count. The shape of `EventAggregateInput` in the contract, with its defaults. */
export interface AggregateQuery {
  readonly filter: EventFilter | null;
  readonly timeframe: Timeframe;
  /** Null: one bucket over the whole timeframe. */
  readonly granularity: Granularity | null;
  /** IANA name; null is the workspace's zone. */
  readonly timeZone: string | null;
  readonly groupBy: readonly EventGroupKey[];
  readonly measures: readonly EventMeasure[];
  readonly fill: 'NONE' | 'ZERO';
  readonly orderBy: 'BUCKET' | 'COUNT_DESC';
  /** Whether a meter may answer by sketches, and by groups of which some are counted as one. */
  readonly approximate?: boolean;
}

export interface EventGroupValue {
  readonly key: string;
  readonly value: string | null;
}

export interface EventMeasureValue {
  readonly function: MeasureFunction;
  readonly path: readonly string[] | null;
  /** Null also where the result is beyond the range of a 64-bit float. */
  readonly value: number | null;
  /** The same with every digit; null only if no event had a number there. */
  readonly text: string | null;
  /** How far an approximate value may be from the exact one, as a part of it; null for an exact one. */
  readonly relativeError: number | null;
}

/** One bucket of one group. */
export interface AggregateBucket {
  /** Says workspace, query, bucket and group; made of URL-safe characters. */
  readonly id: string;
  readonly cursor: string;
  /** Half open: start <= t < end. */
  readonly start: Date;
  readonly end: Date;
  readonly group: readonly EventGroupValue[];
  /** The groups of a meter that came after it had as many as it may have, as one. */
  readonly isOther: boolean;
  readonly count: number;
  /** In the order asked for. */
  readonly measures: readonly EventMeasureValue[];
}

export type AggregateSource = 'ROLLUP' | 'METER' | 'EVENTS' | 'MIXED';

export interface AggregatePage extends Page<AggregateBucket> {
  /** Null where counting would cost too much. */
  readonly totalCount: number | null;
  /** Every event up to here is counted in, none after it. */
  readonly asOf: LogPlace;
  readonly source: AggregateSource;
}

export interface AggregateReader {
  page(workspaceId: number, query: AggregateQuery, args: PageArgs & Seen): Promise<AggregatePage>;
}

/** One step of a live answer: every bucket at first, then those that changed. */
export interface AggregateUpdate {
  readonly place: LogPlace;
  readonly snapshot: boolean;
  readonly aggregates: readonly AggregateBucket[];
  /** Ids of buckets that left the timeframe or became empty. */
  readonly removed: readonly string[];
}

/**
 * Digits of a number in a row of a rollup or a meter. Postgres fails beyond 131,072 of them, so two
 * events could stop a sum for ever, and one of them takes as many bytes in each row. Sums stay well
 * below: a 256-bit integer has 78 digits.
 */
export const ROLLUP_DIGITS_MAX = 128;
