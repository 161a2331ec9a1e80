import { useState } from 'react';
import { may, useViewer } from '../../api/viewer.ts';
import { Button } from '../../parts/button.tsx';
import { Card } from '../../parts/page.tsx';
import { Notice } from '../../parts/states.tsx';
import { DescriptionFields } from './description-fields.tsx';
import type { Definition } from './documents.ts';
import { differencesOf, draftOf, faultOf, FIELD_NAMES, rebased, type Draft } from './draft.ts';
import { SchemaCheck } from './schema-check.tsx';
import { SchemaFields } from './schema-fields.tsx';
import { SchemaJudgement } from './schema-judgement.tsx';
import { useSaving, type Outcome, type Saving } from './use-saving.ts';
import { useSchemaCheck } from './use-schema-check.ts';

interface FormProps {
  readonly definition: Definition;
  readonly onSaved: () => void;
}

/** Everything that can be said of a type, and what its last events would make of the schema. */
export function DefinitionForm({ definition, onSaved }: FormProps) {
  const isReadOnly = !may(useViewer(), 'DEFINITIONS_WRITE');
  const [before, setBefore] = useState(() => draftOf(definition));
  const [draft, setDraft] = useState(before);
  const saving = useSaving(definition.name);

  function change(some: Partial<Draft>): void {
    setDraft({ ...draft, ...some });
    saving.forget();
  }
  function begin(from: Definition): void {
    setBefore(draftOf(from));
    setDraft(draftOf(from));
  }
  async function save(mine: Draft, since: Draft): Promise<void> {
    const saved = await saving.save(mine, since);
    if (!saved) return;
    begin(saved);
    onSaved();
  }
  function overwrite(theirs: Definition): void {
    const mine = rebased(draft, before, draftOf(theirs));
    setBefore(draftOf(theirs));
    setDraft(mine);
    void save(mine, draftOf(theirs));
  }

  return (
    <form
      className="definition"
      onSubmit={event => {
        event.preventDefault();
        void save(draft, before);
      }}
    >
      {isReadOnly && <ReadOnlyNotice />}
      <Fields
        {...{ draft, before, isReadOnly, name: definition.name, outcome: saving.outcome }}
        onChange={change}
      />
      {!isReadOnly && (
        <SaveBar
          {...{ draft, before, saving }}
          onUndo={() => change(before)}
          onTakeTheirs={theirs => {
            begin(theirs);
            saving.forget();
          }}
          onOverwrite={overwrite}
        />
      )}
    </form>
  );
}

interface DraftProps {
  readonly draft: Draft;
  readonly before: Draft;
}

interface FieldsProps extends DraftProps {
  readonly name: string;
  readonly isReadOnly: boolean;
  readonly outcome: Outcome | null;
  readonly onChange: (some: Partial<Draft>) => void;
}

function Fields({ name, draft, before, isReadOnly, outcome, onChange }: FieldsProps) {
  const check = useSchemaCheck(name, draft.schema, isReadOnly);
  const refused = outcome?.kind === 'SCHEMA_FAULT' ? outcome.fault : null;
  const fields = { draft, onChange, isReadOnly };
  return (
    <>
      <Card title="What it means">
        <DescriptionFields {...fields} isDiscovered={before.status === 'DISCOVERED'} />
      </Card>
      <Card title="Payload">
        <div className="payload-columns">
          <SchemaFields
            {...fields}
            type={name}
            fault={faultOf(draft.schema) ?? refused ?? check.fault}
          />
          <div>
            <SchemaCheck check={check} />
            <SchemaJudgement type={name} {...{ draft, before }} />
          </div>
        </div>
      </Card>
    </>
  );
}

interface SaveBarProps extends DraftProps, Omit<OutcomeProps, 'outcome'> {
  readonly saving: Saving;
  readonly onUndo: () => void;
}

/** In sight as long as there is something to save or to be told. */
function SaveBar({ draft, before, saving, onUndo, ...onConflict }: SaveBarProps) {
  const { outcome, isBusy } = saving;
  const hasChanges = differencesOf(draft, before).length > 0;
  return (
    <div className={hasChanges || outcome ? 'save-bar sticky' : 'save-bar'}>
      {outcome && <OutcomeNotice {...{ outcome }} {...onConflict} />}
      <div className="actions">
        <Button
          type="submit"
          look="primary"
          isBusy={isBusy}
          disabled={!hasChanges || faultOf(draft.schema) !== null}
        >
          Save
        </Button>
        {hasChanges && <Button onClick={onUndo}>Undo changes</Button>}
      </div>
    </div>
  );
}

function ReadOnlyNotice() {
  const { scopes } = useViewer();
  return (
    <Notice>
      This key may look at definitions, but not change them. That needs the scope DEFINITIONS_WRITE;
      this one has {scopes.join(', ')}.
    </Notice>
  );
}

interface OutcomeProps {
  readonly outcome: Outcome;
  readonly onTakeTheirs: (theirs: Definition) => void;
  readonly onOverwrite: (theirs: Definition) => void;
}

function OutcomeNotice({ outcome, onTakeTheirs, onOverwrite }: OutcomeProps) {
  switch (outcome.kind) {
    case 'SAVED':
      return <Notice tone="good">Saved. It holds for every event from now on.</Notice>;
    case 'REFUSED':
      return <Notice tone="bad">Not saved. {outcome.message}</Notice>;
    case 'SCHEMA_FAULT':
      return <Notice tone="bad">Not saved: the gateway takes no such schema.</Notice>;
    case 'CONFLICT':
      return (
        <Notice tone="warn">
          <p>
            Not saved: meanwhile somebody else changed the{' '}
            {outcome.fields.map(field => FIELD_NAMES[field]).join(' and the ')}.
          </p>
          <Button onClick={() => onTakeTheirs(outcome.theirs)}>Take theirs</Button>
          <Button onClick={() => onOverwrite(outcome.theirs)}>Save mine</Button>
        </Notice>
      );
  }
}
