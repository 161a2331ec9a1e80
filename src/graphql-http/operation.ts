/** One operation of a valid document, planned once and run for each request. */
import {
  GraphQLError,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { GatewayError } from '../core/errors.ts';
import { unauthenticated, type Principal } from '../core/principal.ts';
import { AnswerBudget } from '../graphql/answer-budget.ts';
import { deriveContext, type GraphQLContext } from '../graphql/context.ts';
import type { ServerSettings } from '../http/settings.ts';
import { prepareExecution } from './executor/executor.ts';
import type { Variables } from './executor/selection.ts';
import { prepareVariables } from './executor/variables.ts';
import { resolveOperation, rootFields } from './measure.ts';
import { preparePage } from './page.ts';
import { costOf } from './query-cost.ts';
import type { WrittenResult } from './written-result.ts';

type Result = ExecutionResult | WrittenResult;

export interface Operation {
  readonly type: OperationTypeNode;
  readonly document: DocumentNode;
  readonly node: OperationDefinitionNode;
  /** Why the operation is refused as a whole, before any resolver runs. */
  refusalOf(principal: Principal | null, variables: Variables): GatewayError | undefined;
  /** Executes a query or a mutation; of a subscription one step. */
  execute(request: OperationRequest): ExecutionResult | Promise<ExecutionResult>;
  /** The same, but for a page of events as Postgres writes it where Postgres can. */
  answer(request: OperationRequest): Promise<Result>;
}

export interface OperationRequest {
  readonly context: GraphQLContext;
  /** As they were sent. */
  readonly variables: Variables;
  /** The step of a subscription. */
  readonly rootValue?: unknown;
  /** Counts bytes that a query reads, and may refuse them by throwing. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

export type OperationSettings = Pick<
  ServerSettings,
  'answerBytesMax' | 'introspection' | 'queryCostMax'
>;

const OPEN_TO_ALL = ['__typename'];
const INTROSPECTION = ['__schema', '__type'];

/** Finds the operation of a document that a request means. @throws GatewayError where there is none */
export type FindOperation = (document: DocumentNode, name: string | null | undefined) => Operation;

/** Keeps what was planned as long as the document. */
export function createOperations(
  schema: GraphQLSchema,
  settings: OperationSettings,
): FindOperation {
  const plans = new WeakMap<OperationDefinitionNode, Operation>();
  return (document, name) => {
    const node = resolveOperation(document, name);
    let plan = plans.get(node);
    if (plan === undefined) {
      plan = prepareOperation(schema, document, node, settings);
      plans.set(node, plan);
    }
    return plan;
  };
}

function prepareOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
  { answerBytesMax, introspection, queryCostMax }: OperationSettings,
): Operation {
  const isMutation = node.operation === OperationTypeNode.MUTATION;
  const open = introspection === 'open' ? [...OPEN_TO_ALL, ...INTROSPECTION] : OPEN_TO_ALL;
  const isOpen = rootFields(document, node).every(field => open.includes(field.name.value));
  const coerceVariables = prepareVariables(schema, node);
  const run = prepareExecution(schema, document, node);
  const answerPage = preparePage(schema, document, node, answerBytesMax);

  function execute(
    { context, rootValue, onRead }: OperationRequest,
    variables: Variables,
  ): ExecutionResult | Promise<ExecutionResult> {
    const answer = new AnswerBudget(answerBytesMax, isMutation ? undefined : onRead);
    const contextValue = deriveContext(context, { answer });
    const result = run({ contextValue, rootValue, variables });
    return result instanceof Promise
      ? result.then(settled => withinBudget(settled, answer, isMutation))
      : withinBudget(result, answer, isMutation);
  }

  return {
    type: node.operation,
    document,
    node,

    refusalOf(principal, variables) {
      // `{ __typename }` is answered without a key, as a sign of life. Resolvers check scopes, too.
      if (principal === null && !isOpen) return unauthenticated();
      const cost = costOf({ schema, document, operation: node, variables });
      return cost > queryCostMax ? tooComplex(cost, queryCostMax) : undefined;
    },

    execute(request) {
      const { coerced, errors } = coerceVariables(request.variables);
      return errors === undefined ? execute(request, coerced) : { errors };
    },

    async answer(request) {
      const { coerced, errors } = coerceVariables(request.variables);
      if (errors !== undefined) return { errors };
      const page = answerPage && (await answerPage(request.context, coerced, request.onRead));
      return page ?? execute(request, coerced);
    },
  };
}

function tooComplex(cost: number, queryCostMax: number): GatewayError {
  const message =
    `An answer may have at most ${queryCostMax} values. With every page full, this one ` +
    `would have ${cost}. Request smaller pages, especially inside other pages.`;
  return new GatewayError('QUERY_TOO_COMPLEX', message);
}

/** An answer that outgrew its budget becomes one error. */
function withinBudget(
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
  return new GatewayError('SERVICE_UNAVAILABLE', `The operation was executed, but: ${message}`);
}
