import { useEffect, useState } from 'react';
import { useClient, type Client, type CombinedError } from 'urql';
import type { VariablesOf } from '../../api/graphql.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { CheckSchema, type CheckedEvent } from './documents.ts';
import { faultOf, schemaOf, type SchemaFault } from './draft.ts';
import { placeOf } from './json-text.ts';

/** One thing that is wrong, and the events that it is wrong with. */
export interface Misfit {
  readonly message: string;
  /** JSON Pointer into the event. */
  readonly pointer: string;
  /** How many events. */
  readonly count: number;
  /** Event id of the newest. */
  readonly newest: string;
}

export interface CheckState {
  readonly kind: 'NO_SCHEMA' | 'NOT_JSON' | 'CHECKING' | 'CHECKED' | 'FAILED';
  /** Where the gateway found a fault in the schema. */
  readonly fault: SchemaFault | null;
  readonly error: CombinedError | null;
  readonly checked: number;
  readonly fitting: number;
  readonly misfits: readonly Misfit[];
}

const NOTHING = { fault: null, error: null, checked: 0, fitting: 0, misfits: [] } as const;

/** Typing goes on after a shorter pause. */
const AFTER_MS = 500;

/**
 * What the newest events would make of a schema, by the gateway itself. With a key that may not
 * define, the schema as it is.
 */
export function useSchemaCheck(type: string, schema: string, isAsItIs: boolean): CheckState {
  const { slug } = useWorkspace();
  const client = useClient();
  const [state, setState] = useState<CheckState>({ ...NOTHING, kind: 'CHECKING' });
  useEffect(() => {
    if (schema.trim() === '') return setState({ ...NOTHING, kind: 'NO_SCHEMA' });
    if (faultOf(schema)) return setState({ ...NOTHING, kind: 'NOT_JSON' });
    let isOver = false;
    setState(before => ({ ...before, fault: null, error: null, kind: 'CHECKING' }));
    const timer = setTimeout(() => {
      const given = isAsItIs ? {} : { schema: schemaOf(schema) };
      void check(client, { workspace: slug, type, ...given }, schema).then(found => {
        if (!isOver) setState(found);
      });
    }, AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client, slug, type, schema, isAsItIs]);
  return state;
}

async function check(
  client: Client,
  variables: VariablesOf<typeof CheckSchema>,
  schema: string,
): Promise<CheckState> {
  const answer = await client.query(CheckSchema, variables, { requestPolicy: 'network-only' });
  if (answer.data) return stateOf(answer.data.events.nodes);
  const fault = answer.error ? schemaFaultOf(answer.error, schema) : null;
  return { ...NOTHING, kind: 'FAILED', fault, error: fault ? null : (answer.error ?? null) };
}

function stateOf(nodes: readonly CheckedEvent[]): CheckState {
  // Nothing is left of a redacted payload that could fit.
  const events = nodes.filter(({ redactedAt }) => redactedAt === null);
  const misfits = new Map<string, Misfit>();
  for (const { eventId, payloadProblems } of events) {
    for (const [key, { message, pointer }] of distinct(payloadProblems)) {
      const known = misfits.get(key) ?? { message, pointer, count: 0, newest: eventId };
      misfits.set(key, { ...known, count: known.count + 1 });
    }
  }
  return {
    ...NOTHING,
    kind: 'CHECKED',
    checked: events.length,
    fitting: events.filter(({ payloadProblems }) => payloadProblems.length === 0).length,
    misfits: [...misfits.values()].sort((a, b) => b.count - a.count),
  };
}

function distinct(problems: CheckedEvent['payloadProblems']) {
  return new Map(problems.map(problem => [`${problem.pointer}\n${problem.message}`, problem]));
}

const SCHEMA = '/payloadSchema';

/** Where in the text the gateway found a fault; null for any other refusal. */
export function schemaFaultOf(error: CombinedError, schema: string): SchemaFault | null {
  const [first] = error.graphQLErrors;
  const pointer = first?.extensions['pointer'];
  if (!first || typeof pointer !== 'string' || !pointer.startsWith(SCHEMA)) return null;
  return { ...placeOf(schema, pointer.slice(SCHEMA.length)), message: first.message };
}
