import { useState } from 'react';
import { useClient, useMutation } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Link } from '../../router/link.tsx';
import { navigate } from '../../router/router.ts';
import { definitionPath } from './address.ts';
import { DefineEvent, DefinitionByName } from './documents.ts';

/** Asks for what a definition can't do without; the rest is said on its page. */
export function NewDefinition({ type = '', onClose }: { type?: string; onClose: () => void }) {
  const { slug } = useWorkspace();
  const client = useClient();
  const [name, setName] = useState(type);
  const [title, setTitle] = useState('');
  const [taken, setTaken] = useState<string | null>(null);
  const [{ fetching, error }, define] = useMutation(DefineEvent);

  async function submit(): Promise<void> {
    const variables = { workspace: slug, name };
    const found = await client.query(DefinitionByName, variables, {
      requestPolicy: 'network-only',
    });
    if (found.data?.eventDefinition) return setTaken(name);
    const { data } = await define({ input: { workspace: slug, name, title: title || null } });
    if (!data) return;
    navigate(definitionPath(slug, name));
    onClose();
  }

  return (
    <Dialog title="New definition" onClose={onClose}>
      <Form action="Create" onSubmit={submit} isBusy={fetching} error={error}>
        <TextField
          label="Type"
          value={name}
          onChange={event => setName(event.target.value)}
          hint="What events name, such as order.placed. It can’t be changed."
          error={
            taken === name ? (
              <>
                There is one already. <Link href={definitionPath(slug, name)}>Go to it</Link>
              </>
            ) : undefined
          }
          autoFocus
          required
        />
        <TextField
          label="Title"
          value={title}
          onChange={event => setTitle(event.target.value)}
          hint="A short name for people. It may stay empty."
        />
      </Form>
    </Dialog>
  );
}
