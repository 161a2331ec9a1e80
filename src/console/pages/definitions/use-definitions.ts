import { useEffect, useState } from 'react';
import { useClient, type CombinedError } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Definitions, type ListedDefinition } from './documents.ts';
import type { Status } from './words.ts';

/** The list is sorted here, so all of it is read: up to this many. */
const DEFINITIONS_MAX = 5_000;

interface Found {
  readonly definitions: readonly ListedDefinition[] | null;
  readonly error: CombinedError | null;
  readonly isWaiting: boolean;
  /** Whether there are more than were read. */
  readonly isCut: boolean;
}

const NOTHING: Found = { definitions: null, error: null, isWaiting: true, isCut: false };

export function useDefinitions(search: string, status: Status | null) {
  const { slug } = useWorkspace();
  const client = useClient();
  const [turn, setTurn] = useState(0);
  const [found, setFound] = useState(NOTHING);
  useEffect(() => {
    let isOver = false;
    async function read(): Promise<Found> {
      const definitions: ListedDefinition[] = [];
      const filter = { search, ...(status === null ? {} : { statuses: [status] }) };
      let after: string | null = null;
      for (;;) {
        const variables: { workspace: string; filter: typeof filter; after: string | null } = {
          workspace: slug,
          filter,
          after,
        };
        const answer = await client.query(Definitions, variables, FRESH);
        if (!answer.data) return { ...NOTHING, error: answer.error ?? null, isWaiting: false };
        const { nodes, pageInfo } = answer.data.eventDefinitions;
        definitions.push(...nodes);
        const isCut = pageInfo.hasNextPage && definitions.length >= DEFINITIONS_MAX;
        if (isOver || isCut || !pageInfo.hasNextPage) {
          return { definitions, error: null, isWaiting: false, isCut };
        }
        after = pageInfo.endCursor;
      }
    }
    setFound(before => ({ ...before, isWaiting: true }));
    void read().then(next => {
      if (!isOver) setFound(next);
    });
    return () => {
      isOver = true;
    };
  }, [client, slug, search, status, turn]);
  return { ...found, again: () => setTurn(turn + 1) };
}

const FRESH = { requestPolicy: 'network-only' } as const;
