import { useState } from 'react';
import { useMutation } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Checkbox, TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { ShownOnce } from '../../parts/shown-once.tsx';
import { CreateKey, type Key } from './documents.ts';
import { NO_QUOTA, QuotaFields, quotaOf } from './quota.tsx';

type Scope = Key['scopes'][number];

const SCOPES: readonly (readonly [Scope, string])[] = [
  ['EVENTS_WRITE', 'Record events'],
  ['EVENTS_READ', 'Read, count and watch events'],
  ['EVENTS_CONSUME', 'Work for consumers'],
  ['DEFINITIONS_WRITE', 'Define events'],
  ['METRICS', 'Read the metrics'],
  ['ADMIN', 'Everything, also keys and settings'],
];

interface NewKeyProps {
  /** For every workspace, else for the one that is looked at. */
  readonly isForAll: boolean;
  readonly onClose: () => void;
}

export function NewKey({ isForAll, onClose }: NewKeyProps) {
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Dialog title={secret === null ? 'New key' : 'The new key'} onClose={onClose}>
      {secret === null ? (
        <NewKeyForm isForAll={isForAll} onMade={setSecret} />
      ) : (
        <ShownOnce secret={secret} what="key" onDone={onClose} />
      )}
    </Dialog>
  );
}

interface FormProps {
  readonly isForAll: boolean;
  readonly onMade: (secret: string) => void;
}

function NewKeyForm({ isForAll, onMade }: FormProps) {
  const { slug, name: workspaceName } = useWorkspace();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['EVENTS_WRITE']);
  const [lastDay, setLastDay] = useState('');
  const [quota, setQuota] = useState(NO_QUOTA);
  const [{ fetching, error }, create] = useMutation(CreateKey);

  async function submit(): Promise<void> {
    const where = isForAll ? {} : { workspace: slug };
    const until = lastDay === '' ? {} : { expiresAt: endOf(lastDay) };
    const input = { name, scopes: [...scopes], ...where, ...until, ...quotaOf(quota) };
    const { data } = await create({ input });
    if (data) onMade(data.createApiKey.secret);
  }

  return (
    <Form
      action="Create"
      onSubmit={submit}
      isBusy={fetching}
      error={error}
      missing={scopes.length === 0 ? 'Choose what it may do' : undefined}
    >
      <TextField
        label="What it is for"
        value={name}
        onChange={event => setName(event.target.value)}
        placeholder="web shop"
        autoFocus
        required
      />
      <Scopes {...{ scopes, isForAll }} onChange={setScopes} />
      <p className="muted">
        {isForAll
          ? 'It is for every workspace.'
          : `It is for the workspace ${workspaceName} alone.`}
      </p>
      <TextField
        label="Last day"
        type="date"
        value={lastDay}
        onChange={event => setLastDay(event.target.value)}
        hint="It ends by itself after this day. Empty: it has no end."
      />
      <QuotaFields quota={quota} onChange={setQuota} />
    </Form>
  );
}

/** Of a day where the browser is. */
const endOf = (day: string) => new Date(`${day}T23:59:59.999`).toISOString();

interface ScopesProps {
  readonly isForAll: boolean;
  readonly scopes: readonly Scope[];
  readonly onChange: (scopes: readonly Scope[]) => void;
}

function Scopes({ scopes, isForAll, onChange }: ScopesProps) {
  return (
    <fieldset>
      <legend>What it may do</legend>
      {SCOPES.filter(([scope]) => isForAll || scope !== 'METRICS').map(([scope, meaning]) => (
        <Checkbox
          key={scope}
          label={meaning}
          checked={scopes.includes(scope)}
          onChange={({ target }) =>
            onChange(target.checked ? [...scopes, scope] : scopes.filter(s => s !== scope))
          }
        />
      ))}
    </fieldset>
  );
}
