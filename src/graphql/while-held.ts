import { unauthenticated } from '../core/principal.ts';
import { requireKey } from './access.ts';
import type { GraphQLContext } from './context.ts';

/**
 * For what may take as long as a request to somebody else: meanwhile it counts, and ends, as a
 * download of the key does.
 */
export async function whileHeld<T>(
  context: GraphQLContext,
  workspaceId: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const release = context.services.live.hold({
    workspaceId,
    tag: requireKey(context).keyId,
    end: () => over.abort(),
  });
  context.leaveWork();
  try {
    return await work(AbortSignal.any([context.signal, over.signal]));
  } catch (error) {
    throw over.signal.aborted ? unauthenticated() : error;
  } finally {
    release();
  }
}
