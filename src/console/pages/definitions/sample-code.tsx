import { useMemo } from 'react';
import { useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Card } from '../../parts/page.tsx';
import { Loading } from '../../parts/states.tsx';
import { setSearch, useSearch } from '../../router/router.ts';
import { NewestPayload, type Definition } from './documents.ts';
import { examplePayload } from './example.ts';
import { samplesOf } from './samples.ts';

/** How to record an event of this type, in each way there is. */
export function SampleCode({ definition }: { definition: Definition }) {
  const { slug } = useWorkspace();
  const { name: type, payloadSchema } = definition;
  const [{ data, error }] = useQuery({
    query: NewestPayload,
    variables: { workspace: slug, type },
    pause: payloadSchema !== null,
  });
  const newest = data?.events.nodes[0]?.payload;
  const samples = useMemo(() => {
    const payload = payloadSchema === null ? (newest ?? {}) : examplePayload(payloadSchema);
    return samplesOf({ origin: location.origin, workspace: slug, type, payload, at: new Date() });
  }, [slug, type, payloadSchema, newest]);
  const chosen = useSearch().get('sample');
  const sample = samples.find(({ id }) => id === chosen) ?? samples[0];
  if (payloadSchema === null && !data && !error) return <Loading />;
  return (
    <Card title="Record one" actions={sample?.code && <CopyButton text={sample.code} />}>
      <div className="samples">
        <div className="sample-choice" role="group" aria-label="Way">
          {samples.map(({ id, title }) => (
            <Button
              key={id}
              aria-pressed={id === sample?.id}
              onClick={() => setSearch({ sample: id }, { replace: true })}
            >
              {title}
            </Button>
          ))}
        </div>
        <p className="muted">
          {sample?.note}
          {sample?.code && (
            <>
              {' '}
              Put a key that may record into <code>SLUICE_KEY</code>; the payload is{' '}
              {originOf(payloadSchema !== null, newest !== undefined)}.
            </>
          )}
        </p>
        {sample?.code && (
          <pre className="sample" tabIndex={0} aria-label="Sample">
            {sample.code}
          </pre>
        )}
      </div>
    </Card>
  );
}

function originOf(hasSchema: boolean, hasNewest: boolean): string {
  if (hasSchema) return 'made up from the schema';
  return hasNewest ? 'that of the newest event' : 'empty, since nothing is known of it yet';
}
