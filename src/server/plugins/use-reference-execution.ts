import type { ExecutionArgs } from 'graphql';
import { executeWithin } from '../execute.ts';
import type { EdgePlugin } from '../pipeline.ts';
import type { ServerSettings } from '../settings.ts';
import type { Subscribe } from '../subscribe.ts';

/**
 * Executes with graphql-js, within bounds. Yoga's own executor puts a field into the answer when it resolves, so
 * that fields come in the order of their waiting, not of the document.
 * @see https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering
 */
export function useReferenceExecution(
  subscribe: Subscribe,
  { answerBytesMax }: Pick<ServerSettings, 'answerBytesMax'>,
): EdgePlugin {
  return {
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => executeWithin(args, answerBytesMax));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(subscribe);
    },
  };
}
