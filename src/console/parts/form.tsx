import { useEffect, useRef, type FormEvent, type ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { problemOf } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Notice } from './states.tsx';

interface FormProps {
  /** What sending it does, in a word. */
  readonly action: string;
  readonly onSubmit: () => Promise<void>;
  readonly isBusy: boolean;
  readonly error: CombinedError | undefined;
  /** What is still missing, where it can't be sent yet. */
  readonly missing?: string | undefined;
  /** The last thing that it did. */
  readonly done?: string | undefined;
  readonly children: ReactNode;
}

/** Fields, what went wrong with them, and the button that sends them. */
export function Form({ action, onSubmit, isBusy, error, missing, done, children }: FormProps) {
  const foot = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What is told pushes the button away, and may itself be out of sight.
    if (error || done) foot.current?.scrollIntoView({ block: 'nearest' });
  }, [error, done]);
  function submit(event: FormEvent): void {
    event.preventDefault();
    void onSubmit();
  }
  return (
    <form className="form" onSubmit={submit}>
      {children}
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      {done && <Notice tone="good">{done}</Notice>}
      <div className="actions" ref={foot}>
        <Button
          type="submit"
          look="primary"
          isBusy={isBusy}
          disabled={missing !== undefined}
          title={missing}
        >
          {action}
        </Button>
      </div>
    </form>
  );
}
