/**
 * Which meter answers a question: one with the same filter, or with a part of it where its groups
 * tell the rest; with the groups of the question, or more; with its measures; and with rows that
 * its buckets do not cut.
 */
import { ALWAYS, type BucketGrid, dayEdges, evenEdges, intersect } from './aggregate-plan.ts';
import type { AggregateQuery } from './aggregate.ts';
import {
  cutIntoGrains,
  type GrainEdges,
  GRAINS,
  type Interval,
  type Piece,
  rowStart,
} from './bucket.ts';
import { canonicalJson } from './canonical-json.ts';
import type { EventFilter } from './filter.ts';
import { LIMITS } from './limits.ts';
import { conditionsOf, isOfSeries } from './meter-filter.ts';
import {
  checkMeter,
  columnOfKey,
  isSketched,
  type Meter,
  type NewMeter,
  operandNumber,
  operandOf,
  seriesColumns,
} from './meter.ts';
import { endOfUnit, QUARTER_HOUR_MS, unitBoundaries } from './time-zone.ts';

export interface MeterPlan {
  readonly meter: Meter;
  /** What of the question's filter the meter's groups have to tell. Empty: nothing. */
  readonly rest: EventFilter;
  /** In which occurredAt must lie, in ms. */
  readonly range: Interval;
}

/**
 * The one with the fewest groups; null where none answers. Groups of which some are counted as one,
 * and sketches, answer only a question that takes what is approximate.
 */
export function findMeter(query: AggregateQuery, meters: readonly Meter[]): MeterPlan | null {
  const asked = conditionsOf(query.filter);
  if (asked === null) return null;
  const plans = meters.flatMap(meter => {
    const rest = meter.isActive ? restOf(asked.all, meter) : null;
    if (rest === null || !isAnswered(query, meter, rest)) return [];
    return [{ meter, rest: rest.length === 0 ? {} : { and: rest }, range: asked.range }];
  });
  plans.sort((a, b) => a.meter.seriesCount - b.meter.seriesCount || a.meter.id - b.meter.id);
  return plans[0] ?? null;
}

/** The conditions that the meter's filter lacks; null where it has some that the question lacks. */
function restOf(asked: ReadonlyMap<string, EventFilter>, meter: Meter): EventFilter[] | null {
  const own = conditionsOf(meter.filter)?.all;
  if (own === undefined || [...own.keys()].some(text => !asked.has(text))) return null;
  return [...asked].filter(([text]) => !own.has(text)).map(([, condition]) => condition);
}

function isAnswered(query: AggregateQuery, meter: Meter, rest: readonly EventFilter[]): boolean {
  const { groupBy, measures, approximate = false } = query;
  const columns = seriesColumns(meter);
  const isVague = meter.isOverflowed || meter.isCut;
  if (isVague && !approximate && groupBy.length + rest.length > 0) return false;
  return (
    groupBy.every(key => columnOfKey(columns, key) !== null) &&
    rest.every(condition => isOfSeries(condition, columns)) &&
    measures.every(measure => {
      const operand = operandOf(measure);
      if (operand === null) return true;
      const number = operandNumber(meter, operand);
      const isKept = number > 0 && !meter.setAside.includes(number);
      return isKept && (approximate || !isSketched(operand));
    })
  );
}

/**
 * The pieces in which the rows of a meter tell an interval; null where boundaries cut its rows.
 * `daysZone` is that of its rows by day and month; null where none are to be used.
 */
export function cutForMeter(
  { granularity, zone, boundaries }: BucketGrid,
  interval: Interval,
  daysZone: string | null,
): Piece[] | null {
  const inner = granularity === null ? [] : boundaries.slice(1, -1);
  const isWhole = granularity === null;
  const grains: GrainEdges[] = [];
  const isOfDays = daysZone !== null && (isWhole || zone === daysZone);
  if (isOfDays && (isWhole || granularity === 'MONTH')) grains.push(monthEdges(daysZone));
  const isByDay = granularity === 'DAY' || granularity === 'WEEK' || granularity === 'MONTH';
  if (isOfDays && (isWhole || isByDay)) grains.push(dayEdges(daysZone));
  const hasQuarters = grains.length > 0 || inner.every(at => at % QUARTER_HOUR_MS === 0);
  if (granularity === 'MINUTE' || !hasQuarters) return null;
  grains.push(evenEdges(GRAINS.QUARTER_HOUR, QUARTER_HOUR_MS));
  return cutIntoGrains(interval, grains);
}

