import { useState } from 'react';
import { may, useViewer } from '../../api/viewer.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { formatCount } from '../../parts/format.ts';
import { Notice } from '../../parts/states.tsx';
import type { Handled, Handling } from './use-handling.ts';

const NO_RESUBMIT = 'Needs a key with the scope EVENTS_WRITE';
const NO_DISCARD = 'Needs a key with the scope ADMIN';

interface HandleProps {
  readonly ids: readonly string[];
  readonly handling: Handling;
  /** Which ones, for those who can't see where the buttons stand. */
  readonly of: string;
  /** Beside each of many. */
  readonly isQuiet?: boolean;
}

/** Resubmits at once; asks before it discards. */
export function HandleButtons({ ids, handling, of, isQuiet = false }: HandleProps) {
  const viewer = useViewer();
  const [isAsking, setIsAsking] = useState(false);
  const [mayResubmit, mayDiscard] = [may(viewer, 'EVENTS_WRITE'), may(viewer, 'ADMIN')];
  const isIdle = ids.length === 0 || handling.isBusy;
  return (
    <>
      <Button
        look={isQuiet ? 'quiet' : 'plain'}
        disabled={isIdle || !mayResubmit}
        title={mayResubmit ? undefined : NO_RESUBMIT}
        aria-label={`Resubmit ${of}`}
        onClick={() => void handling.handle('RESUBMIT', ids)}
      >
        Resubmit
      </Button>
      <Button
        look={isQuiet ? 'quiet' : 'danger'}
        disabled={isIdle || !mayDiscard}
        title={mayDiscard ? undefined : NO_DISCARD}
        aria-label={`Discard ${of}`}
        onClick={() => setIsAsking(true)}
      >
        Discard
      </Button>
      {isAsking && (
        <Dialog title={`Discard ${eventsOf(ids.length)}?`} onClose={() => setIsAsking(false)}>
          <p>What was kept aside is removed for good. This can’t be undone.</p>
          <div className="actions">
            <Button onClick={() => setIsAsking(false)}>Keep</Button>
            <Button
              look="danger"
              onClick={() => {
                setIsAsking(false);
                void handling.handle('DISCARD', ids);
              }}
            >
              Discard
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function eventsOf(count: number): string {
  return count === 1 ? 'this event' : `${formatCount(count)} events`;
}

/** How far it is, then what became of it. */
export function HandledNotice({ handled, isBusy }: { handled: Handled; isBusy: boolean }) {
  const { action, total, done, settled, failure } = handled;
  if (isBusy) {
    return (
      <Notice>
        <span>
          {formatCount(done)} of {formatCount(total)}
        </span>
        <progress value={done} max={total} aria-label="Progress" />
      </Notice>
    );
  }
  const verb = action === 'RESUBMIT' ? 'recorded' : 'discarded';
  if (failure !== null) {
    return (
      <Notice tone="bad">
        {formatCount(settled)} {verb}, then it broke off. {failure}
      </Notice>
    );
  }
  const kept = action === 'RESUBMIT' ? total - settled : 0;
  return (
    <Notice tone={kept === 0 ? 'good' : 'warn'}>
      {formatCount(settled)} {verb}.
      {kept > 0 && ` ${formatCount(kept)} still ${kept === 1 ? 'does' : 'do'} not fit.`}
    </Notice>
  );
}
