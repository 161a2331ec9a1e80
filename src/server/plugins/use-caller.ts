import { HttpCall } from '../call.ts';
import type { EdgePlugin, PipelineOptions } from '../pipeline.ts';

type CallerOptions = Pick<PipelineOptions, 'authenticate' | 'confirm' | 'createContext'>;

/**
 * Authenticates an HTTP request before a byte of its body is read, and again when the body is
 * there, which a sender may draw out for a minute. Then makes the context that resolvers see.
 */
export function useCaller({ authenticate, confirm, createContext }: CallerOptions): EdgePlugin {
  return {
    async onRequestParse({ serverContext }) {
      const call = serverContext?.call;
      if (!(call instanceof HttpCall) || call.principal !== undefined) return;
      call.principal = await authenticate(call);
    },
    async onContextBuilding({ context, extendContext }) {
      const { call } = context;
      const known = call instanceof HttpCall ? call.principal : undefined;
      const principal =
        known === undefined ? await authenticate(call) : await confirm(call, known);
      const own = await createContext(call, principal);
      extendContext({ ...own, principal });
    },
  };
}
