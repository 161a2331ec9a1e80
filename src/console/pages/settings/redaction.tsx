import { useState } from 'react';
import { useClient, useMutation, type CombinedError } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { EventCount } from '../../filters/documents.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { SelectField, TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { formatCount } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Notice } from '../../parts/states.tsx';
import { Link } from '../../router/link.tsx';
import { pathTo } from '../../router/router.ts';
import { RedactEvents } from './documents.ts';

type Kind = 'subject' | 'actor';

interface Found {
  readonly kind: Kind;
  readonly value: string;
  /** Null where counting them takes too long. */
  readonly count: number | null;
}

/** Removes the content of all events of a subject or an actor, once it was said how many they are. */
export function RedactionCard() {
  const { slug } = useWorkspace();
  const client = useClient();
  const [kind, setKind] = useState<Kind>('subject');
  const [value, setValue] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<CombinedError | undefined>();
  const [done, setDone] = useState<string | undefined>();

  async function count(): Promise<void> {
    setIsBusy(true);
    setDone(undefined);
    const filter = kind === 'subject' ? { subjects: [value] } : { actors: [value] };
    const answer = await client.query(
      EventCount,
      { workspace: slug, filter },
      { requestPolicy: 'network-only' },
    );
    setIsBusy(false);
    setError(answer.error);
    if (answer.data) setFound({ kind, value, count: answer.data.events.totalCount });
  }

  return (
    <Card title="Redact">
      <Form action="Count them…" onSubmit={count} {...{ isBusy, error, done }}>
        <p>
          Removes what the events of a person or a thing say: payload, subject, actor, source and so
          on. Their positions, types and times stay, and so do the counts.
        </p>
        <SelectField
          label="Events by"
          value={kind}
          onChange={({ target }) => setKind(target.value as Kind)}
        >
          <option value="subject">Subject</option>
          <option value="actor">Actor</option>
        </SelectField>
        <TextField
          label="Which one"
          value={value}
          onChange={({ target }) => setValue(target.value)}
          hint="Exactly as the events have it. Capital and small letters differ."
          required
        />
      </Form>
      {found && (
        <RedactDialog
          found={found}
          onClose={() => setFound(null)}
          onRedacted={redacted => {
            setFound(null);
            setValue('');
            setDone(`Redacted ${eventsOf(redacted)}.`);
          }}
        />
      )}
    </Card>
  );
}

function eventsOf(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'event' : 'events'}`;
}

interface RedactDialogProps {
  readonly found: Found;
  readonly onClose: () => void;
  readonly onRedacted: (count: number) => void;
}

function RedactDialog({ found: { kind, value, count }, onClose, onRedacted }: RedactDialogProps) {
  const { slug } = useWorkspace();
  const [{ fetching, error }, redact] = useMutation(RedactEvents);

  async function confirm(): Promise<void> {
    const { data } = await redact({ input: { workspace: slug, [kind]: value } });
    if (data) onRedacted(data.redactEvents.redactedCount);
  }

  const events = pathTo(slug, 'events', [], { [kind]: value });
  return (
    <Dialog title={`Redact ${value}?`} onClose={onClose}>
      <p>
        {count === null ? 'There are too many to count in time: all events' : eventsOf(count)} with
        the {kind} <b>{value}</b> lose their content, and those in quarantine are removed. This
        can’t be undone. <Link href={events}>Look at the events</Link>
      </p>
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      <div className="actions">
        <Button onClick={onClose}>Keep them</Button>
        <Button look="danger" isBusy={fetching} onClick={() => void confirm()}>
          Redact for good
        </Button>
      </div>
    </Dialog>
  );
}
