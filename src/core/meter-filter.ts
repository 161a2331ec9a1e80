/**
 * Filters that say the same. A filter is a set of conditions that must all hold; two filters are
 * equal where their sets are, in whatever order and however nested by `and` they are written.
 */
import { ALWAYS, intersect, rangeOf } from './aggregate-plan.ts';
import type { Interval } from './bucket.ts';
import { canonicalJson } from './canonical-json.ts';
import type { ExactJson } from './exact-json.ts';
import { isNumber } from './exact-number.ts';
import { searchWords } from './filter-search.ts';
import type { EventFilter, PropertyFilter } from './filter.ts';
import { columnOfPath, type SeriesColumns } from './meter.ts';

export interface Conditions {
  /** Each condition by its canonical text. */
  readonly all: ReadonlyMap<string, EventFilter>;
  /** In which occurredAt must lie, in ms. */
  readonly range: Interval;
}

/** The conditions of a filter; null where time stands within `or` or `not`. */
export function conditionsOf(filter: EventFilter | null | undefined): Conditions | null {
  const all = new Map<string, EventFilter>();
  let range = ALWAYS;
  const add = (condition: EventFilter) => all.set(canonicalJson(canonical(condition)), condition);
  const walk = (each: EventFilter): boolean => {
    const { and, occurredAt, payload, ...rest } = each;
    range = intersect(range, rangeOf(occurredAt));
    for (const property of payload ?? []) {
      for (const single of singles(property)) add({ payload: [single] });
    }
    const given = Object.entries(rest).filter(([, value]) => value != null);
    for (const [field, value] of given) add({ [field]: value as unknown });
    return given.every(([, value]) => !hasTime(value)) && (and ?? []).every(walk);
  };
  return walk(filter ?? {}) ? { all, range } : null;
}

/** Whether a filter within `or` or `not` looks at occurredAt. */
function hasTime(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasTime);
  if (typeof value !== 'object' || value === null || value instanceof Date) return false;
  const { occurredAt, and, or, not } = value as EventFilter;
  return occurredAt != null || hasTime(and) || hasTime(or) || hasTime(not);
}

/** A condition on the payload for each of its operators. */
function singles({ path, ...operators }: PropertyFilter): PropertyFilter[] {
  return Object.entries(operators)
    .filter(([name, operand]) => isGiven(name, operand))
    .map(([name, operand]) => ({ path, [name]: operand }));
}

/** JSON null is a value that may be compared with; a list or text that is null is none. */
function isGiven(operator: string, operand: unknown): boolean {
  const isJson = !['in', 'contains', 'startsWith', 'exists'].includes(operator);
  return isJson ? operand !== undefined : operand != null;
}

/** The same for filters that say the same: lists without an order have one, `and` is flat. */
function canonical(filter: EventFilter): unknown {
  const parts: unknown[] = [];
  const add = (condition: unknown) => parts.push(condition);
  const { and, or, not, payload, search, ...rest } = filter;
  for (const [field, value] of Object.entries(rest)) {
    if (value == null) continue;
    if (Array.isArray(value)) add([field, sorted(value)]);
    else add([field, value]);
  }
  for (const property of payload ?? []) {
    for (const { path, ...operator } of singles(property)) {
      const [[name, operand] = ['', null]] = Object.entries(operator);
      add(['payload', path, name, name === 'in' ? sorted(operand as unknown[]) : operand]);
    }
  }
  if (search != null) add(['search', sorted(searchWords(search))]);
  for (const inner of and ?? []) parts.push(...(canonical(inner) as unknown[]));
  if (or != null) add(['or', sorted(or.map(canonical))]);
  if (not != null) add(['not', canonical(not)]);
  return sorted(parts);
}

/** Each once, by their texts. */
function sorted(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map(value => [canonicalJson(value), value]));
  return [...byText.keys()].sort().map(text => byText.get(text));
}

const FIELDS = {
  types: 'definition_id',
  typePrefix: 'definition_id',
  categories: 'definition_id',
  sources: 'source',
  sourcePrefix: 'source',
  subjects: 'subject',
  subjectPrefix: 'subject',
  actors: 'actor',
  doors: 'door',
  success: 'success',
  successUnknown: 'success',
} as const satisfies Partial<Record<keyof EventFilter, string>>;

/** Whether the values of these columns tell if a condition holds. */
export function isOfSeries(condition: EventFilter, columns: SeriesColumns): boolean {
  const { and, or, not, payload, ...rest } = condition;
  const isField = ([field, value]: [string, unknown]) => {
    const column = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof typeof FIELDS] : null;
    return value == null || (column !== null && columns.dimensions.includes(column));
  };
  const inner = [...(and ?? []), ...(or ?? []), ...(not == null ? [] : [not])];
  return (
    Object.entries(rest).every(isField) &&
    (payload ?? []).every(property => textsOfSeries(property, columns) !== null) &&
    inner.every(each => isOfSeries(each, columns))
  );
}

/**
 * The texts of a column that a condition on the payload asks for; null where they can't tell. A
 * group is named by a text: "1" and 1 are one group. So both must be asked for, or neither.
 */
export function textsOfSeries(property: PropertyFilter, columns: SeriesColumns): string[] | null {
  const { path, in: values, ...others } = property;
  const isOther = Object.entries(others).some(([name, operand]) => isGiven(name, operand));
  if (isOther || values == null || columnOfPath(columns, path) === null) return null;
  const asked = new Set(values.map(value => canonicalJson(value)));
  const isWhole = values.every(value => {
    if (typeof value !== 'string') {
      const isPlain = isNumber(value) || typeof value === 'boolean';
      return isPlain && isShort(value) && asked.has(canonicalJson(String(value)));
    }
    const other = valueOf(value);
    return other === undefined || (isShort(other) && asked.has(canonicalJson(other)));
  });
  return isWhole ? values.filter(value => typeof value === 'string') : null;
}

/** Whether Postgres writes it as JavaScript does. */
function isShort(value: ExactJson): boolean {
  return typeof value !== 'number' || (Number.isFinite(value) && !/e/i.test(String(value)));
}

/** What is no text and has this one as its name: a number, a boolean, or what is nested. */
function valueOf(text: string): ExactJson | undefined {
  try {
    const value = JSON.parse(text) as ExactJson;
    return typeof value === 'string' ? undefined : value;
  } catch {
    return undefined;
  }
}
