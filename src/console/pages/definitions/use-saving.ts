import { useState } from 'react';
import { useClient, type CombinedError } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { DefineEvent, DefinitionByName, type Definition } from './documents.ts';
import {
  changesOf,
  differencesOf,
  draftOf,
  type Draft,
  type FieldName,
  type SchemaFault,
} from './draft.ts';
import { schemaFaultOf } from './use-schema-check.ts';

export type Outcome =
  | { readonly kind: 'SAVED'; readonly definition: Definition }
  /** Somebody else changed what is to be saved. */
  | {
      readonly kind: 'CONFLICT';
      readonly fields: readonly FieldName[];
      readonly theirs: Definition;
    }
  /** The gateway takes no such schema. */
  | { readonly kind: 'SCHEMA_FAULT'; readonly fault: SchemaFault }
  | { readonly kind: 'REFUSED'; readonly message: string };

export interface Saving {
  readonly isBusy: boolean;
  readonly outcome: Outcome | null;
  forget(): void;
  /**
   * Saves what differs from `before`, which is as the draft was begun. The definition as it stands
   * then; null where it was not saved.
   */
  save(draft: Draft, before: Draft): Promise<Definition | null>;
}

/** Looks at what there is by now before it saves, so that nobody's change is lost unseen. */
export function useSaving(name: string): Saving {
  const { slug } = useWorkspace();
  const client = useClient();
  const [isBusy, setIsBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  async function attempt(draft: Draft, before: Draft): Promise<Outcome> {
    const fields = differencesOf(draft, before);
    const found = await client.query(DefinitionByName, { workspace: slug, name }, FRESH);
    const theirs = found.data?.eventDefinition;
    if (theirs) {
      const now = draftOf(theirs);
      const both = differencesOf(now, before).filter(field => fields.includes(field));
      // What both changed to the same is no conflict.
      const conflicts = differencesOf(now, draft).filter(field => both.includes(field));
      if (conflicts.length > 0) return { kind: 'CONFLICT', fields: conflicts, theirs };
    }
    const input = { workspace: slug, name, ...changesOf(draft, fields) };
    const { data, error } = await client.mutation(DefineEvent, { input });
    if (data) return { kind: 'SAVED', definition: data.defineEvent.definition };
    return error ? refusalOf(error, draft) : { kind: 'REFUSED', message: 'That did not work.' };
  }

  return {
    isBusy,
    outcome,
    forget: () => setOutcome(null),
    async save(draft, before) {
      setIsBusy(true);
      const result = await attempt(draft, before);
      setIsBusy(false);
      setOutcome(result);
      return result.kind === 'SAVED' ? result.definition : null;
    },
  };
}

const FRESH = { requestPolicy: 'network-only' } as const;

function refusalOf(error: CombinedError, { schema }: Draft): Outcome {
  const { title, advice } = problemOf(error);
  const fault = schemaFaultOf(error, schema);
  return fault ? { kind: 'SCHEMA_FAULT', fault } : { kind: 'REFUSED', message: advice || title };
}
