import { useQuery } from 'urql';
import { useRepeat } from '../../api/use-repeat.ts';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Card, PageFrame } from '../../parts/page.tsx';
import { Failed, Loading, Notice } from '../../parts/states.tsx';
import { GatewayStatus, WorkspaceStatus } from './documents.ts';
import { FaultTable } from './fault-table.tsx';
import { GatewayFigures, RefusalFigures, StorageFigures, WorkspaceFigures } from './figures.tsx';
import { useHealth } from './health.ts';
import './status.css';

const EVERY_MS = 5_000;

/** How the gateway does, and the workspace in it. */
export function StatusPage() {
  const { name } = useWorkspace();
  const viewer = useViewer();
  const isOperator = may(viewer, 'ADMIN') && viewer.workspace === null;
  return (
    <PageFrame title="Status">
      <HealthNotice />
      <Card title={name}>
        <WorkspaceCard />
      </Card>
      {isOperator ? (
        <GatewayCards />
      ) : (
        <Notice>
          Version, streams and disk are shown to a key with the scope ADMIN for every workspace.
        </Notice>
      )}
    </PageFrame>
  );
}

function HealthNotice() {
  const { isReady, reasons } = useHealth(EVERY_MS);
  if (isReady === null) return <Notice>Asking how the gateway does…</Notice>;
  if (isReady) return <Notice tone="good">All is well: the gateway records and reads.</Notice>;
  return (
    <Notice tone="bad">
      <b>The gateway can’t serve.</b> {reasons.join(' ')}
    </Notice>
  );
}

function WorkspaceCard() {
  const { slug } = useWorkspace();
  const [{ data, error }, ask] = useQuery({
    query: WorkspaceStatus,
    variables: { workspace: slug },
  });
  useRepeat(ask);
  if (data?.workspace) return <WorkspaceFigures {...data} workspace={data.workspace} />;
  if (error) return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  return <Loading />;
}

function GatewayCards() {
  const [{ data, error }, ask] = useQuery({ query: GatewayStatus });
  useRepeat(ask);
  if (!data) {
    if (!error) return <Loading />;
    return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  }
  return (
    <>
      <Card title="Disk">
        <StorageFigures storage={data.status.storage} />
      </Card>
      <Card title="Gateway">
        <GatewayFigures gateway={data.status} />
      </Card>
      <Card title="Refused since it was started">
        <RefusalFigures refusals={data.status.refusals} />
      </Card>
      {data.status.upkeep.faults.length > 0 && (
        <Card title="Background work that fails">
          <FaultTable faults={data.status.upkeep.faults} />
        </Card>
      )}
    </>
  );
}
