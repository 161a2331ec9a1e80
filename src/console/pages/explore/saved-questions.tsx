import { useState } from 'react';
import { useStore } from '../../api/store.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Link } from '../../router/link.tsx';
import { navigate, pathTo, searchText, useSearch } from '../../router/router.ts';
import { forget, save, savedIn } from './saved.ts';

/** The saved questions of the workspace, to go to; nothing where there are none. */
export function SavedQuestions() {
  const { slug } = useWorkspace();
  const questions = useStore(savedIn(slug));
  const name = useSearch().get('name');
  if (questions.length === 0) return null;
  return (
    <nav className="saved-questions" aria-label="Saved questions">
      <ul className="chips">
        {questions.map(question => (
          <li key={question.name} className="saved-question">
            <Link
              className="chip"
              href={pathTo(slug, 'explore') + question.search}
              aria-current={question.name === name ? 'page' : undefined}
            >
              <span className="clip">{question.name}</span>
            </Link>
            <IconButton
              icon="close"
              label={`Forget ${question.name}`}
              onClick={() => forget(slug, question.name)}
            />
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function SaveButton({ usualName }: { usualName: string }) {
  const [isSaving, setIsSaving] = useState(false);
  return (
    <>
      <Button onClick={() => setIsSaving(true)}>Save</Button>
      {isSaving && <SaveDialog usualName={usualName} onClose={() => setIsSaving(false)} />}
    </>
  );
}

function SaveDialog({ usualName, onClose }: { usualName: string; onClose: () => void }) {
  const { slug } = useWorkspace();
  const [name, setName] = useState(usualName);
  const search = searchText({ name: name.trim() }, location.search);
  const path = pathTo(slug, 'explore') + search;

  function submit(): Promise<void> {
    save(slug, { name: name.trim(), search });
    navigate(path, { replace: true });
    onClose();
    return Promise.resolve();
  }

  return (
    <Dialog title="Save this question" onClose={onClose}>
      <Form
        action="Save"
        onSubmit={submit}
        isBusy={false}
        error={undefined}
        missing={name.trim() === '' ? 'Give it a name' : undefined}
      >
        <TextField
          label="Name"
          value={name}
          onChange={event => setName(event.target.value)}
          hint="It is listed here in this browser. Its address shows it to everybody who may read."
          autoFocus
          required
        />
        <CopyButton text={location.origin + path} label="Copy its address" />
      </Form>
    </Dialog>
  );
}
