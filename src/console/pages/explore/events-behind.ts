/** The way from a number to the events that it was counted from. */
import type { EventFilter } from '../../filters/documents.ts';
import { filterSearch } from '../../filters/filter.ts';
import { pathTo, searchText, type SearchChanges } from '../../router/router.ts';
import { needsProperty, type Options } from './options.ts';
import { groupFilter } from './question.ts';
import type { Layout, Series } from './series.ts';
import type { Answer } from './use-answer.ts';

/** Addresses of events: of a series or of all, in a bucket or in the whole time. */
export type EventsBehind = (series: Series | null, bucket: number | null) => string;

export function eventsBehind(workspace: string, answer: Answer, layout: Layout): EventsBehind {
  const { options, timeframe } = answer;
  const named = answer.groups.flatMap(({ value }) => value ?? []);
  const { from: first, to: last } = timeframe;
  return (series, bucket) => {
    // Buckets at the ends are longer than what was counted of them.
    const start = bucket === null ? -Infinity : (layout.starts[bucket] ?? 0);
    const end = bucket === null ? Infinity : (layout.starts[bucket + 1] ?? layout.end);
    const search = {
      ...filterSearch(options.filters),
      ...measureSearch(options),
      from: new Date(Math.max(start, Date.parse(first))).toISOString(),
      to: new Date(Math.min(end, Date.parse(last))).toISOString(),
      span: 'between',
    };
    const narrowed = series === null ? search : { ...search, ...groupSearch(series) };
    return pathTo(workspace, 'events') + searchText(narrowed);
  };

  function groupSearch({ group: value }: Series): SearchChanges {
    const { group } = options;
    if (group === 'none') return {};
    if (group === 'success') return { success: value ?? 'unknown' };
    if (value == null) return alsoFilter({ not: groupFilter(options, named) });
    if (group === 'payload') return alsoFilter(groupFilter(options, [value]));
    return { [group]: value };
  }

  function alsoFilter(filter: EventFilter): SearchChanges {
    return { filter: [...options.filters.chosen.filter, JSON.stringify(filter)] };
  }
}

/** Only events that have the property were measured. */
function measureSearch(options: Options): SearchChanges {
  const { filters, property } = options;
  return needsProperty(options) ? { where: [...filters.chosen.where, property] } : {};
}
