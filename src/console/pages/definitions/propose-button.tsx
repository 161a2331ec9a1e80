import { useState } from 'react';
import { useClient } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { formatCount } from '../../parts/format.ts';
import { NewestPayloads } from './documents.ts';
import { inferSchema } from './infer-schema.ts';

interface ProposeProps {
  readonly type: string;
  readonly onPropose: (schema: string) => void;
}

/** Writes a schema that the newest events fit. It is saved by nobody but the reader. */
export function ProposeButton({ type, onPropose }: ProposeProps) {
  const { slug } = useWorkspace();
  const client = useClient();
  const [isBusy, setIsBusy] = useState(false);
  const [told, setTold] = useState('');

  async function propose(): Promise<void> {
    setIsBusy(true);
    const { data, error } = await client.query(NewestPayloads, { workspace: slug, type }, FRESH);
    setIsBusy(false);
    if (!data) return setTold(error ? problemOf(error).title : 'That did not work.');
    const payloads = data.events.nodes
      .filter(({ redactedAt }) => redactedAt === null)
      .map(({ payload }) => payload);
    if (payloads.length === 0) return setTold('No event of this type is kept.');
    onPropose(JSON.stringify(inferSchema(payloads), null, 2));
    setTold(
      `Proposed from the newest ${formatCount(payloads.length)}. Look it through, then save.`,
    );
  }

  return (
    <>
      <Button isBusy={isBusy} onClick={() => void propose()}>
        Propose from recorded events
      </Button>
      <span className="muted" role="status">
        {told}
      </span>
    </>
  );
}

const FRESH = { requestPolicy: 'network-only' } as const;