function monthEdges(zone: string): GrainEdges {
  const floor = (at: number) => rowStart(GRAINS.MONTH, at, zone);
  const ceil = (at: number) => (floor(at) === at ? at : endOfUnit('MONTH', at, zone));
  return { grain: GRAINS.MONTH, floor, ceil };
}

/** Rows are looked up one by one where so many at most may be wanted; else they are read in a row. */
const LOOKED_UP_MAX = 20_000;
const STARTS_MAX = 6_000;
/** Groups that are counted to decide that. */
export const SERIES_LOOKED_UP_MAX = 200;

/**
 * The starts of a piece's rows where few of a meter's groups are wanted; null where reading all rows
 * of the piece is the shorter way.
 */
export function startsToLookUp(
  { grain, from, to }: Piece,
  series: number,
  daysZone: string | null,
): number[] | null {
  if (grain === null || series > SERIES_LOOKED_UP_MAX) return null;
  const most = Math.min(STARTS_MAX, LOOKED_UP_MAX / Math.max(1, series));
  if (grain === GRAINS.QUARTER_HOUR) {
    const count = Math.ceil((to - from) / QUARTER_HOUR_MS);
    if (count > most) return null;
    return Array.from({ length: count }, (_, at) => from + at * QUARTER_HOUR_MS);
  }
  const unit = grain === GRAINS.DAY ? 'DAY' : 'MONTH';
  const starts = unitBoundaries({ from, to }, unit, daysZone ?? 'UTC', most).slice(0, -1);
  return starts.length > most ? null : starts.map(at => Math.max(at, from));
}

/** The meter that would answer a question; null where none would. Its name is one to change. */
export function meterFor(query: AggregateQuery): NewMeter | null {
  const asked = conditionsOf(query.filter);
  if (asked === null || query.granularity === 'MINUTE') return null;
  const conditions = [...asked.all.values()];
  const meter: NewMeter = {
    name: nameFor(query),
    filter: merged(conditions),
    groupBy: query.groupBy,
    measures: query.measures.filter(({ function: name }) => name !== 'COUNT'),
    seriesMax: LIMITS.meterSeriesDefault,
  };
  try {
    checkMeter(meter);
    return meter;
  } catch {
    return null;
  }
}

function nameFor({ groupBy, measures }: AggregateQuery): string {
  const what = measures.map(({ function: name, payloadPath, dimension }) =>
    [name.toLowerCase(), ...(payloadPath ?? (dimension === null ? [] : [dimension]))].join('-'),
  );
  const by = groupBy.map(key => ('dimension' in key ? key.dimension : key.payloadPath.join('-')));
  const name = [
    ...(what.length === 0 ? ['count'] : what),
    ...(by.length === 0 ? [] : ['by', ...by]),
  ]
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
  return name.replace(/^-+|-+$/g, '') || 'count';
}

/** Conditions on different fields stand in one filter, as people write them. */
function merged(conditions: readonly EventFilter[]): EventFilter | null {
  if (conditions.length === 0) return null;
  const one: Record<string, unknown> = {};
  const others: EventFilter[] = [];
  const payload = conditions.flatMap(condition => condition.payload ?? []);
  for (const condition of conditions) {
    if (condition.payload != null) continue;
    const [[field, value] = ['', null]] = Object.entries(condition);
    if (Object.hasOwn(one, field) && canonicalJson(one[field]) !== canonicalJson(value)) {
      others.push(condition);
    } else one[field] = value;
  }
  return {
    ...(one as EventFilter),
    ...(payload.length > 0 && { payload }),
    ...(others.length > 0 && { and: others }),
  };
}

/** The part of an interval that a plan is asked for. */
export function intervalOf({ range }: MeterPlan, timeframe: Interval): Interval {
  return range === ALWAYS ? timeframe : intersect(timeframe, range);
}
