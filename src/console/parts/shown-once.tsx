import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';
import { Notice } from './states.tsx';

interface ShownOnceProps {
  readonly secret: string;
  /** What the secret is called on the button that copies it. */
  readonly what: string;
  /** More to know about it. */
  readonly children?: ReactNode;
  readonly onDone: () => void;
}

/** A secret that the gateway gives out this once, in a dialog. */
export function ShownOnce({ secret, what, children, onDone }: ShownOnceProps) {
  return (
    <>
      <Notice tone="warn">Copy it now: it is shown this once.</Notice>
      <pre className="secret" tabIndex={0}>
        {secret}
      </pre>
      {children}
      <div className="actions">
        <CopyButton text={secret} label={`Copy the ${what}`} />
        <Button look="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </>
  );
}
