import { useState } from 'react';
import { useMutation } from 'urql';
import { faultOf } from '../../filters/filter.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Checkbox, SelectField, TextArea, TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { CreateRule, UpdateRule, type Rule } from './documents.ts';
import {
  draftOf,
  hasFilterFault,
  inputOf,
  missingOf,
  NEW_DRAFT,
  type ChatDraft,
  type Draft,
} from './draft.ts';
import { DURATIONS, durationText } from './words.ts';

interface RuleDialogProps {
  /** Null: a new one. */
  readonly rule: Rule | null;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Makes a rule, or changes one. */
export function RuleDialog({ rule, onDone, onClose }: RuleDialogProps) {
  const { slug } = useWorkspace();
  const [draft, setDraft] = useState(rule === null ? NEW_DRAFT : draftOf(rule));
  const [made, create] = useMutation(CreateRule);
  const [updated, update] = useMutation(UpdateRule);
  const change = (some: Partial<Draft>) => setDraft({ ...draft, ...some });

  async function submit(): Promise<void> {
    const input = inputOf(draft, slug);
    const { error } =
      rule === null
        ? await create({ input })
        : await update({ input: { ...input, rule: rule.name } });
    if (!error) onDone();
  }

  return (
    <Dialog title={rule === null ? 'New rule' : `Change ${rule.name}`} onClose={onClose}>
      <Form
        action={rule === null ? 'Create' : 'Save'}
        onSubmit={submit}
        isBusy={made.fetching || updated.fetching}
        error={made.error ?? updated.error}
        missing={missingOf(draft)}
      >
        <EventFields draft={draft} onChange={change} />
        <ChannelFields draft={draft} onChange={change} />
      </Form>
    </Dialog>
  );
}

interface FieldsProps {
  readonly draft: Draft;
  readonly onChange: (some: Partial<Draft>) => void;
}

/** What it tells of. */
function EventFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <TextField
        label="Name"
        value={draft.name}
        onChange={({ target }) => onChange({ name: target.value })}
        placeholder="failed payments"
        autoFocus
        required
      />
      <TextArea
        label="Filter"
        rows={3}
        value={draft.filter}
        onChange={({ target }) => onChange({ filter: target.value })}
        placeholder='{"types":["payment.failed"]}'
        error={hasFilterFault(draft) && faultOf('filter', draft.filter)}
        hint="Empty: all events. “Copy as filter text” on the page Events makes one from its filters."
      />
      <SelectField
        label="Tells of"
        value={draft.comparison}
        onChange={({ target }) => onChange({ comparison: target.value as Draft['comparison'] })}
      >
        <option value="">Each event</option>
        <option value="AT_LEAST">At least so many events in a time</option>
        <option value="FEWER_THAN">Fewer than so many events in a time</option>
      </SelectField>
      {draft.comparison !== '' && (
        <>
          <TextField
            label="Events"
            type="number"
            min="1"
            value={draft.count}
            onChange={({ target }) => onChange({ count: target.value })}
            required
          />
          <DurationField
            label="Within"
            value={draft.within}
            onChange={within => onChange({ within })}
          />
        </>
      )}
      <DurationField
        label="At most one notification in"
        value={draft.quietFor}
        onChange={quietFor => onChange({ quietFor })}
        none="No limit: each is told"
        hint="What comes meanwhile is counted in the next one."
      />
    </>
  );
}

interface DurationProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (iso: string) => void;
  readonly none?: string;
  readonly hint?: string;
}

function DurationField({ label, value, onChange, none, hint }: DurationProps) {
  const isListed = DURATIONS.some(([iso]) => iso === value) || value === 'PT0S';
  return (
    <SelectField
      label={label}
      value={value}
      onChange={({ target }) => onChange(target.value)}
      hint={hint}
    >
      {none !== undefined && <option value="PT0S">{none}</option>}
      {!isListed && <option value={value}>{durationText(value)}</option>}
      {DURATIONS.map(([iso, title]) => (
        <option key={iso} value={iso}>
          {title}
        </option>
      ))}
    </SelectField>
  );
}

/** Whom it tells. */
function ChannelFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <Checkbox
        label="All browsers that take notifications with a key that may read the events"
        checked={draft.isPush}
        onChange={({ target }) => onChange({ isPush: target.checked })}
      />
      <TextField
        label="Email addresses"
        value={draft.emails}
        onChange={({ target }) => onChange({ emails: target.value })}
        placeholder="ops@example.com, anna@example.com"
        hint="The gateway needs a mail server, SLUICE_SMTP_URL."
      />
      <ChatFields chats={draft.chats} onChange={chats => onChange({ chats })} />
    </>
  );
}

interface ChatFieldsProps {
  readonly chats: Draft['chats'];
  readonly onChange: (chats: Draft['chats']) => void;
}

/** As many channels as the API takes. */
const CHATS_MAX = 10;

const NEW_CHAT: ChatDraft = { url: '', format: 'SLACK' };

function ChatFields({ chats, onChange }: ChatFieldsProps) {
  const change = (at: number, some: Partial<ChatDraft>) =>
    onChange(chats.map((chat, i) => (i === at ? { ...chat, ...some } : chat)));
  return (
    <fieldset>
      <legend>Chats</legend>
      {chats.map((chat, at) => (
        <div key={at} className="rule-chat">
          <TextField
            label={`URL of chat ${at + 1}`}
            type="url"
            value={chat.url}
            onChange={({ target }) => change(at, { url: target.value })}
            placeholder="https://hooks.slack.com/services/…"
            required
          />
          <SelectField
            label={`Kind of chat ${at + 1}`}
            value={chat.format}
            onChange={({ target }) => change(at, { format: target.value as ChatDraft['format'] })}
          >
            <option value="SLACK">Slack</option>
            <option value="DISCORD">Discord</option>
            <option value="NTFY">ntfy</option>
          </SelectField>
          <Button
            look="quiet"
            aria-label={`Remove chat ${at + 1}`}
            onClick={() => onChange(chats.filter((_, i) => i !== at))}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className="actions">
        <Button
          icon="plus"
          disabled={chats.length >= CHATS_MAX}
          onClick={() => onChange([...chats, NEW_CHAT])}
        >
          Add a chat
        </Button>
      </div>
    </fieldset>
  );
}
