import type { AggregateQuery, EventGroupKey, EventMeasure } from '../../../src/core/aggregate.ts';
import type { EventFilter, PropertyFilter } from '../../../src/core/filter.ts';
import type { SampleEvent } from './aggregate-events.ts';

/**
 * Aggregates by plain code that shares nothing with the gateway: local time by asking Intl for
 * each quarter hour in turn. So only for zones and times whose clocks move by quarter hours.
 */
export interface OracleRow {
  readonly start: number;
  readonly end: number;
  readonly group: readonly (string | null)[];
  readonly count: number;
  readonly measures: readonly (number | null)[];
}

const STEP = 900_000;
const clocks = new Map<string, Intl.DateTimeFormat>();
const labels = new Map<string, string>();

function parts(at: number, zone: string): number[] {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    clocks.set(zone, clock);
  }
  return clock.format(at).split(/\D+/).map(Number);
}

type Granularity = NonNullable<AggregateQuery['granularity']>;

function label(at: number, unit: Granularity, zone: string): string {
  const key = `${at} ${unit} ${zone}`;
  let known = labels.get(key);
  if (known === undefined) labels.set(key, (known = readLabel(at, unit, zone)));
  return known;
}

function readLabel(at: number, unit: Granularity, zone: string): string {
  const [y, m, d, h, mi] = parts(at, zone) as [number, number, number, number, number];
  const local = Date.UTC(y, m - 1, d, h, mi);
  const offset = local - at;
  const day = Date.UTC(y, m - 1, d) / 86_400_000;
  switch (unit) {
    case 'MONTH':
      return `${y}-${m}`;
    case 'WEEK':
      return String(Math.floor((day + 3) / 7));
    case 'DAY':
      return String(day);
    case 'HOUR':
      return `${day} ${h} ${offset}`;
    case 'QUARTER_HOUR':
    case 'MINUTE':
      return String(at);
  }
}

const starts = new Map<string, number>();
const ends = new Map<string, number>();

export function walkToStart(at: number, unit: Granularity, zone: string): number {
  if (unit === 'MINUTE') return Math.floor(at / 60_000) * 60_000;
  let start = Math.floor(at / STEP) * STEP;
  if (unit === 'QUARTER_HOUR') return start;
  const key = `${start} ${unit} ${zone}`;
  const known = starts.get(key);
  if (known !== undefined) return known;
  const name = label(start, unit, zone);
  while (label(start - STEP, unit, zone) === name) start -= STEP;
  starts.set(key, start);
  return start;
}

export function walkToEnd(at: number, unit: Granularity, zone: string): number {
  if (unit === 'MINUTE') return walkToStart(at, unit, zone) + 60_000;
  let end = Math.floor(at / STEP) * STEP;
  const key = `${end} ${unit} ${zone}`;
  const known = ends.get(key);
  if (known !== undefined) return known;
  const name = label(end, unit, zone);
  do end += STEP;
  while (label(end, unit, zone) === name);
  ends.set(key, end);
  return end;
}

type Categories = ReadonlyMap<string, string | null>;

export function matches(
  event: SampleEvent,
  filter: EventFilter | null | undefined,
  categoryOf: Categories,
): boolean {
  if (filter == null) return true;
  const { types, typePrefix, categories, doors, sources, occurredAt, and, or, not } = filter;
  const { actors, success, payload } = filter;
  const at = event.occurredAt.getTime();
  return [
    types == null || types.includes(event.type),
    typePrefix == null || event.type.startsWith(typePrefix),
    categories == null || categories.includes(categoryOf.get(event.type) ?? ''),
    doors == null || doors.includes(event.door ?? 'GRAPHQL'),
    sources == null || (event.source != null && sources.includes(event.source)),
    actors == null || (event.actor != null && actors.includes(event.actor)),
    success == null || event.success === success,
    payload == null || payload.every(property => holds(event, property)),
    occurredAt?.from == null || at >= occurredAt.from.getTime(),
    occurredAt?.to == null || at < occurredAt.to.getTime(),
    and == null || and.every(inner => matches(event, inner, categoryOf)),
    or == null || or.some(inner => matches(event, inner, categoryOf)),
    not == null || !matches(event, not, categoryOf),
  ].every(Boolean);
}

/** Of a value at the top of the payload: the operators that tests ask for. */
function holds(event: SampleEvent, { path, exists, greaterThan, in: among }: PropertyFilter) {
  const value = (JSON.parse(event.payload ?? '{}') as Record<string, unknown>)[path[0]!];
  return (
    (exists == null || (value !== undefined) === exists) &&
    (greaterThan === undefined || (typeof value === 'number' && value > Number(greaterThan))) &&
    (among == null || (value !== undefined && among.some(each => each === value)))
  );
}

