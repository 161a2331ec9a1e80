/**
 * The short way of what is asked most: the mutations that record, and pages of events. From the
 * parsed body to the answer without Yoga and graphql-js, which take a third of a small mutation's
 * time and most of a page's. Who calls, what is asked and what it may cost is found out by the
 * functions that the long way uses. Whatever is not plain goes the long way, and so does the first
 * request of each document: only one that was found valid there is known here.
 */
import { OperationTypeNode, type DocumentNode, type ExecutionResult } from 'graphql';
import { createAnswerBudget } from '../../graphql/answer-budget.ts';
import type { GraphQLContext } from '../../graphql/context.ts';
import { preferredType } from '../accept.ts';
import type { HttpCall } from '../call.ts';
import type { RawResult } from '../errors.ts';
import { withinBudget } from '../execute.ts';
import { readPostParams, type OperationParams } from '../params.ts';
import type { PipelineOptions } from '../pipeline.ts';
import { costOf } from '../query-cost.ts';
import { Ready } from '../ready.ts';
import type { Arguments, Variables } from './arguments.ts';
import { NotDirect } from './coerce.ts';
import { planOf, type DirectPlan } from './plan.ts';

export interface Direct {
  /** Takes a document that was found valid, by its source. */
  learn(source: string, document: DocumentNode): void;
  /** Whether it was answered; what is not, Yoga is to answer. */
  answer(call: HttpCall): Promise<boolean>;
}

export interface DirectOptions extends PipelineOptions {
  readonly write: (result: RawResult | Ready, call: HttpCall) => Promise<void>;
}

/** As many as a handful of applications has; beyond that the oldest go the long way. */
const PLANS_MAX = 256;

export function createDirect(options: DirectOptions): Direct {
  const { schema, authenticate, confirm, createContext, settings, write } = options;
  const plans = new Map<string, DirectPlan>();
  const learnt = new WeakSet<DocumentNode>();

  function planFor({ query, operationName }: OperationParams): DirectPlan | undefined {
    const plan = plans.get(query);
    const isMeant = operationName === undefined || operationName === plan?.operation.name?.value;
    return isMeant ? plan : undefined;
  }

  async function execute(plan: DirectPlan, given: Arguments, call: HttpCall) {
    const own = await createContext(call, call.principal ?? null);
    const isMutation = plan.operation.operation === OperationTypeNode.MUTATION;
    const grow = isMutation ? undefined : call.work?.grow;
    const answer = createAnswerBudget(settings.answerBytesMax, grow);
    // Not a copy: some of it is made on first use.
    const context = Object.create(own, { answer: { value: answer } }) as GraphQLContext;
    const result = await plan.execute(given, context);
    if (result === null || result instanceof Ready) return result;
    return withinBudget(result as ExecutionResult, answer, isMutation);
  }

  return {
    learn(source, document) {
      if (learnt.has(document)) return;
      learnt.add(document);
      const plan = planOf(schema, document, settings.answerBytesMax);
      if (plan === null) return;
      const [oldest] = plans.size < PLANS_MAX ? [] : plans.keys();
      if (oldest !== undefined) plans.delete(oldest);
      plans.set(source, plan);
    },

    async answer(call) {
      const { req } = call;
      if (req.method !== 'POST' || plans.size === 0) return false;
      try {
        call.principal = await authenticate(call);
        call.params = await readPostParams(call, settings);
        call.principal = await confirm(call, call.principal);
      } catch (error) {
        await write({ errors: [error] }, call);
        return true;
      }
      const plan = planFor(call.params);
      if (plan === undefined || call.principal === null) return false;
      if (preferredType(req.headers.accept) === 'text/event-stream') return false;
      const { variables = {} } = call.params;
      const { document, operation } = plan;
      if (costOf({ schema, document, operation, variables }) > settings.queryCostMax) return false;
      const given = argumentsOrNull(plan, variables);
      const result = given && (await execute(plan, given, call));
      if (result === null) return false;
      await write(result, call);
      return true;
    },
  };
}

function argumentsOrNull(plan: DirectPlan, variables: Variables): Arguments | null {
  try {
    return plan.argumentsFrom(variables);
  } catch (error) {
    if (error instanceof NotDirect) return null;
    throw error;
  }
}
