/** What Explore counts, as it stands in the address bar. What does not stand there is the default. */

export const SPANS = {
  hour: 'The last hour',
  day: 'The last day',
  week: 'The last week',
  month: 'The last 30 days',
  year: 'The last year',
  between: 'Between',
} as const;
export type Span = keyof typeof SPANS;

export const GRANULARITIES = {
  MINUTE: 'Minute',
  QUARTER_HOUR: 'Quarter of an hour',
  HOUR: 'Hour',
  DAY: 'Day',
  WEEK: 'Week',
  MONTH: 'Month',
} as const;
export type Granularity = keyof typeof GRANULARITIES;

export const GROUPS = {
  type: 'Type',
  category: 'Category',
  door: 'Source API',
  source: 'Source',
  actor: 'Actor',
  success: 'Success',
  none: 'Nothing',
} as const;
export type Group = keyof typeof GROUPS;

export const MEASURES = {
  count: 'Number of events',
  unique: 'Number of different values',
  sum: 'Total',
  avg: 'Average',
  min: 'Min',
  max: 'Max',
} as const;
export type Measure = keyof typeof MEASURES;

/** What different values may be of. */
export const FIELDS = {
  actor: 'Actors',
  subject: 'Subjects',
  source: 'Sources',
  type: 'Types',
  property: 'Values of a property',
} as const;
export type Field = keyof typeof FIELDS;

export const CHARTS = { stacked: 'Stacked', bars: 'Bars', lines: 'Lines' } as const;
export type Chart = keyof typeof CHARTS;

export interface Options {
  readonly span: Span;
  /** Local date and time as fields hold it, such as 2026-11-21T07:00; empty where not given. */
  readonly from: string;
  readonly to: string;
  readonly every: Granularity;
  readonly group: Group;
  readonly measure: Measure;
  readonly field: Field;
  /** Keys of the payload, with dots between them. */
  readonly property: string;
  /** A type, or with `*` at its end all that begin so; empty for every type. */
  readonly type: string;
  readonly chart: Chart;
}

const MINUTE_MS = 60_000;
const QUARTER_HOUR_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const SPAN_MS: Readonly<Record<Exclude<Span, 'between'>, number>> = {
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
  year: 365 * DAY_MS,
};

export function optionsOf(search: URLSearchParams): Options {
  const text = (name: string) => search.get(name) ?? '';
  const span = oneOf(SPANS, search.get('span'), 'day');
  const [from, to] = [text('from'), text('to')];
  const measure = oneOf(MEASURES, search.get('measure'), 'count');
  const chart = oneOf(CHARTS, search.get('chart'), 'stacked');
  return {
    span,
    from,
    to,
    measure,
    every: oneOf(GRANULARITIES, search.get('every'), usualGranularity(span, from, to)),
    group: oneOf(GROUPS, search.get('by'), 'type'),
    field: oneOf(FIELDS, search.get('field'), 'actor'),
    property: text('property'),
    type: text('type'),
    chart: chart === 'stacked' && !addsUp(measure) ? 'bars' : chart,
  };
}

function oneOf<Name extends string>(
  known: Readonly<Record<Name, string>>,
  given: string | null,
  usual: Name,
): Name {
  return given !== null && Object.hasOwn(known, given) ? (given as Name) : usual;
}

/** Whether the values of several groups make one when they are added. */
export function addsUp(measure: Measure): boolean {
  return measure === 'count' || measure === 'sum';
}

/** Some dozens of buckets are what a chart shows well. */
function usualGranularity(span: Span, from: string, to: string): Granularity {
  const ms = span === 'between' ? Date.parse(to) - Date.parse(from) : SPAN_MS[span];
  if (ms <= 2 * HOUR_MS) return 'MINUTE';
  if (ms <= 2 * DAY_MS) return 'HOUR';
  return ms <= 100 * DAY_MS || Number.isNaN(ms) ? 'DAY' : 'MONTH';
}

export interface Timeframe {
  readonly from: string;
  readonly to: string;
}

/**
 * From when to when, in RFC 3339; null where that is not said yet. What is said by its length
 * begins and ends with a quarter of an hour (the last hour with a minute): so it can be told from
 * precomputed counts, without a look at the events.
 */
export function timeframeOf({ span, from, to }: Options, nowMs: number): Timeframe | null {
  if (span === 'between') {
    const [first, last] = [Date.parse(from), Date.parse(to)];
    return first < last ? isoTimeframe(first, last) : null;
  }
  const step = span === 'hour' ? MINUTE_MS : QUARTER_HOUR_MS;
  const last = Math.ceil(nowMs / step) * step;
  return isoTimeframe(last - SPAN_MS[span], last);
}

function isoTimeframe(fromMs: number, toMs: number): Timeframe {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

/** Whether a property still has to be named. */
export function needsProperty({ measure, field }: Options): boolean {
  if (measure === 'count') return false;
  return measure !== 'unique' || field === 'property';
}