export interface OracleOptions {
  readonly zone: string;
  readonly nowMs: number;
  readonly categories: Categories;
}

export function aggregate(
  events: readonly SampleEvent[],
  query: AggregateQuery,
  { zone, nowMs, categories }: OracleOptions,
): OracleRow[] {
  const { timeframe, granularity } = query;
  const [from, to] =
    'last' in timeframe
      ? [nowMs - timeframe.last, nowMs]
      : [timeframe.between.from.getTime(), timeframe.between.to.getTime()];
  const spanOf = (at: number): [number, number] =>
    granularity === null
      ? [from, to]
      : [walkToStart(at, granularity, zone), walkToEnd(at, granularity, zone)];
  const valueOf = (event: SampleEvent, key: EventGroupKey): string | null => {
    if ('payloadPath' in key) return payloadText(event, key.payloadPath);
    if (key.dimension === 'TYPE') return event.type;
    if (key.dimension === 'CATEGORY') return categories.get(event.type) ?? null;
    if (key.dimension === 'DOOR') return event.door ?? 'GRAPHQL';
    if (key.dimension === 'SOURCE') return event.source ?? null;
    if (key.dimension === 'ACTOR') return event.actor ?? null;
    if (key.dimension === 'SUCCESS') return event.success == null ? null : String(event.success);
    throw new Error(`no oracle for ${key.dimension}`);
  };
  const cells = new Map<
    string,
    { span: [number, number]; group: (string | null)[]; events: SampleEvent[] }
  >();
  const cellOf = (span: [number, number], group: (string | null)[]) => {
    const key = JSON.stringify([span, group]);
    let cell = cells.get(key);
    if (cell === undefined) cells.set(key, (cell = { span, group, events: [] }));
    return cell;
  };
  for (const event of events) {
    const at = event.occurredAt.getTime();
    if (at < from || at >= to || !matches(event, query.filter, categories)) continue;
    cellOf(
      spanOf(at),
      query.groupBy.map(key => valueOf(event, key)),
    ).events.push(event);
  }
  if (query.fill === 'ZERO') {
    const groups = new Map([...cells.values()].map(({ group }) => [JSON.stringify(group), group]));
    if (query.groupBy.length === 0) groups.set('[]', []);
    for (let at = from; at < to; at = spanOf(at)[1]) {
      for (const group of groups.values()) cellOf(spanOf(at), group);
    }
  }
  const rows = [...cells.values()].map(({ span: [start, end], group, events: own }) => ({
    start,
    end,
    group,
    count: own.length,
    measures: query.measures.map(measure => measureOf(own, measure)),
  }));
  const byPlace = (a: OracleRow, b: OracleRow) =>
    a.start - b.start || compareGroups(a.group, b.group);
  return query.orderBy === 'BUCKET'
    ? rows.sort(byPlace)
    : rows.sort((a, b) => b.count - a.count || byPlace(a, b));
}

function compareGroups(a: OracleRow['group'], b: OracleRow['group']): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? null;
    if (x === y) continue;
    if (x === null) return 1;
    if (y === null) return -1;
    return x < y ? -1 : 1;
  }
  return 0;
}

function payloadText(event: SampleEvent, path: readonly string[]): string | null {
  let value: unknown = JSON.parse(event.payload ?? '{}');
  for (const step of path) value = (value as Record<string, unknown> | undefined)?.[step];
  return value == null ? null : String(value);
}

/** Of values with one decimal: in tenths, which doubles hold exactly. */
function measureOf(events: readonly SampleEvent[], measure: EventMeasure): number | null {
  const { function: name, payloadPath, dimension } = measure;
  if (name === 'COUNT') return events.length;
  if (dimension === 'ACTOR') return new Set(events.flatMap(event => event.actor ?? [])).size;
  if (dimension === 'SOURCE') return new Set(events.flatMap(event => event.source ?? [])).size;
  const all = events.map(event => {
    return (JSON.parse(event.payload ?? '{}') as Record<string, unknown>)[payloadPath![0]!];
  });
  if (name === 'UNIQUE') return new Set(all.filter(value => value != null)).size;
  const tenths = all
    .filter(value => typeof value === 'number')
    .map(value => Math.round(value * 10))
    .sort((a, b) => a - b);
  if (tenths.length === 0) return null;
  const sum = tenths.reduce((total, value) => total + value, 0);
  if (name === 'SUM') return sum / 10;
  if (name === 'AVG') return sum / 10 / tenths.length;
  if (name === 'MIN') return tenths[0]! / 10;
  if (name === 'MAX') return tenths.at(-1)! / 10;
  const place = (tenths.length - 1) * (Number(name.slice(1)) / 100);
  const low = tenths[Math.floor(place)]!;
  return (low + (tenths[Math.ceil(place)]! - low) * (place % 1)) / 10;
}
