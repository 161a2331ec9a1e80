import { useState } from 'react';
import { useMutation } from 'urql';
import { Dialog } from '../../parts/dialog.tsx';
import { TextArea, TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Notice } from '../../parts/states.tsx';
import { ResubmitCorrected, type Problem, type QuarantinedEvent } from './documents.ts';
import { faultOf } from './draft.ts';
import { readJson } from './json-text.ts';
import { ProblemText } from './problem-text.tsx';

interface CorrectProps {
  readonly event: QuarantinedEvent;
  readonly onClose: () => void;
  /** Called once it is recorded. */
  readonly onRecorded: () => void;
}

/** Changes the type and payload of an event that was kept aside, and records it if it then fits. */
export function CorrectDialog({
  event: { id, event, problems },
  onClose,
  onRecorded,
}: CorrectProps) {
  const [type, setType] = useState(typeof event['type'] === 'string' ? event['type'] : '');
  const [text, setText] = useState(() => JSON.stringify(event['payload'] ?? {}, null, 2));
  const [{ fetching, error }, resubmit] = useMutation(ResubmitCorrected);
  const [left, setLeft] = useState<readonly Problem[]>(problems);
  const fault = text.trim() === '' ? null : faultOf(text);

  async function submit(): Promise<void> {
    const payload = (text.trim() === '' ? {} : readJson(text).value) as Record<string, unknown>;
    const { data } = await resubmit({ ids: [id], type, payload });
    const [receipt] = data?.resubmitQuarantinedEvents.receipts ?? [];
    if (!receipt) return;
    if (receipt.status === 'RECORDED' || receipt.status === 'DUPLICATE') return onRecorded();
    setLeft(receipt.problems);
  }

  return (
    <Dialog title="Correct and resubmit" onClose={onClose}>
      <Form
        action="Resubmit"
        onSubmit={submit}
        isBusy={fetching}
        error={error}
        missing={fault ? 'The payload is no JSON object' : undefined}
      >
        <Notice tone="warn">
          <ul className="problems">
            {left.map(problem => (
              <li key={`${problem.code} ${problem.pointer} ${problem.message}`}>
                <ProblemText problem={problem} />
              </li>
            ))}
          </ul>
        </Notice>
        <TextField
          label="Type"
          value={type}
          onChange={({ target }) => setType(target.value)}
          required
        />
        <TextArea
          label="Payload"
          className="schema"
          rows={12}
          value={text}
          onChange={({ target }) => setText(target.value)}
          error={fault && `Line ${fault.line}, column ${fault.column}: ${fault.message}`}
          hint={
            HAS_LONG.test(text) && 'Whole numbers of 16 digits and more are shown as text here.'
          }
        />
      </Form>
    </Dialog>
  );
}

const HAS_LONG = /"-?\d{16,}"/;
