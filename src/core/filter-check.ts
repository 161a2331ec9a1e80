/**
 * What a filter may hold, checked before anything is compiled from it: its cost is bounded, and
 * every text in it is one that Postgres can compare. An empty list is legal and matches nothing,
 * and so does a range whose `from` lies after its `to`.
 */
import type { EventDefinitionFilter } from './definition.ts';
import { GatewayError } from './errors.ts';
import type { ExactJson } from './exact-json.ts';
import { isNumber, numberFault, type ExactNumber } from './exact-number.ts';
import type { DateTimeRange, EventFilter, PropertyFilter } from './filter.ts';
import { isJsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import { isStorableText } from './text.ts';

interface Walk {
  /** Filters and conditions so far, and the values in their lists and operands. */
  nodes: number;
  values: number;
}

/**
 * `name` is what the caller calls the filter; paths in messages begin with it.
 * @throws GatewayError BAD_USER_INPUT with the path to the first thing that is wrong, what was
 * expected there and what came.
 */
export function checkFilter(filter: EventFilter | null | undefined, name = 'filter'): void {
  if (filter != null) checkNode({ nodes: 0, values: 0 }, filter, name, 1);
}

const TEXT_LISTS = [
  'eventIds',
  'types',
  'categories',
  'sources',
  'subjects',
  'actors',
  'groupIds',
  'parentIds',
  'clientIps',
] as const;

const PREFIXES = ['typePrefix', 'sourcePrefix', 'subjectPrefix'] as const;

function checkNode(walk: Walk, filter: EventFilter, path: string, depth: number): void {
  countNode(walk, path);
  if (depth > LIMITS.filterDepthMax) {
    fail(path, `at most ${LIMITS.filterDepthMax} levels of and, or and not`, 'more');
  }
  for (const field of TEXT_LISTS) {
    filter[field]?.forEach((text, index) => checkText(walk, text, `${path}.${field}[${index}]`));
  }
  filter.doors?.forEach(() => countValue(walk, `${path}.doors`));
  for (const field of PREFIXES) {
    const prefix = filter[field];
    if (prefix != null) checkText(walk, prefix, `${path}.${field}`);
  }
  checkRange(filter.occurredAt, `${path}.occurredAt`);
  checkRange(filter.recordedAt, `${path}.recordedAt`);
  filter.payload?.forEach((property, index) =>
    checkProperty(walk, property, `${path}.payload[${index}]`),
  );
  if (filter.search != null) checkSearch(walk, filter.search, `${path}.search`);
  filter.and?.forEach((inner, at) => checkNode(walk, inner, `${path}.and[${at}]`, depth + 1));
  filter.or?.forEach((inner, at) => checkNode(walk, inner, `${path}.or[${at}]`, depth + 1));
  if (filter.not != null) checkNode(walk, filter.not, `${path}.not`, depth + 1);
}

/** @throws GatewayError BAD_USER_INPUT, as `checkFilter`. */
export function checkDefinitionFilter(
  filter: EventDefinitionFilter | null | undefined,
  name = 'filter',
): void {
  const walk = { nodes: 0, values: 0 };
  for (const field of ['names', 'categories', 'statuses'] as const) {
    filter?.[field]?.forEach((text, index) => checkText(walk, text, `${name}.${field}[${index}]`));
  }
  if (filter?.namePrefix != null) checkText(walk, filter.namePrefix, `${name}.namePrefix`);
  if (filter?.search != null) checkSearch(walk, filter.search, `${name}.search`);
}

function checkSearch(walk: Walk, search: string, path: string): void {
  checkText(walk, search, path);
  if (search.length <= LIMITS.searchCharsMax) return;
  fail(path, `at most ${LIMITS.searchCharsMax} characters`, String(search.length));
}

function checkRange(range: DateTimeRange | null | undefined, path: string): void {
  checkInstant(range?.from, `${path}.from`);
  checkInstant(range?.to, `${path}.to`);
}

function checkInstant(instant: Date | null | undefined, path: string): void {
  if (instant == null) return;
  const year = instant.getUTCFullYear();
  if (year >= LIMITS.yearMin && year <= LIMITS.yearMax) return;
  const came = Number.isNaN(year) ? 'no instant' : `the year ${year}`;
  fail(path, `an instant of the years ${LIMITS.yearMin} to ${LIMITS.yearMax}`, came);
}

const ORDERINGS = ['greaterThan', 'greaterThanOrEqual', 'lessThan', 'lessThanOrEqual'] as const;

function checkProperty(walk: Walk, property: PropertyFilter, path: string): void {
  countNode(walk, path);
  const steps = property.path.length;
  if (steps < 1 || steps > LIMITS.payloadDepthMax) {
    fail(`${path}.path`, `1 to ${LIMITS.payloadDepthMax} steps`, String(steps));
  }
  property.path.forEach((step, index) => checkText(walk, step, `${path}.path[${index}]`));
  if (!hasOperator(property)) fail(path, 'an operator beside path, such as equals', 'none');
  checkJson(walk, property.equals, `${path}.equals`, 1);
  checkJson(walk, property.notEquals, `${path}.notEquals`, 1);
  property.in?.forEach((value, index) => checkJson(walk, value, `${path}.in[${index}]`, 1));
  for (const operator of ORDERINGS) {
    const value = property[operator];
    if (value === undefined) continue;
    const isOrdered = isNumber(value) || typeof value === 'string';
    if (!isOrdered) fail(`${path}.${operator}`, 'a number or a text', kindOf(value));
    checkJson(walk, value, `${path}.${operator}`, 1);
  }
  if (property.contains != null) checkText(walk, property.contains, `${path}.contains`);
  if (property.startsWith != null) checkText(walk, property.startsWith, `${path}.startsWith`);
}

/** `equals: null` asks for JSON null, but `in: null` asks for nothing. */
function hasOperator(property: PropertyFilter): boolean {
  const { equals, notEquals, in: among, contains, startsWith, exists } = property;
  if (equals !== undefined || notEquals !== undefined) return true;
  if (ORDERINGS.some(operator => property[operator] !== undefined)) return true;
  return [among, contains, startsWith, exists].some(operand => operand != null);
}

function checkJson(walk: Walk, value: ExactJson | undefined, path: string, depth: number): void {
  if (value === undefined) return;
  if (typeof value === 'string') return checkText(walk, value, path);
  countValue(walk, path);
  if (isNumber(value)) return checkNumber(value, path);
  if (typeof value !== 'object' || value === null) return;
  if (depth > LIMITS.payloadDepthMax) {
    fail(path, `JSON of at most ${LIMITS.payloadDepthMax} levels`, 'more');
  }
  const isObject = isJsonObject(value);
  for (const [key, inner] of Object.entries(value) as [string, ExactJson][]) {
    if (isObject) checkText(null, key, path);
    checkJson(walk, inner, isObject ? `${path}.${key}` : `${path}[${key}]`, depth + 1);
  }
}

function checkNumber(value: number | ExactNumber, path: string): void {
  const fault = numberFault(value);
  if (fault !== null) fail(path, fault.expected, fault.came);
}

/** Counts it as a value, unless it is none. */
function checkText(walk: Walk | null, text: string, path: string): void {
  if (walk !== null) countValue(walk, path);
  if (isStorableText(text)) return;
  fail(path, 'valid Unicode without the character U+0000', 'another text');
}

function countNode(walk: Walk, path: string): void {
  if (++walk.nodes <= LIMITS.filterNodesMax) return;
  fail(path, `at most ${LIMITS.filterNodesMax} filters and conditions in all`, 'more');
}

function countValue(walk: Walk, path: string): void {
  if (++walk.values <= LIMITS.filterValuesMax) return;
  fail(path, `at most ${LIMITS.filterValuesMax} values in the whole filter`, 'more');
}

function kindOf(value: ExactJson): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (isJsonObject(value) ? 'an object' : 'a list') : typeof value;
}

/** A path is cut short: it may hold keys of any length. */
function fail(path: string, expected: string, came: string): never {
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${path.slice(0, 200).toWellFormed()} expects ${expected}, but got ${came}.`,
  );
}
