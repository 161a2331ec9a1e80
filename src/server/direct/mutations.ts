/**
 * The short way of `recordEvent` and `recordEvents`: from the parsed body to the resolver and back
 * without Yoga and graphql-js, which take a third of a small mutation's time. Who calls,
 * what is asked and what it may cost is found out by the functions that the long way uses, and the
 * resolvers are the same. Whatever is not plain goes the long way, and so does the first request
 * of each document: only one that was found valid there is known here.
 */
import { locatedError, type DocumentNode } from 'graphql';
import { preferredType } from '../accept.ts';
import type { HttpCall } from '../call.ts';
import type { RawResult } from '../errors.ts';
import { readPostParams, type OperationParams } from '../params.ts';
import type { PipelineOptions } from '../pipeline.ts';
import { costOf } from '../query-cost.ts';
import { NotDirect } from './coerce.ts';
import { planOf, type DirectPlan } from './plan.ts';

export interface DirectMutations {
  /** Takes a document that was found valid, by its source. */
  learn(source: string, document: DocumentNode): void;
  /** Whether it was answered; what is not, Yoga is to answer. */
  answer(call: HttpCall): Promise<boolean>;
}

export interface DirectOptions extends PipelineOptions {
  readonly write: (result: RawResult, call: HttpCall) => Promise<void>;
}

/** As many as a handful of applications has; beyond that the oldest go the long way. */
const PLANS_MAX = 256;

export function createDirectMutations(options: DirectOptions): DirectMutations {
  const { schema, authenticate, createContext, settings, write } = options;
  const plans = new Map<string, DirectPlan>();
  const learnt = new WeakSet<DocumentNode>();

  function planFor({ query, operationName }: OperationParams): DirectPlan | undefined {
    const plan = plans.get(query);
    const isMeant = operationName === undefined || operationName === plan?.operation.name?.value;
    return isMeant ? plan : undefined;
  }

  async function execute(plan: DirectPlan, input: Arguments, call: HttpCall): Promise<RawResult> {
    const context: unknown = await createContext(call, call.principal ?? null);
    try {
      const source = await plan.resolve(input, context);
      return { data: { [plan.key]: plan.select(source, context) } };
    } catch (error) {
      return { data: null, errors: [locatedError(error, [plan.node], [plan.key])] };
    }
  }

  return {
    learn(source, document) {
      if (learnt.has(document)) return;
      learnt.add(document);
      const plan = planOf(schema, document);
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
      const input = argumentsOrNull(plan, variables);
      if (input === null) return false;
      await write(await execute(plan, input, call), call);
      return true;
    },
  };
}

type Arguments = Record<string, unknown>;

function argumentsOrNull(
  plan: DirectPlan,
  variables: Readonly<Record<string, unknown>>,
): Arguments | null {
  try {
    return plan.argumentsFrom(variables);
  } catch (error) {
    if (error instanceof NotDirect) return null;
    throw error;
  }
}
