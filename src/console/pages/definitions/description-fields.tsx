import { SelectField, TextArea, TextField } from '../../parts/field.tsx';
import type { Draft } from './draft.ts';
import { STATUSES } from './words.ts';

export interface FieldsProps {
  readonly draft: Draft;
  readonly onChange: (some: Partial<Draft>) => void;
  readonly isReadOnly: boolean;
}

/** What is there for people, and where the type stands in its life. */
export function DescriptionFields({
  draft,
  onChange,
  isReadOnly,
  isDiscovered,
}: FieldsProps & { readonly isDiscovered: boolean }) {
  return (
    <div className="definition-fields">
      <TextField
        label="Title"
        value={draft.title}
        onChange={event => onChange({ title: event.target.value })}
        placeholder="none"
        readOnly={isReadOnly}
      />
      <TextField
        label="Category"
        value={draft.category}
        onChange={event => onChange({ category: event.target.value })}
        placeholder="none"
        readOnly={isReadOnly}
      />
      <SelectField
        label="Status"
        value={draft.status}
        onChange={event => onChange({ status: event.target.value as Draft['status'] })}
        disabled={isReadOnly}
        hint={isDiscovered && 'Active once you save.'}
      >
        {Object.entries(STATUSES).map(([status, { title, meaning }]) =>
          status === 'DISCOVERED' && !isDiscovered ? null : (
            <option key={status} value={status}>
              {title}: {meaning}
            </option>
          ),
        )}
      </SelectField>
      <TextField
        label="Numbers to keep ready"
        value={draft.measures}
        onChange={event => onChange({ measures: event.target.value })}
        placeholder="none"
        readOnly={isReadOnly}
        hint="Names in the payload, with commas: their sums and means are counted without delay."
      />
      <div className="wide">
        <TextArea
          label="Description"
          className="prose"
          value={draft.description}
          onChange={event => onChange({ description: event.target.value })}
          rows={3}
          placeholder="none"
          readOnly={isReadOnly}
        />
      </div>
    </div>
  );
}
