import { useState } from 'react';
import { useMutation } from 'urql';
import { useWorkspace, useWorkspaces } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Card } from '../../parts/page.tsx';
import { navigate } from '../../router/router.ts';
import { DeleteWorkspace } from './documents.ts';

/** Removes the workspace with everything in it. */
export function DeleteWorkspaceCard() {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Card title="Delete the workspace">
      <div className="form">
        <p>Its events, definitions, keys and counts are removed for good.</p>
        <div className="actions">
          <Button look="danger" onClick={() => setIsAsking(true)}>
            Delete…
          </Button>
        </div>
      </div>
      {isAsking && <DeleteDialog onClose={() => setIsAsking(false)} />}
    </Card>
  );
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const { slug, name } = useWorkspace();
  const [typed, setTyped] = useState('');
  const [{ fetching, error }, remove] = useMutation(DeleteWorkspace);
  const [, askWorkspaces] = useWorkspaces();

  async function submit(): Promise<void> {
    const { data } = await remove({ slug, confirmSlug: typed.trim() });
    if (!data) return;
    askWorkspaces({ requestPolicy: 'network-only' });
    navigate('/');
  }

  return (
    <Dialog title={`Delete ${name}?`} onClose={onClose}>
      <Form
        action="Delete for good"
        onSubmit={submit}
        isBusy={fetching}
        error={error}
        missing={typed.trim() === slug ? undefined : 'Type its short name first'}
      >
        <p>Its events, definitions, keys and counts are removed. This can’t be undone.</p>
        <TextField
          label={`Type ${slug} to confirm`}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          autoFocus
          required
        />
      </Form>
    </Dialog>
  );
}
