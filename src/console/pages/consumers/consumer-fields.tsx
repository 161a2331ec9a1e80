import { faultOf } from '../../filters/filter.ts';
import { SelectField, TextArea, TextField } from '../../parts/field.tsx';
import { hasFilterFault, type Draft } from './draft.ts';
import { HeaderFields } from './header-fields.tsx';
import { PlaceFields } from './place-fields.tsx';
import { FORMATS, ORDERS } from './words.ts';

interface FieldsProps {
  readonly draft: Draft;
  readonly onChange: (some: Partial<Draft>) => void;
}

/** What a consumer is made with, and can't be changed later. */
export function KindField({ draft, onChange }: FieldsProps) {
  return (
    <SelectField
      label="Kind"
      value={draft.kind}
      onChange={({ target }) => onChange({ kind: target.value as Draft['kind'] })}
    >
      <option value="PULL">Pull: workers fetch events and acknowledge them</option>
      <option value="WEBHOOK">Webhook: the gateway sends each event to a URL</option>
    </SelectField>
  );
}

export function StartFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <PlaceFields label="Begins with" place={draft.from} onChange={from => onChange({ from })} />
      <OrderField draft={draft} onChange={onChange} />
    </>
  );
}

/** What every consumer has, and may have changed. */
export function ConsumerFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <TextField
        label="Name"
        value={draft.name}
        onChange={({ target }) => onChange({ name: target.value })}
        placeholder="mailer"
        autoFocus
        required
      />
      <TextField
        label="Purpose"
        value={draft.description}
        onChange={({ target }) => onChange({ description: target.value })}
      />
      <TextArea
        label="Filter"
        rows={3}
        value={draft.filter}
        onChange={({ target }) => onChange({ filter: target.value })}
        placeholder='{"types":["user.signup"]}'
        error={hasFilterFault(draft) && faultOf('filter', draft.filter)}
        hint="Empty: all events. “Copy as filter text” on the page Events makes one from its filters."
      />
      <TextField
        label="Attempts before an event is parked"
        type="number"
        min="1"
        max="100"
        value={draft.maxAttempts}
        onChange={({ target }) => onChange({ maxAttempts: target.value })}
        required
      />
      {draft.kind === 'PULL' && (
        <TextField
          label="Seconds that a worker has an event"
          type="number"
          min="1"
          max="43200"
          step="any"
          value={draft.leaseSeconds}
          onChange={({ target }) => onChange({ leaseSeconds: target.value })}
          hint="Its lease. An event that is not acknowledged by then is delivered again."
          required
        />
      )}
    </>
  );
}

function OrderField({ draft, onChange }: FieldsProps) {
  return (
    <SelectField
      label="Order"
      value={draft.orderedBy}
      onChange={({ target }) => onChange({ orderedBy: target.value as Draft['orderedBy'] })}
      hint="An event waits until the one before it, with the same value, is settled or parked. It can’t be changed later."
    >
      <option value="">None: no event waits for another</option>
      {Object.entries(ORDERS).map(([order, title]) => (
        <option key={order} value={order}>
          {title}
        </option>
      ))}
    </SelectField>
  );
}

interface WebhookFieldsProps extends FieldsProps {
  /** As the webhook has them; none of a new one. */
  readonly headersBefore: Draft['headers'];
}

/** What a webhook has beside it. */
export function WebhookFields({ draft, headersBefore, onChange }: WebhookFieldsProps) {
  return (
    <>
      <TextField
        label="URL"
        type="url"
        value={draft.url}
        onChange={({ target }) => onChange({ url: target.value })}
        placeholder="https://receiver.example/events"
        required
      />
      <SelectField
        label="Format"
        value={draft.format}
        onChange={({ target }) => onChange({ format: target.value as Draft['format'] })}
      >
        {Object.entries(FORMATS).map(([format, title]) => (
          <option key={format} value={format}>
            {title}
          </option>
        ))}
      </SelectField>
      <TextField
        label="Seconds that the receiver has to answer"
        type="number"
        min="1"
        max="60"
        step="any"
        value={draft.timeoutSeconds}
        onChange={({ target }) => onChange({ timeoutSeconds: target.value })}
        required
      />
      <HeaderFields
        headers={draft.headers}
        before={headersBefore}
        onChange={headers => onChange({ headers })}
      />
    </>
  );
}
