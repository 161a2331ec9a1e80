import { useState } from 'react';
import { useMutation } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Form } from '../../parts/form.tsx';
import { ShownOnce } from '../../parts/shown-once.tsx';
import { navigate } from '../../router/router.ts';
import { consumerPath } from './address.ts';
import { ConsumerFields, KindField, StartFields, WebhookFields } from './consumer-fields.tsx';
import { CreateConsumer, CreateWebhook } from './documents.ts';
import { hasFilterFault, inputOf, NEW_DRAFT, webhookPartOf, type Draft } from './draft.ts';

interface Made {
  readonly name: string;
  /** Signs what a webhook sends. */
  readonly secret: string;
}

/** Makes a consumer, and goes to its page: of a webhook, once its secret was shown. */
export function NewConsumer({ onClose }: { onClose: () => void }) {
  const { slug } = useWorkspace();
  const [made, setMade] = useState<Made | null>(null);
  const goTo = (name: string) => {
    onClose();
    navigate(consumerPath(slug, name));
  };
  if (made) {
    const done = () => goTo(made.name);
    return (
      <Dialog title="The secret of the webhook" onClose={done}>
        <ShownOnce secret={made.secret} what="secret" onDone={done}>
          <p>Give it to the receiver: it tells by it that a request is from this gateway.</p>
        </ShownOnce>
      </Dialog>
    );
  }
  return (
    <Dialog title="New consumer" onClose={onClose}>
      <NewConsumerForm onConsumer={goTo} onWebhook={setMade} />
    </Dialog>
  );
}

interface FormProps {
  readonly onConsumer: (name: string) => void;
  readonly onWebhook: (made: Made) => void;
}

function NewConsumerForm({ onConsumer, onWebhook }: FormProps) {
  const { slug } = useWorkspace();
  const [draft, setDraft] = useState(NEW_DRAFT);
  const [consumer, createConsumer] = useMutation(CreateConsumer);
  const [webhook, createWebhook] = useMutation(CreateWebhook);
  const change = (some: Partial<Draft>) => setDraft({ ...draft, ...some });

  async function submit(): Promise<void> {
    const input = inputOf(draft, slug);
    if (input === null) return;
    if (draft.kind === 'PULL') {
      const { data } = await createConsumer({ input });
      if (data) onConsumer(data.createConsumer.consumer.name);
      return;
    }
    const { data } = await createWebhook({ input: { ...input, ...webhookPartOf(draft) } });
    if (!data) return;
    const { secret, consumer: made } = data.createWebhook;
    onWebhook({ name: made.name, secret });
  }

  const isPull = draft.kind === 'PULL';
  return (
    <Form
      action="Create"
      onSubmit={submit}
      isBusy={consumer.fetching || webhook.fetching}
      error={isPull ? consumer.error : webhook.error}
      missing={hasFilterFault(draft) ? 'The filter is no JSON object' : undefined}
    >
      <KindField draft={draft} onChange={change} />
      <ConsumerFields draft={draft} onChange={change} />
      <StartFields draft={draft} onChange={change} />
      {!isPull && <WebhookFields draft={draft} headersBefore={[]} onChange={change} />}
    </Form>
  );
}
