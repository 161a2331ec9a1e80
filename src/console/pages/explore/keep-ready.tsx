import { useState, type ReactNode } from 'react';
import { useMutation } from 'urql';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Notice } from '../../parts/states.tsx';
import { CreateMeter, type MeterInput } from './meters.ts';

/** Offers to keep a count ready, with the reason for it. */
export function KeepReady({ meter, children }: { meter: MeterInput; children: ReactNode }) {
  const viewer = useViewer();
  const [isOpen, setIsOpen] = useState(false);
  const [isMade, setIsMade] = useState(false);
  if (isMade) {
    return (
      <Notice tone="good">
        The count is being filled from the events of the past. It is listed below, and answers once
        it is ready.
      </Notice>
    );
  }
  return (
    <Notice>
      <div className="keep-ready">
        <span>{children}</span>
        {may(viewer, 'DEFINITIONS_WRITE') ? (
          <Button onClick={() => setIsOpen(true)}>Keep this count ready</Button>
        ) : (
          <span>A key with DEFINITIONS_WRITE can keep it ready.</span>
        )}
      </div>
      {isOpen && (
        <KeepDialog
          meter={meter}
          onDone={() => {
            setIsOpen(false);
            setIsMade(true);
          }}
          onClose={() => setIsOpen(false)}
        />
      )}
    </Notice>
  );
}

interface KeepDialogProps {
  readonly meter: MeterInput;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function KeepDialog({ meter, onDone, onClose }: KeepDialogProps) {
  const { slug } = useWorkspace();
  const [name, setName] = useState(meter.name);
  const [{ fetching, error }, create] = useMutation(CreateMeter);

  async function submit(): Promise<void> {
    const input = { ...meter, workspace: slug, name: name.trim() };
    const made = await create({ input });
    if (!made.error) onDone();
  }

  return (
    <Dialog title="Keep this count ready" onClose={onClose}>
      <Form
        action="Keep it ready"
        onSubmit={submit}
        isBusy={fetching}
        error={error}
        missing={name.trim() === '' ? 'Give it a name' : undefined}
      >
        <TextField
          label="Name"
          value={name}
          onChange={event => setName(event.target.value)}
          hint="The gateway keeps the answer up to date from now on, and answers at once. It takes space in the database for each group."
          autoFocus
        />
      </Form>
    </Dialog>
  );
}
