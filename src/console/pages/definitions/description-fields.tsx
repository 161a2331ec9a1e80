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
  const text = (name: 'title' | 'category' | 'measures' | 'description') => ({
    value: draft[name],
    onChange: ({ target }: { target: { value: string } }) => onChange({ [name]: target.value }),
    placeholder: 'none',
    readOnly: isReadOnly,
  });
  return (
    <div className="definition-fields">
      <TextField label="Title" {...text('title')} />
      <TextField label="Category" {...text('category')} />
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
        label="Precomputed measures"
        {...text('measures')}
        hint="Names of numbers in the payload, with commas. Their totals and averages are counted as events come."
      />
      <div className="wide">
        <TextArea label="Description" className="prose" rows={3} {...text('description')} />
      </div>
    </div>
  );
}
