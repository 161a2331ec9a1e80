import { SelectField, TextField } from '../../parts/field.tsx';
import { PLACES, type ChosenPlace } from './place.ts';

interface PlaceFieldsProps {
  /** What the place is for. */
  readonly label: string;
  readonly place: ChosenPlace;
  readonly onChange: (place: ChosenPlace) => void;
}

/** An end of the log, a time or a cursor. */
export function PlaceFields({ label, place, onChange }: PlaceFieldsProps) {
  return (
    <>
      <SelectField
        label={label}
        value={place.kind}
        onChange={({ target }) => onChange({ ...place, kind: target.value as ChosenPlace['kind'] })}
      >
        {Object.entries(PLACES).map(([kind, title]) => (
          <option key={kind} value={kind}>
            {title}
          </option>
        ))}
      </SelectField>
      {place.kind === 'TIME' && (
        <TextField
          label="Time"
          type="datetime-local"
          step="1"
          value={place.time}
          onChange={({ target }) => onChange({ ...place, time: target.value })}
          hint="Right before the first event that was recorded then or later, by the clock of this device."
          required
        />
      )}
      {place.kind === 'CURSOR' && (
        <TextField
          label="Cursor"
          value={place.cursor}
          onChange={({ target }) => onChange({ ...place, cursor: target.value })}
          hint="Right after the event of this cursor, from a receipt, a stream, a webhook or a consumer."
          required
        />
      )}
    </>
  );
}
