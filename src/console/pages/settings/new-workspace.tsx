import { useState, type FormEvent } from 'react';
import { useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspaces } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { navigate, pathTo } from '../../router/router.ts';
import { CreateWorkspace } from './documents.ts';

export function NewWorkspace({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [typedSlug, setTypedSlug] = useState<string | null>(null);
  const [{ fetching, error }, create] = useMutation(CreateWorkspace);
  const [, askWorkspaces] = useWorkspaces();
  const slug = typedSlug ?? slugOf(name);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const { data } = await create({ input: { slug, name } });
    if (!data) return;
    askWorkspaces({ requestPolicy: 'network-only' });
    navigate(pathTo(data.createWorkspace.workspace.slug, 'settings'));
    onClose();
  }

  return (
    <Dialog title="New workspace" onClose={onClose}>
      <form className="settings-form" onSubmit={event => void submit(event)}>
        <TextField
          label="Name"
          value={name}
          onChange={event => setName(event.target.value)}
          autoFocus
          required
        />
        <TextField
          label="Short name"
          value={slug}
          onChange={event => setTypedSlug(event.target.value)}
          hint="In addresses and queries: small letters, digits, dots and dashes."
          required
        />
        {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
        <div className="actions">
          <Button type="submit" look="primary" isBusy={fetching}>
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
