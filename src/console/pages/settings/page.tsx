import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Card, PageFrame } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { pathTo, useSearch } from '../../router/router.ts';
import { DeleteWorkspaceCard } from './delete-workspace.tsx';
import { KeysCard } from './keys.tsx';
import { RedactionCard } from './redaction.tsx';
import { WorkspaceForm } from './workspace-form.tsx';
import { WorkspacesCard } from './workspaces.tsx';

/** One workspace, and the installation with all of them: for those who may change them. */
export function SettingsPage() {
  const viewer = useViewer();
  const { slug, name } = useWorkspace();
  const coversAll = viewer.workspace === null;
  const tab = useSearch().get('tab');
  const isInstallation = coversAll && tab === 'installation';
  if (!may(viewer, 'ADMIN')) {
    return (
      <PageFrame title="Settings">
        <Empty title="This key may not change settings">
          <p>
            Sign in with a key that has the scope ADMIN. This one has {viewer.scopes.join(', ')}.
          </p>
        </Empty>
      </PageFrame>
    );
  }
  const tabs = [
    { title: `Workspace ${name}`, href: pathTo(slug, 'settings'), isCurrent: !isInstallation },
    {
      title: 'Installation',
      href: pathTo(slug, 'settings', [], { tab: 'installation' }),
      isCurrent: isInstallation,
    },
  ];
  return (
    <PageFrame title="Settings">
      {coversAll && <Tabs label="Settings of" tabs={tabs} />}
      {isInstallation ? <Installation /> : <OneWorkspace key={slug} coversAll={coversAll} />}
    </PageFrame>
  );
}

function OneWorkspace({ coversAll }: { coversAll: boolean }) {
  const { name } = useWorkspace();
  return (
    <>
      <Card title={`Workspace ${name}`}>
        <WorkspaceForm />
      </Card>
      <KeysCard isOfAll={false} />
      <RedactionCard />
      {coversAll && <DeleteWorkspaceCard />}
    </>
  );
}

function Installation() {
  return (
    <>
      <WorkspacesCard />
      <KeysCard isOfAll />
    </>
  );
}
