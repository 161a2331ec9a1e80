import { useState } from 'react';
import { useMutation } from 'urql';
import { useWorkspaces } from '../../layout/workspace.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { navigate, pathTo } from '../../router/router.ts';
import { CreateWorkspace } from './documents.ts';

export function NewWorkspace({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [typedSlug, setTypedSlug] = useState<string | null>(null);
  const [{ fetching, error }, create] = useMutation(CreateWorkspace);
  const [, askWorkspaces] = useWorkspaces();
  const slug = typedSlug ?? slugOf(name);

  async function submit(): Promise<void> {
    const { data } = await create({ input: { slug, name } });
    if (!data) return;
    askWorkspaces({ requestPolicy: 'network-only' });
    navigate(pathTo(data.createWorkspace.workspace.slug, 'settings'));
    onClose();
  }

  return (
    <Dialog title="New workspace" onClose={onClose}>
      <Form action="Create" onSubmit={submit} isBusy={fetching} error={error}>
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
      </Form>
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
