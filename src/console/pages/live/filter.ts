/** What the live page shows, as it stands in the address bar. */
import type { SearchChanges } from '../../router/router.ts';
import { parseCondition } from './condition.ts';
import type { EventFilter } from './documents.ts';

/** The names that filters have in the address bar; each may repeat. */
export const FILTER_KINDS = ['type', 'source', 'subject', 'actor', 'where'] as const;
export type FilterKind = (typeof FILTER_KINDS)[number];

export const KIND_TITLES: Readonly<Record<FilterKind, string>> = {
  type: 'Type',
  source: 'Source',
  subject: 'Subject',
  actor: 'Actor',
  where: 'Payload',
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
      where: all('where'),
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

/** Null for every event. A type that ends with `*` stands for all that begin so. */
export function eventFilterOf({ chosen, search }: Filters): EventFilter | null {
  const all: EventFilter[] = [];
  if (chosen.type.length > 0) all.push({ or: chosen.type.map(typeFilter) });
  if (chosen.source.length > 0) all.push({ sources: [...chosen.source] });
  if (chosen.subject.length > 0) all.push({ subjects: [...chosen.subject] });
  if (chosen.actor.length > 0) all.push({ actors: [...chosen.actor] });
  const payload = chosen.where.map(parseCondition).filter(condition => condition !== null);
  if (payload.length > 0) all.push({ payload });
  if (search !== '') all.push({ search });
  const [only, ...more] = all.map(withoutLoneOr);
  if (!only) return null;
  return more.length === 0 ? only : { and: [only, ...more] };
}

function typeFilter(type: string): EventFilter {
  return type.endsWith('*') ? { typePrefix: type.slice(0, -1) } : { types: [type] };
}

/** Plain types are said plainly: counts of those come from rollups. */
function withoutLoneOr(filter: EventFilter): EventFilter {
  const { or } = filter;
  if (!or) return filter;
  const types = or.flatMap(each => each?.types ?? []);
  if (types.length === or.length) return { types };
  return or.length === 1 ? (or[0] as EventFilter) : filter;
}
