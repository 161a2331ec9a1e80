/**
 * The one way of a GraphQL operation, whatever carries it: parse, validate, check, execute. HTTP,
 * event streams and WebSockets authenticate the caller, read the parameters, call `run` and write
 * its result. Documents, plans and coercers are kept, so a repeated operation only runs.
 */
import type { ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Tenant } from '../core/fairness.ts';
import { unauthenticated, type Principal } from '../core/principal.ts';
import type { GraphQLContext } from '../graphql/context.ts';
import type { Admission } from '../http/admission.ts';
import type { Call, OperationParams } from '../http/call.ts';
import type { RawResult } from '../http/errors.ts';
import type { ServerSettings } from '../http/settings.ts';
import type { Log } from '../observability/log.ts';
import { createDocuments } from './documents.ts';
import { createOperations, type Operation } from './operation.ts';
import { createSharedResults, type SharedResults } from './shared-results.ts';
import { createSubscribe } from './subscribe.ts';
import type { ResultSource, WrittenResult } from './written-result.ts';

export type Result = RawResult | WrittenResult | ResultSource;

/** What carries an operation, and who sent it. */
export interface OperationContext {
  readonly call: Call;
  readonly params: OperationParams;
  readonly principal: Principal | null;
  form: AnswerForm;
}

/** Whether the answer may be JSON text as Postgres writes it, which has line breaks. */
export type AnswerForm = 'TEXT' | 'RESULT';

/** Composed by the gateway. */
export interface PipelineOptions {
  readonly schema: GraphQLSchema;
  /** Shared by all that is served. */
  readonly admission: Admission;
  /**
   * The key's owner; null where no key was sent.
   * @throws GatewayError UNAUTHENTICATED for a key that is not valid, RATE_LIMITED,
   * SERVICE_UNAVAILABLE when the database does not answer.
   */
  readonly authenticate: (call: Call) => Promise<Principal | null>;
  /** Whom a call is for, as far as that is known before `authenticate`. @default nobody in particular */
  readonly tenantOf?: (call: Call) => Tenant;
  /** What resolvers see. */
  readonly createContext: (call: Call, principal: Principal | null) => object;
  /**
   * Authenticates again, once the body is there or its turn has come: a key that was revoked
   * meanwhile is refused. Costs no look-up where one was made within two seconds, and counts in no
   * rate.
   * @throws GatewayError UNAUTHENTICATED, SERVICE_UNAVAILABLE
   */
  readonly confirm: (call: Call, principal: Principal | null) => Promise<Principal | null>;
  /** The `id:` of a step of a stream, which an EventSource sends back as Last-Event-ID. */
  readonly eventIdOf?: (step: unknown) => string | undefined;
  /** Absent: one of its own. */
  readonly sharedResults?: SharedResults;
  readonly log: Log;
  readonly settings: ServerSettings;
}

export interface Pipeline {
  /**
   * Finds the operation of a request. Without a key nobody is told what the schema has.
   * @throws GatewayError or a list of GraphQLErrors as `DocumentFaults`
   */
  prepare(call: Call, params: OperationParams, principal: Principal | null): PreparedOperation;
}

export interface PreparedOperation {
  readonly operation: Operation;
  /** Executes it. Faults of resolvers stand in the result; a refusal is a result of errors alone. */
  run(form?: AnswerForm): Promise<Result>;
}

/** Every fault of a document. */
export class DocumentFaults extends Error {
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super('The document is not valid.');
    this.errors = errors;
  }
}

/** Codes of the faults that validation by the schema finds. */
const BY_SCHEMA: ReadonlySet<unknown> = new Set(['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);

export function createPipeline(options: PipelineOptions): Pipeline {
  const { schema, settings } = options;
  const documents = createDocuments(schema, settings);
  const findOperation = createOperations(schema, settings);
  const subscribe = createSubscribe(options, options.sharedResults ?? createSharedResults());

  function run(args: ExecutionArgs): Promise<Result> | Result {
    const { call, params, principal, form } = args.contextValue as OperationContext;
    const operation = findOperation(args.document, args.operationName);
    const { variables = {} } = params;
    const refusal = operation.refusalOf(principal, variables);
    if (refusal !== undefined) return { errors: [refusal] };
    const context = options.createContext(call, principal) as GraphQLContext;
    if (operation.type === 'subscription')
      return subscribe({ operation, call, context, variables });
    const { work } = call;
    const onRead = work && ((bytes: number) => work.grow(bytes));
    const request = { context, variables, onRead };
    return form === 'TEXT' ? operation.answer(request) : operation.execute(request);
  }

  const yoga = createYoga<OperationContext>({
    schema,
    plugins: [useOwn(documents, run)],
    // HTTP, event streams and WebSockets are served by modules of this folder.
    maxRequestBodySize: false,
    multipart: false,
    parserAndValidationCache: false,
    maskedErrors: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });

  /** Faults that were found by the schema name its fields and types. */
  function faultsFor(principal: Principal | null, faults: readonly GraphQLError[]): Error {
    const mayKnow = principal !== null || settings.introspection === 'open';
    const isOfSchema = ({ extensions }: GraphQLError) => BY_SCHEMA.has(extensions['code']);
    return !mayKnow && faults.some(isOfSchema) ? unauthenticated() : new DocumentFaults(faults);
  }

  return {
    prepare(call, params, principal) {
      const { query, operationName } = params;
      const context: OperationContext = { call, params, principal, form: 'RESULT' };
      const { parse, validate, execute } = yoga.getEnveloped(context);
      const document = parse(query);
      const faults = validate(schema, document);
      if (faults.length > 0) throw faultsFor(principal, faults);
      const operation = findOperation(document, operationName);
      return {
        operation,
        async run(form = 'RESULT') {
          context.form = form;
          return (await execute({
            schema,
            document,
            operationName,
            contextValue: context,
          })) as Result;
        },
      };
    },
  };
}

/** Gives Yoga our parser, validator and executor, between which other plugins can stand. */
function useOwn(
  documents: ReturnType<typeof createDocuments>,
  run: (args: ExecutionArgs) => Promise<Result> | Result,
): Plugin<OperationContext> {
  return {
    onParse({ setParseFn }) {
      setParseFn(documents.parse);
    },
    onValidate({ setValidationFn }) {
      setValidationFn((_schema: GraphQLSchema, document: ExecutionArgs['document']) =>
        documents.validate(document),
      );
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn(run as (args: ExecutionArgs) => ExecutionResult);
    },
  };
}
