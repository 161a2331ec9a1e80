import { HttpCall } from '../call.ts';
import type { EdgePlugin, PipelineOptions } from '../pipeline.ts';

type CallerOptions = Pick<PipelineOptions, 'authenticate' | 'createContext'>;

/**
 * Finds out who calls, of an HTTP request before a byte of its body is looked at, then makes the
 * context that resolvers see.
 */
export function useCaller({ authenticate, createContext }: CallerOptions): EdgePlugin {
  return {
    async onRequestParse({ serverContext }) {
      const call = serverContext?.call;
      if (!(call instanceof HttpCall) || call.principal !== undefined) return;
      call.principal = await authenticate(call);
    },
    async onContextBuilding({ context, extendContext }) {
      const { call } = context;
      const known = call instanceof HttpCall ? call.principal : undefined;
      const principal = known === undefined ? await authenticate(call) : known;
      const own = await createContext(call, principal);
      extendContext({ ...own, principal });
    },
  };
}
