import { useState } from 'react';
import { useQuery } from 'urql';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatDate } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Link } from '../../router/link.tsx';
import { pathTo } from '../../router/router.ts';
import { ListedWorkspaces, type ListedWorkspace } from './documents.ts';
import { NewWorkspace } from './new-workspace.tsx';

const COLUMNS: readonly Column<ListedWorkspace>[] = [
  {
    title: 'Name',
    cell: ({ slug, name }) => <Link href={pathTo(slug, 'settings')}>{name}</Link>,
  },
  { title: 'Short name', cell: ({ slug }) => <code>{slug}</code> },
  {
    title: 'Events recorded',
    isNumber: true,
    cell: ({ headPosition }) => formatCount(headPosition),
  },
  {
    title: 'Kept for',
    isMinor: true,
    cell: ({ retentionDays }) =>
      retentionDays === null ? 'ever' : `${formatCount(retentionDays)} days`,
  },
  { title: 'Created', isMinor: true, cell: ({ createdAt }) => formatDate(createdAt) },
];

/** Every workspace of the installation. */
export function WorkspacesCard() {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error }, ask] = useQuery({ query: ListedWorkspaces, variables: { after } });
  const [isMaking, setIsMaking] = useState(false);
  const create = (
    <Button icon="plus" onClick={() => setIsMaking(true)}>
      New workspace
    </Button>
  );
  return (
    <Card title="Workspaces" actions={create}>
      {!data && !error && <Loading />}
      {error && <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />}
      {data && (
        <>
          <Table
            caption="Workspaces"
            columns={COLUMNS}
            rows={data.workspaces.nodes}
            keyOf={({ id }) => id}
          />
          {(after !== null || data.workspaces.pageInfo.hasNextPage) && (
            <nav className="pager actions" aria-label="Pages of the list">
              <Button icon="back" disabled={after === null} onClick={() => setAfter(null)}>
                First
              </Button>
              <Button
                disabled={!data.workspaces.pageInfo.hasNextPage}
                onClick={() => setAfter(data.workspaces.pageInfo.endCursor)}
              >
                Next
              </Button>
            </nav>
          )}
        </>
      )}
      {isMaking && <NewWorkspace onClose={() => setIsMaking(false)} />}
    </Card>
  );
}
