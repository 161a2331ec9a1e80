import { GraphQLError, type ExecutionArgs } from 'graphql';
import type { GatewayError } from '../../core/errors.ts';
import type { EdgePlugin } from '../pipeline.ts';

/** A plugin that refuses operations as a whole, before any resolver. */
export function refusing(
  refusalOf: (args: ExecutionArgs) => GatewayError | undefined,
): Required<Pick<EdgePlugin, 'onExecute' | 'onSubscribe'>> {
  function look({ args, setResultAndStopExecution }: Look): void {
    const originalError = refusalOf(args);
    if (originalError === undefined) return;
    const error = new GraphQLError(originalError.message, { originalError });
    setResultAndStopExecution({ errors: [error] });
  }
  return { onExecute: look, onSubscribe: look };
}

interface Look {
  readonly args: ExecutionArgs;
  setResultAndStopExecution(result: { errors: GraphQLError[] }): void;
}
