import { Button } from '../../parts/button.tsx';
import { Checkbox, TextField } from '../../parts/field.tsx';
import { hasSameHeaders, type HeaderDraft } from './draft.ts';

interface HeaderFieldsProps {
  readonly headers: readonly HeaderDraft[];
  readonly onChange: (headers: readonly HeaderDraft[]) => void;
  /** As the webhook has them. A secret one has no value here: the API does not show it. */
  readonly before: readonly HeaderDraft[];
}

/** As many as the API takes. */
const HEADERS_MAX = 20;

const NEW_HEADER: HeaderDraft = { name: '', value: '', secret: true };

/** Headers that a webhook sends beside those of the gateway. */
export function HeaderFields({ headers, before, onChange }: HeaderFieldsProps) {
  const isTouched = !hasSameHeaders(before, headers);
  const hidden = before.filter(({ secret }) => secret).map(({ name }) => name);
  const isHidden = ({ name, secret }: HeaderDraft) => secret && hidden.includes(name);
  const change = (at: number, some: Partial<HeaderDraft>) =>
    onChange(headers.map((header, i) => (i === at ? { ...header, ...some } : header)));
  return (
    <fieldset>
      <legend>Headers</legend>
      {hidden.length > 0 && (
        <p className="muted">
          Headers are saved together. To change, add or remove one, enter the value of each secret
          header again: the gateway never shows it.
        </p>
      )}
      {headers.map((header, at) => (
        <div key={at} className="header-fields">
          <TextField
            label={`Name of header ${at + 1}`}
            value={header.name}
            onChange={({ target }) => change(at, { name: target.value })}
            placeholder="Authorization"
            required
          />
          <TextField
            label={`Value of header ${at + 1}`}
            type={header.secret ? 'password' : 'text'}
            autoComplete="new-password"
            value={header.value}
            onChange={({ target }) => change(at, { value: target.value })}
            required={isTouched}
            placeholder={
              isHidden(header) ? (isTouched ? 'Enter it again' : 'Kept as it is') : undefined
            }
          />
          <Checkbox
            label="Secret: never shown again"
            checked={header.secret}
            onChange={({ target }) => change(at, { secret: target.checked })}
          />
          <Button
            look="quiet"
            aria-label={`Remove header ${at + 1}`}
            onClick={() => onChange(headers.filter((_, i) => i !== at))}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className="actions">
        <Button
          icon="plus"
          disabled={headers.length >= HEADERS_MAX}
          onClick={() => onChange([...headers, NEW_HEADER])}
        >
          Add a header
        </Button>
        {isTouched && before.length > 0 && (
          <Button onClick={() => onChange(before)}>Keep the headers as they were</Button>
        )}
      </div>
    </fieldset>
  );
}
