import { execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { createAnswerBudget, type AnswerBudget } from '../graphql/answer-budget.ts';

type Result = ExecutionResult | Promise<ExecutionResult>;

/**
 * Executes with graphql-js, each time with a budget of its own: an answer that outgrows it becomes
 * one error, before it is written.
 */
export function executeWithin(args: ExecutionArgs, answerBytesMax: number): Result {
  const answer = createAnswerBudget(answerBytesMax);
  const contextValue = { ...(args.contextValue as object), answer };
  const result = execute({ ...args, contextValue });
  if (!(result instanceof Promise)) return withinBudget(result, answer);
  return result.then(settled => withinBudget(settled, answer));
}

function withinBudget(result: ExecutionResult, { overrun }: AnswerBudget): ExecutionResult {
  if (overrun === null) return result;
  return { errors: [new GraphQLError(overrun.message, { originalError: overrun })] };
}
