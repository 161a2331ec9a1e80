import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Checkbox, SelectField, TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { UpdateWorkspace, WorkspaceSettings, type Settings } from './documents.ts';

const UNKNOWN_TYPES = {
  DISCOVER: 'Record them, and list them as discovered',
  QUARANTINE: 'Keep them aside in quarantine',
  REJECT: 'Refuse them',
} as const;

export function WorkspaceForm() {
  const { slug } = useWorkspace();
  const [{ data, error }, ask] = useQuery({ query: WorkspaceSettings, variables: { slug } });
  if (data?.workspace) return <SettingsForm settings={data.workspace} />;
  if (error) return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  return <Loading />;
}

function SettingsForm({ settings }: { settings: Settings }) {
  const { slug } = settings;
  const [given, setGiven] = useState(settings);
  const [{ fetching, error, data }, update] = useMutation(UpdateWorkspace);
  const change = (some: Partial<Settings>) => setGiven({ ...given, ...some });

  async function save(): Promise<void> {
    const { name, retentionDays, dedupeDays, timeZone, unknownTypes, searchIndex } = given;
    const kept = { retentionDays, dedupeDays, searchIndex };
    await update({ input: { slug, name, timeZone, unknownTypes, ...kept } });
  }

  return (
    <Form
      action="Save"
      onSubmit={save}
      isBusy={fetching}
      error={error}
      done={data && !error && !fetching ? 'Saved.' : undefined}
    >
      <TextField
        label="Name"
        value={given.name}
        onChange={event => change({ name: event.target.value })}
        required
      />
      <CountingFields given={given} onChange={change} />
      <KeepingFields given={given} onChange={change} />
      <SearchField given={given} onChange={change} />
    </Form>
  );
}

interface FieldsProps {
  readonly given: Settings;
  readonly onChange: (some: Partial<Settings>) => void;
}

function CountingFields({ given, onChange }: FieldsProps) {
  return (
    <>
      <TextField
        label="Time zone"
        value={given.timeZone}
        onChange={event => onChange({ timeZone: event.target.value })}
        hint="Days, weeks and months are counted in it, such as Europe/Berlin."
        list="time-zones"
        required
      />
      <datalist id="time-zones">
        {Intl.supportedValuesOf('timeZone').map(zone => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <SelectField
        label="Events of unknown types"
        value={given.unknownTypes}
        onChange={event =>
          onChange({ unknownTypes: event.target.value as Settings['unknownTypes'] })
        }
      >
        {Object.entries(UNKNOWN_TYPES).map(([policy, meaning]) => (
          <option key={policy} value={policy}>
            {meaning}
          </option>
        ))}
      </SelectField>
    </>
  );
}

function KeepingFields({ given, onChange }: FieldsProps) {
  return (
    <>
      <TextField
        label="Days that events are kept"
        type="number"
        min="1"
        value={given.retentionDays ?? ''}
        onChange={event => onChange({ retentionDays: daysOf(event.target.value) })}
        placeholder="for ever"
        hint="Older events are removed for good. Empty keeps them for ever."
      />
      <TextField
        label="Days that a repeat is recognised"
        type="number"
        min="1"
        value={given.dedupeDays}
        onChange={event => onChange({ dedupeDays: daysOf(event.target.value) ?? 30 })}
        hint="At least so long an id stands for one event, also after the event is removed."
        required
      />
    </>
  );
}

function SearchField({ given, onChange }: FieldsProps) {
  const { searchIndex, searchIndexPosition, headPosition } = given;
  const isFilling =
    searchIndexPosition !== null && headPosition - searchIndexPosition > INDEX_LAG_SHOWN;
  const progress = isFilling
    ? ` It is being filled: ${searchIndexPosition.toLocaleString('en')} of ${headPosition.toLocaleString('en')} events.`
    : '';
  return (
    <Checkbox
      label={`Keep an index, to find few events among many by words, source or client address at once. It needs about two thirds of the space of the events.${progress}`}
      checked={searchIndex}
      onChange={event => onChange({ searchIndex: event.target.checked })}
    />
  );
}

/** As many the gateway looks at one by one. */
const INDEX_LAG_SHOWN = 5_000;

function daysOf(text: string): number | null {
  return text === '' ? null : Number(text);
}
