import type { EventFilter } from '../../filters/documents.ts';
import { AddFilter, FilterChips } from '../../filters/filter-fields.tsx';
import type { Filters } from '../../filters/filter.ts';
import { SearchBox } from '../../parts/search-box.tsx';
import { setSearch } from '../../router/router.ts';
import { TimeSelect } from './time-select.tsx';

interface FilterBarProps {
  readonly filters: Filters;
  /** All of them as the API takes them; null for none. */
  readonly filter: EventFilter | null;
  readonly search: URLSearchParams;
}

export function FilterBar({ filters, filter, search }: FilterBarProps) {
  return (
    <div className="filter-bar">
      <TimeSelect search={search} />
      <SearchBox
        label="Search events"
        text={filters.search}
        onSearch={q => setSearch({ q }, { replace: true })}
      />
      <AddFilter filters={filters} onOpen={event => setSearch({ event })} />
      <FilterChips filters={filters} filter={filter} />
    </div>
  );
}
