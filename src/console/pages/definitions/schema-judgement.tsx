import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { formatCount } from '../../parts/format.ts';
import { Notice } from '../../parts/states.tsx';
import { JudgeSchema, type Judgement } from './documents.ts';
import { differencesOf, faultOf, schemaOf, type Draft } from './draft.ts';

interface Props {
  readonly type: string;
  readonly draft: Draft;
  readonly before: Draft;
}

/** Typing goes on after a shorter pause. */
const AFTER_MS = 500;

/** Whether the gateway would take a changed schema, before it is saved. */
export function SchemaJudgement({ type, draft, before }: Props) {
  const judgement = useJudgement(type, draft, before);
  if (judgement === null) return null;
  const { isCompatible, findings, eventsChecked, eventsBroken, isCutShort } = judgement;
  const { compatibility } = draft;
  const shown = findings.filter(
    ({ direction }) => compatibility === 'FULL' || compatibility === direction,
  );
  return (
    <section className="schema-check" aria-label="Compatibility">
      <h3>Compatibility</h3>
      <Notice tone={isCompatible ? 'good' : 'warn'}>
        {isCompatible
          ? `This change keeps ${compatibility} compatibility.`
          : `This change breaks ${compatibility} compatibility: the gateway would refuse it.`}
      </Notice>
      {eventsBroken > 0 && (
        <p>
          {formatCount(eventsBroken)} of {formatCount(eventsChecked)} recorded events
          {isCutShort && ' (more were not checked)'} would no longer fit.
        </p>
      )}
      {shown.length > 0 && (
        <ul className="misfits">
          {shown.map(({ direction, pointer, message, isCertain }) => (
            <li key={`${direction} ${pointer} ${message}`}>
              <p>
                <code>{pointer}</code>: {message}.
                {!isCertain && ' Rules cannot tell whether that matters.'}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Null as long as there is nothing to judge. */
function useJudgement(type: string, draft: Draft, before: Draft): Judgement | null {
  const { slug } = useWorkspace();
  const client = useClient();
  const [judgement, setJudgement] = useState<Judgement | null>(null);
  const { schema, compatibility } = draft;
  const isDue =
    compatibility !== 'NONE' &&
    faultOf(schema) === null &&
    differencesOf(draft, before).includes('schema');
  useEffect(() => {
    setJudgement(null);
    if (!isDue) return;
    let isOver = false;
    const timer = setTimeout(() => {
      const variables = { workspace: slug, type, schema: schemaOf(schema), compatibility };
      void client
        .query(JudgeSchema, variables, { requestPolicy: 'network-only' })
        .then(({ data }) => {
          if (!isOver) setJudgement(data?.checkDefinition ?? null);
        });
    }, AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client, slug, type, schema, compatibility, isDue]);
  return judgement;
}
