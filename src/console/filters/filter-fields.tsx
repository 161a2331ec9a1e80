import { useId, useState, type FormEvent } from 'react';
import { Button } from '../parts/button.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { TypeList } from '../parts/type-list.tsx';
import { setSearch } from '../router/router.ts';
import type { EventFilter } from './documents.ts';
import {
  CHOICES,
  faultOf,
  FILTER_KINDS,
  KIND_TITLES,
  NO_FILTERS,
  toggled,
  type FilterKind,
  type Filters,
} from './filter.ts';
import './filters.css';

/** What the field for a filter may hold, beside the filters that repeat: one event is opened. */
type AddKind = FilterKind | 'id';

const ADD_TITLES: Readonly<Record<AddKind, string>> = { ...KIND_TITLES, id: 'Event id' };

const ADD_KINDS = [...FILTER_KINDS.slice(0, -2), 'id' as const, ...FILTER_KINDS.slice(-2)];

const PLACEHOLDERS: Partial<Readonly<Record<AddKind, string>>> = {
  type: 'order.*',
  source: 'shop',
  subject: 'order-42',
  actor: 'ada',
  category: 'sales',
  group: 'checkout-7',
  where: 'total >= 100',
  filter: '{"not":{"actors":["ada"]}}',
  id: '018f2c1e-…',
};

interface AddFilterProps {
  readonly filters: Filters;
  /** Shows the event of an id. Without it, no id can be given. */
  readonly onOpen?: (eventId: string) => void;
}

export function AddFilter({ filters, onOpen }: AddFilterProps) {
  const id = useId();
  const [kind, setKind] = useState<AddKind>('type');
  const [value, setValue] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const choices = choicesOf(kind);

  function become(nextKind: AddKind, nextValue: string): void {
    setKind(nextKind);
    setValue(nextValue);
    setFault(null);
  }

  function add(event: FormEvent): void {
    event.preventDefault();
    const text = value.trim();
    if (text === '') return;
    if (kind === 'id') onOpen?.(text);
    else {
      const found = faultOf(kind, text);
      if (found !== null) return setFault(found);
      if (!filters.chosen[kind].includes(text)) setSearch(toggled(filters, kind, text));
    }
    become(kind, choices ? text : '');
  }

  return (
    <form className="add-filter" onSubmit={add}>
      <select
        aria-label="What to filter by"
        value={kind}
        onChange={({ target }) => {
          const next = target.value as AddKind;
          const [first = ''] = Object.keys(choicesOf(next) ?? {});
          // What is typed stays where it can.
          become(next, first || (choices ? '' : value));
        }}
      >
        {ADD_KINDS.filter(each => each !== 'id' || onOpen).map(each => (
          <option key={each} value={each}>
            {ADD_TITLES[each]}
          </option>
        ))}
      </select>
      <ValueField
        {...{ id, kind, value }}
        isWrong={fault !== null}
        onChange={next => become(kind, next)}
      />
      <Button type="submit" icon="plus">
        {kind === 'id' ? 'Open' : 'Add'}
      </Button>
      {fault !== null && (
        <p className="note bad" id={`${id}-note`} role="alert">
          {fault}
        </p>
      )}
    </form>
  );
}

function choicesOf(kind: AddKind) {
  return kind === 'id' ? undefined : CHOICES[kind];
}

interface ValueFieldProps {
  readonly id: string;
  readonly kind: AddKind;
  readonly value: string;
  readonly isWrong: boolean;
  readonly onChange: (value: string) => void;
}

function ValueField({ id, kind, value, isWrong, onChange }: ValueFieldProps) {
  const choices = choicesOf(kind);
  const wire = {
    'aria-label': `${ADD_TITLES[kind]} to show`,
    'aria-invalid': isWrong || undefined,
    'aria-describedby': isWrong ? `${id}-note` : undefined,
  };
  if (choices) {
    return (
      <select {...wire} value={value} onChange={event => onChange(event.target.value)}>
        {Object.entries(choices).map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    );
  }
  return (
    <>
      <input
        {...wire}
        placeholder={PLACEHOLDERS[kind]}
        list={kind === 'type' ? `${id}-types` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={event => onChange(event.target.value)}
      />
      <TypeList id={`${id}-types`} />
    </>
  );
}

interface ChipsProps {
  readonly filters: Filters;
  /** All of them as the API takes them; null for none. */
  readonly filter: EventFilter | null;
}

/** The filters that are on, each to take away. */
export function FilterChips({ filters, filter }: ChipsProps) {
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
            <span className="clip">{CHOICES[kind]?.[value] ?? value}</span>
            <Icon name="close" />
          </button>
        </li>
      ))}
      <li>
        <Button look="quiet" onClick={() => setSearch(NO_FILTERS)}>
          Clear
        </Button>
      </li>
      {filter !== null && (
        <li title="All filters as one text, for “sluice tail --filter” and for the filter text here">
          <CopyButton label="Copy as filter text" text={JSON.stringify(filter)} />
        </li>
      )}
    </ul>
  );
}
