import type { SluiceClient } from '../client/index.ts';

interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** What each page is asked for, beside its nodes. */
export const PAGE_INFO = 'pageInfo { hasNextPage endCursor }';

/**
 * Every node of a connection, page by page.
 * @param query takes `$after`; its only field is the connection
 */
export async function* readAll<Node>(
  client: SluiceClient,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): AsyncGenerator<Node> {
  let after: string | null = null;
  for (;;) {
    const answer: Record<string, Page<Node>> = await client.query(query, {
      ...variables,
      after,
    });
    const [page] = Object.values(answer) as [Page<Node>];
    yield* page.nodes;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}
