import { useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Bars } from '../../parts/bars.tsx';
import { formatCount } from '../../parts/format.ts';
import { Ago, Badge } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import { Pager, type PageArgs } from '../../parts/pager.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Link } from '../../router/link.tsx';
import { setSearch, useSearch } from '../../router/router.ts';
import { definitionPath } from './address.ts';
import { Definitions, type ListedDefinition, type ListedDefinitions } from './documents.ts';
import { TREND_DAYS, useTrends, type TrendsByType } from './use-trends.ts';
import { STATUSES, VALIDATIONS, type Status } from './words.ts';

const ROWS = 25;

export function DefinitionList() {
  const { slug } = useWorkspace();
  const search = useSearch();
  const text = search.get('q') ?? '';
  const status = statusOf(search.get('status'));
  const filter = { search: text, ...(status === null ? {} : { statuses: [status] }) };
  const [{ data, error, stale }, ask] = useQuery({
    query: Definitions,
    variables: { workspace: slug, filter, ...pageArgs(search) },
  });
  const isFiltered = text !== '' || status !== null;
  return (
    <>
      <div className="definition-filters">
        <SearchBox
          label="Search types"
          text={text}
          onSearch={q => setSearch({ q, after: null, before: null }, { replace: true })}
        />
        <select
          aria-label="Status"
          value={status ?? ''}
          onChange={({ target }) =>
            setSearch({ status: target.value, after: null, before: null }, { replace: true })
          }
        >
          <option value="">Every status</option>
          {Object.entries(STATUSES).map(([name, { title }]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </div>
      {error && <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />}
      {!error && !data && <Loading />}
      {!error && data && (
        <Listed {...{ ...data.eventDefinitions, isFiltered }} isWaiting={stale === true} />
      )}
    </>
  );
}

function statusOf(text: string | null): Status | null {
  return text !== null && Object.hasOwn(STATUSES, text) ? (text as Status) : null;
}

function pageArgs(search: URLSearchParams): PageArgs {
  const [after, before] = [search.get('after'), search.get('before')];
  return before === null ? { first: ROWS, after } : { last: ROWS, before };
}

interface ListedProps extends ListedDefinitions {
  readonly isFiltered: boolean;
  readonly isWaiting: boolean;
}

function Listed({ nodes, totalCount, pageInfo, isFiltered, isWaiting }: ListedProps) {
  const { slug } = useWorkspace();
  const trends = useTrends(nodes.map(({ name }) => name));
  if (nodes.length === 0) return <Nothing isFiltered={isFiltered} />;
  const count = totalCount ?? nodes.length;
  return (
    <Card title={`${formatCount(count)} ${count === 1 ? 'type' : 'types'}`}>
      <div className="definition-list" aria-busy={isWaiting}>
        <Table
          caption="Event types"
          columns={columns(slug, trends)}
          rows={nodes}
          keyOf={({ id }) => id}
        />
      </div>
      <Pager
        pageInfo={pageInfo}
        onPage={place => setSearch({ after: null, before: null, ...place })}
      />
    </Card>
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

function columns(slug: string, trends: TrendsByType | null): readonly Column<ListedDefinition>[] {
  return [
    {
      title: 'Type',
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
    { title: 'Events', isNumber: true, cell: ({ eventCount }) => formatCount(eventCount) },
    {
      title: 'Last seen',
      isMinor: true,
      cell: ({ lastRecordedAt }) => <Ago at={lastRecordedAt} />,
    },
    { title: 'Status', isMinor: true, cell: ({ status }) => <StatusBadge status={status} /> },
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
