import { useState } from 'react';
import { useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { formatCount } from '../../parts/format.ts';
import { Notice } from '../../parts/states.tsx';
import { DiscardParked, RedeliverParked } from './documents.ts';
import { deliveriesOf } from './words.ts';

interface ParkedActionsProps {
  /** Of the consumer. */
  readonly name: string;
  /** Of the deliveries; null for all. */
  readonly ids: readonly string[] | null;
  readonly count: number;
  /** Which one, for those who can't see where the buttons stand. */
  readonly of?: string;
  /** Called with what was done, in words. */
  readonly onDone: (what: string) => void;
}

/** Delivers again at once; asks before it discards. */
export function ParkedActions({ name, ids, count, of, onDone }: ParkedActionsProps) {
  const { slug } = useWorkspace();
  const [isAsking, setIsAsking] = useState(false);
  const [again, redeliver] = useMutation(RedeliverParked);
  const [discarding, discard] = useMutation(DiscardParked);
  const input = { workspace: slug, consumer: name, ids: ids && [...ids] };

  async function deliverAgain(): Promise<void> {
    const { data } = await redeliver({ input });
    if (data)
      onDone(`${formatCount(data.redeliverParked.redeliveredCount)} to be delivered again.`);
  }
  async function confirm(): Promise<void> {
    const { data } = await discard({ input });
    if (!data) return;
    setIsAsking(false);
    onDone(`${formatCount(data.discardParked.discardedCount)} discarded.`);
  }

  const isOfAll = ids === null;
  return (
    <>
      <Button
        look={isOfAll ? 'plain' : 'quiet'}
        isBusy={again.fetching}
        aria-label={of && `Deliver again ${of}`}
        onClick={() => void deliverAgain()}
      >
        {isOfAll ? 'Deliver all again' : 'Deliver again'}
      </Button>
      <Button
        look={isOfAll ? 'danger' : 'quiet'}
        aria-label={of && `Discard ${of}`}
        onClick={() => setIsAsking(true)}
      >
        {isOfAll ? 'Discard all…' : 'Discard…'}
      </Button>
      {again.error && <Notice tone="bad">{problemOf(again.error).advice}</Notice>}
      {isAsking && (
        <Confirm
          title={`Discard ${isOfAll ? `all ${deliveriesOf(count)}` : 'this delivery'}?`}
          action="Discard for good"
          keep="Keep"
          isBusy={discarding.fetching}
          error={discarding.error}
          onConfirm={() => void confirm()}
          onClose={() => setIsAsking(false)}
        >
          <p>
            This consumer is not delivered {isOfAll ? 'these events' : 'this event'} again. The log
            keeps {isOfAll ? 'them' : 'it'}. This can’t be undone.
          </p>
        </Confirm>
      )}
    </>
  );
}
