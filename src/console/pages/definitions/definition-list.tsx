import { useWorkspace } from '../../layout/workspace.tsx';
import { Bars } from '../../parts/bars.tsx';
import { Button } from '../../parts/button.tsx';
import { formatCount } from '../../parts/format.ts';
import { Ago, Badge } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Link } from '../../router/link.tsx';
import { setSearch, useSearch } from '../../router/router.ts';
import { definitionPath } from './address.ts';
import type { ListedDefinition } from './documents.ts';
import { nextSort, sortedBy, sortOf, type Sort, type SortKey } from './sort.ts';
import { useDefinitions } from './use-definitions.ts';
import { TREND_DAYS, useTrends, type TrendsByType } from './use-trends.ts';
import { STATUSES, VALIDATIONS, type Status } from './words.ts';

const ROWS = 25;

export function DefinitionList() {
  const search = useSearch();
  const text = search.get('q') ?? '';
  const status = statusOf(search.get('status'));
  const category = search.get('category');
  const { definitions, error, isWaiting, isCut, again } = useDefinitions(text, status);
  const categories = [...new Set(definitions?.flatMap(each => each.category ?? []))].sort();
  const rows = definitions?.filter(each => category === null || each.category === category);
  return (
    <>
      <div className="definition-filters">
        <SearchBox
          label="Search types"
          text={text}
          onSearch={q => setSearch({ q, page: null }, { replace: true })}
        />
        <Choice
          label="Category"
          every="Every category"
          value={category}
          choices={[...categories, ...(category === null ? [] : [category])].map(each => [
            each,
            each,
          ])}
          onChoose={next => setSearch({ category: next, page: null }, { replace: true })}
        />
        <Choice
          label="Status"
          every="Every status"
          value={status}
          choices={Object.entries(STATUSES).map(([name, { title }]) => [name, title])}
          onChoose={next => setSearch({ status: next, page: null }, { replace: true })}
        />
      </div>
      {error && <Failed error={error} onRetry={again} />}
      {!error && !rows && <Loading />}
      {isCut && (
        <Notice>Only the first types by name are listed and sorted. Search for the others.</Notice>
      )}
      {!error && rows && (
        <Listed
          {...{ rows, isWaiting }}
          isFiltered={text !== '' || status !== null || category !== null}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  /** What no choice is called. */
  readonly every: string;
  readonly value: string | null;
  readonly choices: readonly (readonly [string, string])[];
  readonly onChoose: (value: string) => void;
}

function Choice({ label, every, value, choices, onChoose }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value ?? ''}
      onChange={({ target }) => onChoose(target.value)}
    >
      <option value="">{every}</option>
      {[...new Map(choices)].map(([name, title]) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
    </select>
  );
}

function statusOf(text: string | null): Status | null {
  return text !== null && Object.hasOwn(STATUSES, text) ? (text as Status) : null;
}

interface ListedProps {
  readonly rows: readonly ListedDefinition[];
  readonly isFiltered: boolean;
  readonly isWaiting: boolean;
}

function Listed({ rows, isFiltered, isWaiting }: ListedProps) {
  const { slug } = useWorkspace();
  const search = useSearch();
  const sort = sortOf(search);
  const pages = Math.max(Math.ceil(rows.length / ROWS), 1);
  const page = Math.min(Math.max(Math.trunc(Number(search.get('page') ?? 1)) || 1, 1), pages);
  const shown = sortedBy(rows, sort).slice((page - 1) * ROWS, page * ROWS);
  const trends = useTrends(shown.map(({ name }) => name));
  if (rows.length === 0) return <Nothing isFiltered={isFiltered} />;
  return (
    <Card title={`${formatCount(rows.length)} ${rows.length === 1 ? 'type' : 'types'}`}>
      <div className="definition-list" aria-busy={isWaiting}>
        <Table
          caption="Event types"
          columns={columns(slug, trends, sort)}
          rows={shown}
          keyOf={({ id }) => id}
        />
      </div>
      {pages > 1 && <Pages {...{ page, pages }} />}
    </Card>
  );
}

function Pages({ page, pages }: { page: number; pages: number }) {
  const go = (to: number) => setSearch({ page: to === 1 ? null : String(to) });
  return (
    <nav className="pager actions" aria-label="Pages of the list">
      <span className="muted">
        {page} of {pages}
      </span>
      <Button icon="back" disabled={page === 1} onClick={() => go(page - 1)}>
        Previous
      </Button>
      <Button disabled={page === pages} onClick={() => go(page + 1)}>
        Next
      </Button>
    </nav>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No type is like that">
        <p>Search for other words, or look at every status.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No event types yet">
      <p>Record an event, and its type is listed here by itself; or make a definition first.</p>
    </Empty>
  );
}

const NO_EVENTS: readonly number[] = Array<number>(TREND_DAYS).fill(0);

function columns(
  slug: string,
  trends: TrendsByType | null,
  sort: Sort,
): readonly Column<ListedDefinition>[] {
  const sorting = (key: SortKey) => ({
    sorted: sort.key === key ? sort.direction : ('none' as const),
    onSort: () => setSearch({ ...nextSort(sort, key), page: null }, { replace: true }),
  });
  return [
    {
      title: 'Type',
      ...sorting('name'),
      cell: ({ name, title }) => (
        <div className="definition-name">
          <Link href={definitionPath(slug, name)}>{name}</Link>
          {title !== null && <span className="muted">{title}</span>}
        </div>
      ),
    },
    {
      title: `Last ${TREND_DAYS} days`,
      cell: ({ name }) => <Trend counts={trends && (trends.get(name) ?? NO_EVENTS)} />,
    },
    {
      title: 'Category',
      isMinor: true,
      ...sorting('category'),
      cell: ({ category }) => category ?? <span className="faint">–</span>,
    },
    {
      title: 'Events',
      isNumber: true,
      ...sorting('events'),
      cell: ({ eventCount }) => formatCount(eventCount),
    },
    {
      title: 'Last seen',
      isMinor: true,
      ...sorting('seen'),
      cell: ({ lastRecordedAt }) => <Ago at={lastRecordedAt} />,
    },
    {
      title: 'Status',
      isMinor: true,
      ...sorting('status'),
      cell: ({ status }) => <StatusBadge status={status} />,
    },
    {
      title: 'Validation',
      isMinor: true,
      cell: ({ validation, payloadSchema }) =>
        payloadSchema === null ? (
          <span className="faint">no schema</span>
        ) : (
          VALIDATIONS[validation].short
        ),
    },
  ];
}

function Trend({ counts }: { counts: readonly number[] | null }) {
  if (counts === null) return <span className="faint">–</span>;
  const sum = counts.reduce((all, count) => all + count, 0);
  return (
    <Bars
      counts={counts}
      height={24}
      label={`${formatCount(sum)} in the last ${TREND_DAYS} days`}
    />
  );
}

export function StatusBadge({ status }: { status: Status }) {
  const { title, tone } = STATUSES[status];
  return <Badge tone={tone}>{title}</Badge>;
}
