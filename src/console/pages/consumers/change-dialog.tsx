import { useState } from 'react';
import { useMutation } from 'urql';
import { Dialog } from '../../parts/dialog.tsx';
import { Form } from '../../parts/form.tsx';
import { ConsumerFields, WebhookFields } from './consumer-fields.tsx';
import { UpdateConsumer, UpdateWebhook, type Consumer } from './documents.ts';
import { changeOf, draftOf, hasFilterFault, webhookPartOf, type Draft } from './draft.ts';

interface ChangeDialogProps {
  readonly workspace: string;
  readonly consumer: Consumer;
  readonly onClose: () => void;
  /** Called with its name, which may be another. */
  readonly onDone: (name: string) => void;
}

/** Changes what a consumer gets and, of a webhook, where that is sent and how. */
export function ChangeDialog({ workspace, consumer, onClose, onDone }: ChangeDialogProps) {
  const before = draftOf(consumer);
  const [draft, setDraft] = useState(before);
  const [consumerUpdate, updateConsumer] = useMutation(UpdateConsumer);
  const [webhookUpdate, updateWebhook] = useMutation(UpdateWebhook);
  const change = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
  const named = { workspace, consumer: consumer.name };

  async function submit(): Promise<void> {
    const input = changeOf(draft);
    if (input === null) return;
    // The webhook first, by the name that it still has: what is refused changes nothing.
    if (draft.kind === 'WEBHOOK') {
      const { data } = await updateWebhook({
        input: { ...named, ...webhookChangeOf(before, draft) },
      });
      if (!data) return;
    }
    const { data } = await updateConsumer({ input: { ...named, ...input } });
    if (data) onDone(data.updateConsumer.consumer.name);
  }

  return (
    <Dialog title={`Change ${consumer.name}`} onClose={onClose}>
      <Form
        action="Save"
        onSubmit={submit}
        isBusy={consumerUpdate.fetching || webhookUpdate.fetching}
        error={webhookUpdate.error ?? consumerUpdate.error}
        missing={hasFilterFault(draft) ? 'The filter is no JSON object' : undefined}
      >
        <ConsumerFields draft={draft} onChange={change} />
        {draft.kind === 'WEBHOOK' && <WebhookFields draft={draft} onChange={change} />}
      </Form>
    </Dialog>
  );
}

/** Headers replace all: where none was touched, those that are secret stay as they are. */
function webhookChangeOf(before: Draft, draft: Draft) {
  const { headers, ...rest } = webhookPartOf(draft);
  const isSame = JSON.stringify(before.headers) === JSON.stringify(draft.headers);
  return isSame ? rest : { ...rest, headers };
}
