/** Which events a page is about, as it stands in the address bar. */
import { DOORS } from '../parts/format.ts';
import type { SearchChanges } from '../router/router.ts';
import { CONDITION_HINT, parseCondition } from './condition.ts';
import type { EventFilter } from './documents.ts';

/** The names that filters have in the address bar; each may repeat. */
export const FILTER_KINDS = [
  'type',
  'source',
  'subject',
  'actor',
  'category',
  'success',
  'door',
  'group',
  'where',
  'filter',
] as const;
export type FilterKind = (typeof FILTER_KINDS)[number];

export const KIND_TITLES: Readonly<Record<FilterKind, string>> = {
  type: 'Type',
  source: 'Source',
  subject: 'Subject',
  actor: 'Actor',
  category: 'Category',
  success: 'Success',
  door: 'Source API',
  group: 'Group',
  where: 'Payload',
  filter: 'Filter text',
};

/** What can be chosen, where it is not any text: by what it is in the address. */
export const CHOICES: Partial<Readonly<Record<FilterKind, Readonly<Record<string, string>>>>> = {
  success: { true: 'Succeeded', false: 'Failed', unknown: 'Not said' },
  door: DOORS,
};

export interface Filters {
  readonly chosen: Readonly<Record<FilterKind, readonly string[]>>;
  readonly search: string;
}

export function filtersOf(search: URLSearchParams): Filters {
  const all = (kind: FilterKind) => search.getAll(kind);
  return {
    chosen: {
      type: all('type'),
      source: all('source'),
      subject: all('subject'),
      actor: all('actor'),
      category: all('category'),
      success: all('success'),
      door: all('door'),
      group: all('group'),
      where: all('where'),
      filter: all('filter'),
    },
    search: search.get('q') ?? '',
  };
}

export const NO_FILTERS: SearchChanges = Object.fromEntries(
  [...FILTER_KINDS, 'q'].map(name => [name, null]),
);

/** What the address becomes when a filter is added or, where it is there, taken away. */
export function toggled({ chosen }: Filters, kind: FilterKind, value: string): SearchChanges {
  const values = chosen[kind];
  return { [kind]: values.includes(value) ? values.filter(v => v !== value) : [...values, value] };
}

const FILTER_HINT =
  'An EventFilter of the API as JSON, such as {"not":{"actors":["ada"]}} or {"or":[{"types":["a"]},{"success":false}]}: the same text as the command line takes after --filter.';

/** What is wrong with a value; null where it can be used. */
export function faultOf(kind: FilterKind, value: string): string | null {
  if (kind === 'where') return parseCondition(value) ? null : CONDITION_HINT;
  if (kind === 'filter') return parseFilterText(value) ? null : FILTER_HINT;
  return null;
}

/** Null for what is no JSON object. Whether its fields are right, the gateway says. */
export function parseFilterText(text: string): EventFilter | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Null as well.
  }
  return null;
}

/**
 * Null for every event. Values of one kind mean any of them; kinds must all hold. A type that ends
 * with `*` stands for all that begin so.
 *
 * @param categoryTypes the types that have one of the chosen categories
 */
export function eventFilterOf(
  { chosen, search }: Filters,
  categoryTypes: readonly string[],
): EventFilter | null {
  const all: EventFilter[] = [];
  if (chosen.type.length > 0) all.push({ or: chosen.type.map(typeFilter) });
  if (chosen.category.length > 0) all.push({ types: [...categoryTypes] });
  if (chosen.source.length > 0) all.push({ sources: [...chosen.source] });
  if (chosen.subject.length > 0) all.push({ subjects: [...chosen.subject] });
  if (chosen.actor.length > 0) all.push({ actors: [...chosen.actor] });
  if (chosen.group.length > 0) all.push({ groupIds: [...chosen.group] });
  const doors = chosen.door.filter(door => Object.hasOwn(DOORS, door)) as (keyof typeof DOORS)[];
  if (chosen.door.length > 0) all.push({ doors });
  if (chosen.success.length > 0) all.push({ or: chosen.success.map(successFilter) });
  const payload = chosen.where.map(parseCondition).filter(condition => condition !== null);
  if (payload.length > 0) all.push({ payload });
  all.push(...chosen.filter.map(parseFilterText).filter(filter => filter !== null));
  if (search !== '') all.push({ search });
  return allOf(all.map(withoutLoneOr));
}

/** The filters of one address as they stand in another. */
export function filterSearch({ chosen, search }: Filters): SearchChanges {
  return { ...chosen, q: search };
}

export function allOf(filters: readonly EventFilter[]): EventFilter | null {
  const [only, ...more] = filters;
  if (!only) return null;
  return more.length === 0 ? only : { and: [only, ...more] };
}

function typeFilter(type: string): EventFilter {
  return type.endsWith('*') ? { typePrefix: type.slice(0, -1) } : { types: [type] };
}

function successFilter(value: string): EventFilter {
  // An event that does not say matches neither.
  if (value === 'unknown') return { not: { or: [{ success: true }, { success: false }] } };
  return { success: value === 'true' };
}

/** Plain types are said plainly: counts of those come from rollups. */
function withoutLoneOr(filter: EventFilter): EventFilter {
  const { or } = filter;
  if (!or) return filter;
  const types = or.flatMap(each => each?.types ?? []);
  if (types.length === or.length) return { types };
  return or.length === 1 ? (or[0] as EventFilter) : filter;
}
