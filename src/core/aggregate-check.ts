/** What an aggregate query may ask for, beyond the types of its fields. */
import type { AggregateQuery, EventGroupKey, EventMeasure } from './aggregate.ts';
import { EARLIEST, LATEST } from './bucket.ts';
import { GatewayError } from './errors.ts';
import { checkFilter } from './filter-check.ts';
import { LIMITS } from './limits.ts';
import { isStorableText } from './text.ts';
import { offsetMs } from './time-zone.ts';

const GROUP_KEYS_MAX = 8;
const MEASURES_MAX = 20;
/** A century, as for durations in queries. */
const LAST_MS_MAX = 36_525 * 86_400_000;

/** @throws GatewayError BAD_USER_INPUT with what was expected and what came. */
export function checkAggregateQuery(query: AggregateQuery): void {
  checkFilter(query.filter);
  checkTimeframe(query);
  if (query.timeZone !== null) checkZone(query.timeZone);
  checkLength('groupBy', query.groupBy, GROUP_KEYS_MAX);
  query.groupBy.forEach(checkGroupKey);
  checkLength('measures', query.measures, MEASURES_MAX);
  query.measures.forEach(checkMeasure);
}

function checkTimeframe({ timeframe }: AggregateQuery): void {
  if ('last' in timeframe) {
    const { last } = timeframe;
    if (Number.isInteger(last) && last > 0 && last <= LAST_MS_MAX) return;
    throw wrong(`timeframe.last expects 1 ms to 100 years, but got ${last} ms.`);
  }
  const from = timeframe.between.from.getTime();
  const to = timeframe.between.to.getTime();
  if (from >= EARLIEST && to <= LATEST && from < to) return;
  throw wrong('timeframe.between expects from before to, both in the years 1 to 9999.');
}

function checkZone(zone: string): void {
  try {
    offsetMs(zone, 0);
  } catch {
    throw wrong('timeZone expects the IANA name of a time zone, such as Europe/Vienna.');
  }
}

export function checkGroupKey(key: EventGroupKey, index: number): void {
  if ('payloadPath' in key) checkPath(key.payloadPath, `groupBy[${index}].payloadPath`);
}

export function checkMeasure(measure: EventMeasure, index: number): void {
  const { function: name, payloadPath, dimension } = measure;
  const given = [payloadPath, dimension].filter(operand => operand !== null).length;
  const isFit = name === 'COUNT' ? given === 0 : given === 1;
  if (!isFit || (dimension !== null && name !== 'UNIQUE')) {
    throw wrong(`measures[${index}] expects one payloadPath, or a dimension for UNIQUE.`);
  }
  if (payloadPath !== null) checkPath(payloadPath, `measures[${index}].payloadPath`);
}

function checkPath(path: readonly string[], name: string): void {
  const steps = path.length;
  if (steps < 1 || steps > LIMITS.payloadDepthMax) {
    throw wrong(`${name} expects 1 to ${LIMITS.payloadDepthMax} steps, but got ${steps}.`);
  }
  if (!path.every(isStorableText)) {
    throw wrong(`${name} expects valid Unicode without the character U+0000.`);
  }
}

function checkLength(name: string, list: readonly unknown[], max: number): void {
  if (list.length > max)
    throw wrong(`${name} takes at most ${max} entries, but got ${list.length}.`);
}

function wrong(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
