import { useState } from 'react';
import { useMutation, type CombinedError } from 'urql';
import { Dialog } from '../../parts/dialog.tsx';
import { Form } from '../../parts/form.tsx';
import { ConsumerFields, WebhookFields } from './consumer-fields.tsx';
import { UpdateConsumer, UpdateWebhook, type Consumer } from './documents.ts';
import {
  consumerChangesOf,
  draftOf,
  hasFilterFault,
  webhookChangesOf,
  type Draft,
} from './draft.ts';

interface ChangeDialogProps {
  readonly workspace: string;
  readonly consumer: Consumer;
  readonly onClose: () => void;
  /** Called with its name, which may be another. */
  readonly onDone: (name: string) => void;
}

/** Changes what a consumer gets and, of a webhook, where that is sent and how. */
export function ChangeDialog({ workspace, consumer, onClose, onDone }: ChangeDialogProps) {
  /** As it stands: what was saved counts. */
  const [before, setBefore] = useState(() => draftOf(consumer));
  const [draft, setDraft] = useState(before);
  const [error, setError] = useState<CombinedError>();
  const [isHalfSaved, setIsHalfSaved] = useState(false);
  const [consumerUpdate, updateConsumer] = useMutation(UpdateConsumer);
  const [webhookUpdate, updateWebhook] = useMutation(UpdateWebhook);
  const change = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
  const named = { workspace, consumer: consumer.name };

  /**
   * The API changes a webhook in two steps. The webhook goes first, by the name that it still has.
   * If the second step is refused, the first one stands: the dialog says so, and does not repeat it.
   */
  async function submit(): Promise<void> {
    setError(undefined);
    const webhook = webhookChangesOf(before, draft);
    if (webhook !== null) {
      setIsHalfSaved(false);
      const { data, error: refusal } = await updateWebhook({ input: { ...named, ...webhook } });
      if (!data) return setError(refusal);
      const { url, format, timeoutSeconds, headers } = draft;
      setBefore({ ...before, url, format, timeoutSeconds, headers });
      setIsHalfSaved(true);
    }
    const input = consumerChangesOf(before, draft);
    if (input === null) return onDone(consumer.name);
    const { data, error: refusal } = await updateConsumer({ input: { ...named, ...input } });
    if (!data) return setError(refusal);
    onDone(data.updateConsumer.consumer.name);
  }

  return (
    <Dialog title={`Change ${consumer.name}`} onClose={onClose}>
      <Form
        action="Save"
        onSubmit={submit}
        isBusy={consumerUpdate.fetching || webhookUpdate.fetching}
        error={error}
        missing={hasFilterFault(draft) ? 'The filter is no JSON object' : undefined}
        done={isHalfSaved && error ? HALF_SAVED : undefined}
      >
        <ConsumerFields draft={draft} onChange={change} />
        {draft.kind === 'WEBHOOK' && (
          <WebhookFields draft={draft} headersBefore={before.headers} onChange={change} />
        )}
      </Form>
    </Dialog>
  );
}

const HALF_SAVED =
  'The URL, format, time to answer and headers are saved. The other changes are not saved yet.';
