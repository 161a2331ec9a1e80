/**
 * Meters: declared questions whose answers are kept up to date. Here is what is decided about them
 * without a clock or a database.
 */
import { checkGroupKey, checkMeasure } from './aggregate-check.ts';
import type { EventDimension, EventGroupKey, EventMeasure, MeasureFunction } from './aggregate.ts';
import { canonicalJson } from './canonical-json.ts';
import { GatewayError } from './errors.ts';
import { checkFilter } from './filter-check.ts';
import { writeFilter } from './filter-text.ts';
import type { EventFilter } from './filter.ts';
import { LIMITS } from './limits.ts';
import { isStorableText, isWithinBytes } from './text.ts';

export interface NewMeter {
  readonly name: string;
  readonly filter: EventFilter | null;
  readonly groupBy: readonly EventGroupKey[];
  readonly measures: readonly EventMeasure[];
  readonly seriesMax: number;
}

/** A meter as it was at one moment. */
export interface Meter extends NewMeter {
  readonly workspaceId: number;
  readonly id: number;
  /** The filter as it was given. */
  readonly filterText: string | null;
  readonly seriesCount: number;
  /** More groups came than it may have: the others are counted as one. */
  readonly isOverflowed: boolean;
  /** A value that it groups by was longer than is kept: such values may be one group. */
  readonly isCut: boolean;
  /** Operands that are counted from the events alone, by their numbers. */
  readonly setAside: readonly number[];
  /** The newest position that it counts. */
  readonly folded: number;
  /** Up to where the rollups count. */
  readonly target: number;
  readonly isActive: boolean;
  /** What keeps it from being counted on; null where all is well. */
  readonly fault: string | null;
  readonly failedAt: Date | null;
  readonly createdAt: Date;
}

export const METER_STATUSES = ['FILLING', 'ACTIVE', 'FAILING'] as const;
export type MeterStatus = (typeof METER_STATUSES)[number];

export function meterStatus({ isActive, fault }: Pick<Meter, 'isActive' | 'fault'>): MeterStatus {
  if (fault !== null) return 'FAILING';
  return isActive ? 'ACTIVE' : 'FILLING';
}

/** The columns that groups stand in. */
export type SeriesColumn =
  | 'definition_id'
  | 'door'
  | 'success'
  | 'source'
  | 'subject'
  | 'actor'
  | 'value_1'
  | 'value_2'
  | 'value_3';

const COLUMNS: Readonly<Record<EventDimension, SeriesColumn>> = {
  TYPE: 'definition_id',
  // That a definition has is looked up by whoever reads: it may change.
  CATEGORY: 'definition_id',
  DOOR: 'door',
  SUCCESS: 'success',
  SOURCE: 'source',
  SUBJECT: 'subject',
  ACTOR: 'actor',
};

/** A value of the payload that a meter groups by, and the column that it stands in. */
export interface PayloadColumn {
  readonly column: SeriesColumn;
  readonly path: readonly string[];
}

export interface SeriesColumns {
  /** Of dimensions. */
  readonly dimensions: readonly SeriesColumn[];
  readonly payload: readonly PayloadColumn[];
}

export function seriesColumns({ groupBy }: Pick<NewMeter, 'groupBy'>): SeriesColumns {
  const dimensions = new Set<SeriesColumn>();
  const payload: PayloadColumn[] = [];
  for (const key of groupBy) {
    if ('dimension' in key) dimensions.add(COLUMNS[key.dimension]);
    else if (!payload.some(({ path }) => isSamePath(path, key.payloadPath))) {
      payload.push({
        column: `value_${payload.length + 1}` as SeriesColumn,
        path: key.payloadPath,
      });
    }
  }
  return { dimensions: [...dimensions], payload };
}

/** The column in which a meter has what a question groups by; null where it has not. */
export function columnOfKey(columns: SeriesColumns, key: EventGroupKey): SeriesColumn | null {
  if ('payloadPath' in key) return columnOfPath(columns, key.payloadPath);
  const column = COLUMNS[key.dimension];
  return columns.dimensions.includes(column) ? column : null;
}

export function columnOfPath(
  { payload }: SeriesColumns,
  path: readonly string[],
): SeriesColumn | null {
  return payload.find(each => isSamePath(each.path, path))?.column ?? null;
}

function isSamePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((step, at) => step === b[at]);
}

/** What of the events a meter keeps for its measures: several measures may need the same. */
export interface Operand {
  readonly kind: 'NUMBERS' | 'PERCENTILES' | 'UNIQUE';
  readonly payloadPath: readonly string[] | null;
  readonly dimension: EventDimension | null;
}

