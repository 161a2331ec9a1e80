import {
  execute,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { GatewayError } from '../core/errors.ts';
import { createAnswerBudget, type AnswerBudget } from '../graphql/answer-budget.ts';
import type { CallContext } from './pipeline.ts';

type Result = ExecutionResult | Promise<ExecutionResult>;

/**
 * Executes with graphql-js, each time with a budget of its own: an answer that outgrows it becomes
 * one error, before it is written. What is read for a query also counts among what is held for all
 * requests in work.
 */
export function executeWithin(args: ExecutionArgs, answerBytesMax: number): Result {
  const isMutation =
    getOperationAST(args.document, args.operationName)?.operation === OperationTypeNode.MUTATION;
  // Steps of streams have no caller of their own.
  const { call } = args.contextValue as Partial<CallContext>;
  const answer = createAnswerBudget(answerBytesMax, isMutation ? undefined : call?.work?.grow);
  const contextValue = { ...(args.contextValue as object), answer };
  const result = execute({ ...args, contextValue });
  if (!(result instanceof Promise)) return withinBudget(result, answer, isMutation);
  return result.then(settled => withinBudget(settled, answer, isMutation));
}

export function withinBudget(
  result: ExecutionResult,
  { overrun }: AnswerBudget,
  isMutation: boolean,
): ExecutionResult {
  if (overrun === null) return result;
  const originalError = isMutation ? carriedOut(overrun) : overrun;
  return { errors: [new GraphQLError(originalError.message, { originalError })] };
}

/** An error below 500 would say that nothing was stored. */
function carriedOut({ message }: GatewayError): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE', `This was carried out, but: ${message}`);
}
