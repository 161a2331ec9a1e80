import type { Direct } from '../direct/direct.ts';
import type { EdgePlugin } from '../pipeline.ts';

/** Tells the short way of documents that were found valid on the long one. */
export function useDirect(direct: Direct): EdgePlugin {
  return {
    onValidate({ params: { documentAST }, context }) {
      return ({ valid }) => {
        if (valid) direct.learn(context.params.query, documentAST);
      };
    },
  };
}
