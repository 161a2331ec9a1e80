import { useId, useState, type FormEvent } from 'react';
import { Button } from '../../parts/button.tsx';
import { Icon } from '../../parts/icon.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { TypeList } from '../../parts/type-list.tsx';
import { setSearch } from '../../router/router.ts';
import { CONDITION_HINT, parseCondition } from './condition.ts';
import {
  FILTER_KINDS,
  KIND_TITLES,
  NO_FILTERS,
  toggled,
  type FilterKind,
  type Filters,
} from './filter.ts';

const PLACEHOLDERS: Readonly<Record<FilterKind, string>> = {
  type: 'order.*',
  source: 'shop',
  subject: 'order-42',
  actor: 'ada',
  where: 'total >= 100',
};

export function FilterBar({ filters }: { filters: Filters }) {
  return (
    <div className="filter-bar">
      <SearchBox
        label="Search events"
        text={filters.search}
        onSearch={q => setSearch({ q }, { replace: true })}
      />
      <AddFilter filters={filters} />
      <Chips filters={filters} />
    </div>
  );
}

function AddFilter({ filters }: { filters: Filters }) {
  const id = useId();
  const [kind, setKind] = useState<FilterKind>('type');
  const [value, setValue] = useState('');
  const [isWrong, setIsWrong] = useState(false);

  function add(event: FormEvent): void {
    event.preventDefault();
    const text = value.trim();
    if (text === '') return;
    if (kind === 'where' && !parseCondition(text)) return setIsWrong(true);
    if (!filters.chosen[kind].includes(text)) setSearch(toggled(filters, kind, text));
    setValue('');
  }

  return (
    <form className="add-filter" onSubmit={add}>
      <select
        aria-label="What to filter by"
        value={kind}
        onChange={event => {
          setKind(event.target.value as FilterKind);
          setIsWrong(false);
        }}
      >
        {FILTER_KINDS.map(each => (
          <option key={each} value={each}>
            {KIND_TITLES[each]}
          </option>
        ))}
      </select>
      <input
        aria-label={`${KIND_TITLES[kind]} to show`}
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? `${id}-note` : undefined}
        placeholder={PLACEHOLDERS[kind]}
        list={kind === 'type' ? `${id}-types` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={event => {
          setValue(event.target.value);
          setIsWrong(false);
        }}
      />
      <Button type="submit" icon="plus">
        Add
      </Button>
      <TypeList id={`${id}-types`} />
      {isWrong && (
        <p className="note bad" id={`${id}-note`} role="alert">
          {CONDITION_HINT}
        </p>
      )}
    </form>
  );
}

function Chips({ filters }: { filters: Filters }) {
  const chips = FILTER_KINDS.flatMap(kind => filters.chosen[kind].map(value => ({ kind, value })));
  if (chips.length === 0) return null;
  return (
    <ul className="chips" aria-label="Filters">
      {chips.map(({ kind, value }) => (
        <li key={`${kind} ${value}`}>
          <button
            type="button"
            className="chip"
            onClick={() => setSearch(toggled(filters, kind, value))}
          >
            <span className="unseen">Take away</span>
            <span className="faint">{KIND_TITLES[kind]}</span>
            <span className="clip">{value}</span>
            <Icon name="close" />
          </button>
        </li>
      ))}
      <li>
        <Button look="quiet" onClick={() => setSearch(NO_FILTERS)}>
          Clear
        </Button>
      </li>
    </ul>
  );
}
