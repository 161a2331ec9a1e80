/** How much keys may record in a day and a month, and have recorded. */
import { useState } from 'react';
import { useMutation } from 'urql';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { UpdateKey, type Key } from './documents.ts';
import './settings.css';

/** As it stands in the fields: empty for any number. */
interface QuotaTexts {
  readonly day: string;
  readonly month: string;
}

export const NO_QUOTA: QuotaTexts = { day: '', month: '' };

export function quotaOf({ day, month }: QuotaTexts) {
  const limitOf = (text: string) => (text === '' ? null : Number(text));
  return { eventsPerDay: limitOf(day), eventsPerMonth: limitOf(month) };
}

interface FieldsProps {
  readonly quota: QuotaTexts;
  readonly onChange: (quota: QuotaTexts) => void;
}

export function QuotaFields({ quota, onChange }: FieldsProps) {
  const number = { type: 'number', min: 1, step: 1, inputMode: 'numeric' } as const;
  return (
    <>
      <TextField
        {...number}
        label="Events a day"
        value={quota.day}
        onChange={event => onChange({ ...quota, day: event.target.value })}
        hint="More are refused until midnight, UTC. Empty: any number."
      />
      <TextField
        {...number}
        label="Events a month"
        value={quota.month}
        onChange={event => onChange({ ...quota, month: event.target.value })}
        hint="More are refused until the next month. Empty: any number."
      />
    </>
  );
}

interface ChangeQuotaProps {
  readonly apiKey: Key;
  readonly onClose: () => void;
}

export function ChangeQuota({ apiKey, onClose }: ChangeQuotaProps) {
  const { id, name, eventsPerDay, eventsPerMonth } = apiKey;
  const [quota, setQuota] = useState<QuotaTexts>({
    day: eventsPerDay?.toString() ?? '',
    month: eventsPerMonth?.toString() ?? '',
  });
  const [{ fetching, error }, update] = useMutation(UpdateKey);
  async function submit(): Promise<void> {
    const { data } = await update({ input: { id, ...quotaOf(quota) } });
    if (data) onClose();
  }
  return (
    <Dialog title={`Quota of ${name}`} onClose={onClose}>
      <Form action="Save" onSubmit={submit} isBusy={fetching} error={error}>
        <QuotaFields quota={quota} onChange={setQuota} />
      </Form>
    </Dialog>
  );
}

/** What a key has recorded today and this month, of what it may. */
export function Usage({ apiKey: { eventsPerDay, eventsPerMonth, usage, name } }: { apiKey: Key }) {
  return (
    <div className="key-usage">
      <Used
        label={`${name} today`}
        {...{ words: 'today', used: usage.today, limit: eventsPerDay, renewsAt: usage.dayRenewsAt }}
      />
      <Used
        label={`${name} this month`}
        {...{ words: 'this month', used: usage.thisMonth, limit: eventsPerMonth }}
        renewsAt={usage.monthRenewsAt}
      />
    </div>
  );
}

interface UsedProps {
  readonly label: string;
  readonly words: string;
  readonly used: number;
  readonly limit: number | null;
  readonly renewsAt: string;
}

/** From here on the bar warns. */
const NEARLY = 0.8;

function Used({ label, words, used, limit, renewsAt }: UsedProps) {
  if (limit === null) {
    return (
      <span className="muted">
        {formatCount(used)} {words}
      </span>
    );
  }
  return (
    <div title={`Renews ${formatDateTime(renewsAt)}`}>
      <span>
        {formatCount(used)} of {formatCount(limit)} {words}
      </span>
      <progress
        className={used >= limit * NEARLY ? 'warn' : undefined}
        value={Math.min(used, limit)}
        max={limit}
        aria-label={label}
      />
    </div>
  );
}
