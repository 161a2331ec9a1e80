import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { verifyProof } from '../../../client/index.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { downloadFile } from '../../parts/download.ts';
import { formatCount } from '../../parts/format.ts';
import { EventProof, type EventInclusionProof } from './documents.ts';

/** The proof of an event, verified in this browser. Nothing where its workspace keeps no evidence. */
export function EventEvidence({ eventId }: { eventId: string }) {
  const { slug } = useWorkspace();
  const [{ data }] = useQuery({
    query: EventProof,
    variables: { workspace: slug, eventId },
    requestPolicy: 'network-only',
  });
  const proof = data?.event?.inclusionProof ?? null;
  const verdict = useVerdict(proof);
  if (proof === null) return null;
  const download = () =>
    downloadFile(`${slug}-${proof.index}.proof`, new Blob([`${JSON.stringify(proof)}\n`]));
  return (
    <section>
      <div className="part-head">
        <h3>Evidence</h3>
        <Button icon="download" onClick={download}>
          Proof
        </Button>
      </div>
      <p>
        {verdict ?? 'Looking at the proof…'}
        {proof.content === null && ' Its content was removed.'}
      </p>
    </section>
  );
}

/** What a look at the proof says; null until then. The key is the one that the gateway names. */
function useVerdict(proof: EventInclusionProof | null): string | null {
  const [verdict, setVerdict] = useState<string | null>(null);
  useEffect(() => {
    if (proof === null) return;
    let isOver = false;
    const say = (text: string) => {
      if (!isOver) setVerdict(text);
    };
    verifyProof(proof, proof.checkpoint).then(
      () => say(`Proven in checkpoint ${formatCount(proof.size)}.`),
      (error: Error) => say(error.message),
    );
    return () => {
      isOver = true;
    };
  }, [proof]);
  return verdict;
}
