import { useState } from 'react';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Card, PageFrame } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { KeysCard } from './keys.tsx';
import { NewWorkspace } from './new-workspace.tsx';
import './settings.css';
import { WorkspaceForm } from './workspace-form.tsx';

/** Keys and workspaces, for those who may change them. */
export function SettingsPage() {
  const viewer = useViewer();
  const { name, slug } = useWorkspace();
  const [isMaking, setIsMaking] = useState(false);
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
  const coversAll = viewer.workspace === null;
  const newWorkspace = (
    <Button icon="plus" onClick={() => setIsMaking(true)}>
      New workspace
    </Button>
  );
  return (
    <PageFrame title="Settings" actions={coversAll && newWorkspace}>
      <Card title={`Workspace ${name}`}>
        <WorkspaceForm key={slug} />
      </Card>
      <KeysCard coversAll={coversAll} />
      {isMaking && <NewWorkspace onClose={() => setIsMaking(false)} />}
    </PageFrame>
  );
}
