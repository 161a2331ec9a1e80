import { useState } from 'react';
import { useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Notice } from '../../parts/states.tsx';
import { navigate } from '../../router/router.ts';
import { consumerPath, consumersPath } from './address.ts';
import { ChangeDialog } from './change-dialog.tsx';
import {
  DeleteConsumer,
  PauseConsumer,
  ResumeConsumer,
  SeekConsumer,
  type Consumer,
} from './documents.ts';
import { PlaceFields } from './place-fields.tsx';
import { AT_NOW, placeOf } from './place.ts';

type Asking = 'CHANGE' | 'PAUSE' | 'SEEK' | 'DELETE';

interface ActionsProps {
  readonly consumer: Consumer;
  /** Called after each change. */
  readonly onChange: () => void;
}

/** Pauses, resumes, moves and deletes a consumer. */
export function ConsumerActions({ consumer, onChange }: ActionsProps) {
  const { slug } = useWorkspace();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [{ fetching, error }, resume] = useMutation(ResumeConsumer);
  const input = { workspace: slug, consumer: consumer.name };
  const dialog = {
    input,
    onClose: () => setAsking(null),
    onDone: () => {
      setAsking(null);
      onChange();
    },
  };

  async function goOn(): Promise<void> {
    const { data } = await resume({ input });
    if (data) onChange();
  }

  return (
    <>
      {consumer.status === 'PAUSED' ? (
        <Button icon="play" isBusy={fetching} onClick={() => void goOn()}>
          Resume
        </Button>
      ) : (
        <Button icon="pause" onClick={() => setAsking('PAUSE')}>
          Pause…
        </Button>
      )}
      {consumer.kind !== 'NOTIFICATION' && (
        <Button onClick={() => setAsking('CHANGE')}>Change…</Button>
      )}
      <Button onClick={() => setAsking('SEEK')}>Seek…</Button>
      <Button look="danger" onClick={() => setAsking('DELETE')}>
        Delete…
      </Button>
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      {asking === 'CHANGE' && (
        <ChangeDialog
          workspace={slug}
          consumer={consumer}
          onClose={dialog.onClose}
          onDone={name => {
            dialog.onDone();
            navigate(consumerPath(slug, name), { replace: true });
          }}
        />
      )}
      {asking === 'PAUSE' && <PauseDialog {...dialog} />}
      {asking === 'SEEK' && <SeekDialog {...dialog} />}
      {asking === 'DELETE' && <DeleteDialog {...dialog} />}
    </>
  );
}

interface DialogProps {
  /** Which consumer. */
  readonly input: { readonly workspace: string; readonly consumer: string };
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function PauseDialog({ input, onClose, onDone }: DialogProps) {
  const [reason, setReason] = useState('');
  const [{ fetching, error }, pause] = useMutation(PauseConsumer);

  async function submit(): Promise<void> {
    const { data } = await pause({ input: { ...input, reason: reason.trim() || null } });
    if (data) onDone();
  }

  return (
    <Dialog title={`Pause ${input.consumer}?`} onClose={onClose}>
      <Form action="Pause" onSubmit={submit} isBusy={fetching} error={error}>
        <p>It gets no events until it is resumed. It keeps its place, so none is lost.</p>
        <TextField
          label="Reason"
          value={reason}
          onChange={({ target }) => setReason(target.value)}
          hint="For whoever sees that it is paused. It may be empty."
          autoFocus
        />
      </Form>
    </Dialog>
  );
}

function SeekDialog({ input, onClose, onDone }: DialogProps) {
  const [place, setPlace] = useState(AT_NOW);
  const [{ fetching, error }, seek] = useMutation(SeekConsumer);

  async function submit(): Promise<void> {
    const to = placeOf(place);
    if (to === null) return;
    const { data } = await seek({ input: { ...input, to } });
    if (data) onDone();
  }

  return (
    <Dialog title={`Seek ${input.consumer}`} onClose={onClose}>
      <Form action="Seek" onSubmit={submit} isBusy={fetching} error={error}>
        <p>
          Back delivers events again. Ahead passes events over for good. What is in flight or waits
          for a retry is dropped; what is parked stays parked.
        </p>
        <PlaceFields label="Goes on with" place={place} onChange={setPlace} />
      </Form>
    </Dialog>
  );
}

function DeleteDialog({ input, onClose }: DialogProps) {
  const [{ fetching, error }, remove] = useMutation(DeleteConsumer);

  async function confirm(): Promise<void> {
    const { data } = await remove({ input });
    if (data) navigate(consumersPath(input.workspace), { replace: true });
  }

  return (
    <Confirm
      title={`Delete ${input.consumer}?`}
      action="Delete for good"
      keep="Keep it"
      isBusy={fetching}
      error={error}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        Its place, and what it has parked, are removed. Its workers are refused. The events stay in
        the log. This can’t be undone.
      </p>
    </Confirm>
  );
}
