import { useState } from 'react';
import { useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { formatDateTime } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { ShownOnce } from '../../parts/shown-once.tsx';
import { Notice } from '../../parts/states.tsx';
import { Answer, outcomeOf } from './attempts.tsx';
import { RotateWebhookSecret, SendTestEvent, type Webhook } from './documents.ts';
import { Facts } from './facts.tsx';
import { durationOf, FORMATS } from './words.ts';

interface WebhookProps {
  /** Of the consumer. */
  readonly name: string;
  readonly webhook: Webhook;
  /** Called after each change and each test. */
  readonly onChange: () => void;
}

/** Where a webhook sends and how; a test of it, and another secret. */
export function WebhookCard({ name, webhook, onChange }: WebhookProps) {
  const { slug } = useWorkspace();
  const [isRotating, setIsRotating] = useState(false);
  const [{ fetching, error, data }, send] = useMutation(SendTestEvent);
  const attempt = data?.sendTestEvent.attempt;

  async function test(): Promise<void> {
    await send({ input: { workspace: slug, consumer: name } });
    onChange();
  }

  return (
    <Card
      title="Webhook"
      actions={
        <>
          <Button isBusy={fetching} onClick={() => void test()}>
            Send a test event
          </Button>
          <Button onClick={() => setIsRotating(true)}>Rotate secret…</Button>
        </>
      }
    >
      {(error ?? attempt) && (
        <div className="card-body">
          {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
          {attempt && !error && (
            <Notice tone={attempt.error === null ? 'good' : 'bad'}>
              Test: {outcomeOf(attempt)}
              <Answer response={attempt.response} />
            </Notice>
          )}
        </div>
      )}
      <Facts
        facts={[
          { name: 'URL', value: <code>{webhook.url}</code> },
          { name: 'Format', value: FORMATS[webhook.format] },
          { name: 'Timeout', value: durationOf(webhook.timeout) },
          { name: 'Headers', value: <Headers headers={webhook.headers} /> },
        ]}
      />
      {isRotating && <RotateDialog name={name} onClose={() => setIsRotating(false)} />}
    </Card>
  );
}

function Headers({ headers }: Pick<Webhook, 'headers'>) {
  if (headers.length === 0) return <>None of your own</>;
  return (
    <ul>
      {headers.map(({ name, value }, at) => (
        <li key={at}>
          <code>{name}:</code>{' '}
          {value === null ? <span className="muted">secret, hidden</span> : <code>{value}</code>}
        </li>
      ))}
    </ul>
  );
}

function RotateDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { slug } = useWorkspace();
  const [{ fetching, error, data }, rotate] = useMutation(RotateWebhookSecret);
  if (data) {
    const { secret, previousValidUntil } = data.rotateWebhookSecret;
    return (
      <Dialog title="The new secret" onClose={onClose}>
        <ShownOnce secret={secret} what="secret" onDone={onClose}>
          <p>The previous one signs beside it until {formatDateTime(previousValidUntil)}.</p>
        </ShownOnce>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={`Rotate the secret of ${name}?`}
      action="Rotate"
      keep="Keep it"
      isBusy={fetching}
      error={error}
      onConfirm={() => void rotate({ input: { workspace: slug, consumer: name } })}
      onClose={onClose}
    >
      <p>
        A new secret signs from now on. For 24 hours the previous one signs beside it, so that the
        receiver can change. One before that ends at once.
      </p>
    </Confirm>
  );
}
