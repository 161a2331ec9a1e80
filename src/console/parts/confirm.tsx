import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { problemOf } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './states.tsx';

interface ConfirmProps {
  readonly title: string;
  /** What happens. */
  readonly children: ReactNode;
  /** What the button that does it says. */
  readonly action: string;
  /** What the button that does nothing says. */
  readonly keep: string;
  readonly isBusy: boolean;
  readonly error: CombinedError | undefined;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before something is done that can't be undone. */
export function Confirm(props: ConfirmProps) {
  const { title, children, action, keep, isBusy, error, onConfirm, onClose } = props;
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      <div className="actions">
        <Button onClick={onClose}>{keep}</Button>
        <Button look="danger" isBusy={isBusy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