const KINDS: Readonly<Record<MeasureFunction, Operand['kind'] | null>> = {
  COUNT: null,
  SUM: 'NUMBERS',
  MIN: 'NUMBERS',
  MAX: 'NUMBERS',
  AVG: 'NUMBERS',
  UNIQUE: 'UNIQUE',
  P50: 'PERCENTILES',
  P90: 'PERCENTILES',
  P95: 'PERCENTILES',
  P99: 'PERCENTILES',
};

/** Null for a measure that needs nothing but the count. */
export function operandOf(measure: EventMeasure): Operand | null {
  const { function: name, payloadPath, dimension } = measure;
  const kind = KINDS[name];
  return kind === null ? null : { kind, payloadPath, dimension };
}

/** Those of a meter, each once; their numbers are their places from 1 on. */
export function operandsOf({ measures }: Pick<NewMeter, 'measures'>): Operand[] {
  const found = new Map<string, Operand>();
  for (const measure of measures) {
    const operand = operandOf(measure);
    if (operand !== null && !found.has(operandKey(operand)))
      found.set(operandKey(operand), operand);
  }
  return [...found.values()];
}

/** The number of a measure's operand among those of a meter; 0 where it has none. */
export function operandNumber(meter: Pick<NewMeter, 'measures'>, operand: Operand): number {
  return operandsOf(meter).map(operandKey).indexOf(operandKey(operand)) + 1;
}

export function operandKey(operand: Operand): string {
  return canonicalJson(operand);
}

export function isSketched({ kind }: Operand): boolean {
  return kind !== 'NUMBERS';
}

/** @throws GatewayError BAD_USER_INPUT with what was expected and what came. */
export function checkMeter(meter: NewMeter): void {
  const { name, filter, groupBy, measures, seriesMax } = meter;
  if (name === '' || !isStorableText(name) || !isWithinBytes(name, LIMITS.meterNameBytesMax)) {
    throw wrong(`name expects 1 to ${LIMITS.meterNameBytesMax} bytes of UTF-8, without U+0000.`);
  }
  checkFilter(filter);
  checkMeterFilter(filter ?? {}, 'filter');
  const isLong = filter !== null && !isWithinBytes(writeFilter(filter), LIMITS.meterFilterBytesMax);
  if (isLong) {
    throw wrong(`filter expects at most ${LIMITS.meterFilterBytesMax} bytes of JSON.`);
  }
  checkLength('groupBy', groupBy.length, LIMITS.meterGroupKeysMax);
  groupBy.forEach(checkGroupKey);
  checkLength('measures', measures.length, LIMITS.meterMeasuresMax);
  measures.forEach(checkMeasure);
  const ofCategory = measures.findIndex(({ dimension }) => dimension === 'CATEGORY');
  if (ofCategory !== -1) {
    throw wrong(
      `measures[${ofCategory}] expects another dimension than CATEGORY: the category of a type may change. Use TYPE.`,
    );
  }
  if (!Number.isInteger(seriesMax) || seriesMax < 1 || seriesMax > LIMITS.meterSeriesMax) {
    throw wrong(
      `seriesMax expects a whole number from 1 to ${LIMITS.meterSeriesMax}, but got ${seriesMax}.`,
    );
  }
}

/** What is not of the event alone, or is a question's to say. */
const NOT_OF_METERS = {
  occurredAt: 'The timeframe is that of each question.',
  categories: 'The category of a type may change. Use types, or group by CATEGORY.',
  eventIds: 'A meter counts events that are still to come.',
} as const satisfies Partial<Record<keyof EventFilter, string>>;

function checkMeterFilter(filter: EventFilter, path: string): void {
  for (const [field, why] of Object.entries(NOT_OF_METERS)) {
    if (filter[field as keyof typeof NOT_OF_METERS] == null) continue;
    throw wrong(`${path} expects no ${field} in the filter of a meter. ${why}`);
  }
  filter.and?.forEach((inner, at) => checkMeterFilter(inner, `${path}.and[${at}]`));
  filter.or?.forEach((inner, at) => checkMeterFilter(inner, `${path}.or[${at}]`));
  if (filter.not != null) checkMeterFilter(filter.not, `${path}.not`);
}

function checkLength(name: string, length: number, max: number): void {
  if (length > max) throw wrong(`${name} takes at most ${max} entries, but got ${length}.`);
}

function wrong(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
