import { useState } from 'react';
import { useQuery } from 'urql';
import { useRepeat } from '../../api/use-repeat.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { formatCount } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Pager, type PageArgs } from '../../parts/pager.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Link } from '../../router/link.tsx';
import { consumerPath } from './address.ts';
import { Consumers, type ListedConsumer } from './documents.ts';
import { StateCell } from './state-badge.tsx';
import { KINDS } from './words.ts';

const ROWS = 50;

/** Every consumer of the workspace, with what waits for it. */
export function ConsumerList() {
  const { slug } = useWorkspace();
  const [place, setPlace] = useState<PageArgs>({ first: ROWS });
  const [{ data, error }, ask] = useQuery({
    query: Consumers,
    variables: { workspace: slug, ...place },
  });
  useRepeat(ask);
  if (!data) {
    if (!error) return <Loading />;
    return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  }
  const { nodes, pageInfo } = data.consumers;
  if (nodes.length === 0 && !pageInfo.hasPreviousPage) return <Nothing />;
  return (
    <Card title="All consumers">
      <Table caption="Consumers" columns={columns(slug)} rows={nodes} keyOf={({ id }) => id} />
      <Pager
        pageInfo={pageInfo}
        onPage={to => setPlace('before' in to ? { last: ROWS, ...to } : { first: ROWS, ...to })}
      />
    </Card>
  );
}

function Nothing() {
  return (
    <Empty title="No consumers yet">
      <p>
        A consumer keeps a place in the log. Workers pull from it, or the gateway sends each event
        to a URL: every event at least once, also after a pause.
      </p>
    </Empty>
  );
}

function columns(slug: string): readonly Column<ListedConsumer>[] {
  return [
    {
      title: 'Name',
      cell: ({ name, description }) => (
        <div className="consumer-name">
          <Link href={consumerPath(slug, name)}>{name}</Link>
          {description !== null && <span className="muted">{description}</span>}
        </div>
      ),
    },
    { title: 'Kind', isMinor: true, cell: ({ kind }) => KINDS[kind] },
    { title: 'State', cell: consumer => <StateCell consumer={consumer} /> },
    {
      title: 'Behind',
      isNumber: true,
      cell: ({ lagEvents }) => formatCount(lagEvents),
    },
    {
      title: 'In flight',
      isNumber: true,
      isMinor: true,
      cell: ({ inFlightCount }) => formatCount(inFlightCount),
    },
    {
      title: 'Waiting for retry',
      isNumber: true,
      isMinor: true,
      cell: ({ retryingCount }) => formatCount(retryingCount),
    },
    {
      title: 'Parked',
      isNumber: true,
      cell: ({ parkedCount }) => formatCount(parkedCount),
    },
  ];
}
