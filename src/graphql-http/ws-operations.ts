import { GraphQLError, type ExecutionArgs } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { GatewayError } from '../core/errors.ts';
import { unmarked, type ExactJson } from '../core/exact-json.ts';
import type { Tenant } from '../core/fairness.ts';
import { tenantOf, type Principal } from '../core/principal.ts';
import type { Call, HeaderReader, OperationParams } from '../http/call.ts';
import { presentError, presentResult, type Asker, type RawResult } from '../http/errors.ts';
import {
  DocumentFaults,
  type Pipeline,
  type PipelineOptions,
  type PreparedOperation,
  type Result,
} from './pipeline.ts';
import { ResultStream } from './result-stream.ts';
import type { StreamTurns } from './stream-fairness.ts';
import { documentOf } from './trusted-documents.ts';
import { isResultSource, WrittenResult } from './written-result.ts';

/** One socket: what came with its upgrade, and what runs on it. */
export interface Peer {
  readonly requestId: string;
  readonly remoteAddress: string | undefined;
  readonly headers: HeaderReader;
  readonly outlet: Outlet;
  /** Whom its key acts for; undefined until its `connection_init` is accepted. */
  tenant: Tenant | undefined;
  /** A valid key was shown. False: its tenant has too many connections. */
  becomeKnown(tenant: Tenant): boolean;
  /** Of the message that came last. */
  messageBytes: number;
  /** Whether long numbers in it are marked, see `core/exact-json.ts`. */
  isMessageMarked: boolean;
  /** Its key was found not to be valid any more. */
  isRefused: boolean;
  readonly streams: Set<ResultStream>;
  /** Aborts every operation that runs, streams and others. */
  readonly controllers: Set<AbortController>;
  /** Set once the connection is initialised. */
  context?: PeerContext | undefined;
  /** Of the key that initialised the connection; absent before. */
  principal?: Principal | null | undefined;
}

/**
 * Where everything leaves for a socket; results of streams past graphql-ws, which would write each
 * anew. Both are undefined when the socket takes more at once.
 */
export interface Outlet {
  /** Sends `head`, the result and `}` for each; undefined when the socket takes more at once. */
  send(head: string, batch: readonly WrittenResult[], tenant?: Tenant): Promise<void> | undefined;
  message(text: string, tenant?: Tenant): Promise<void> | undefined;
}

type InitPayload = Record<string, unknown> | undefined;
type PeerContext = Context<InitPayload, Peer>;

/** An operation that has come. */
interface Begun {
  readonly call: Call;
  /** Ends its signal. */
  readonly release: () => void;
  readonly peer: Peer;
  readonly id: string;
}

/** What `run` needs of `onSubscribe`. It travels as the root value. */
interface Running extends Begun {
  readonly prepared: PreparedOperation;
}

/** Several errors that end an operation before its first result. */
class OperationFailure extends Error {
  readonly errors: readonly unknown[];
  constructor(errors: readonly unknown[]) {
    super('The operation failed.');
    this.errors = errors;
  }
}

/**
 * The hooks that lead an operation of a WebSocket through the same pipeline as one over HTTP.
 * @see https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export function createOperations(
  pipeline: Pipeline,
  options: PipelineOptions & { readonly turns: StreamTurns },
): ServerOptions<InitPayload, Peer> {
  const { log, settings } = options;

  function askerOf(context: PeerContext, id: string): Asker {
    return { requestId: requestIdOf(context, id), log };
  }

  /** As over HTTP its turn comes first, so that its key is valid when it is carried out. */
  async function prepare(
    { call, peer, ...running }: Begun,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs> {
    const { messageBytes, isMessageMarked, tenant } = peer;
    call.work = options.admission.enter(messageBytes, tenant);
    if (call.work.turn !== undefined) await call.work.turn;
    const principal = await options.authenticate(call);
    if (isMessageMarked) unmarked(payload.variables as ExactJson);
    const params = paramsOf(payload, String(documentOf(payload, settings.trustedDocuments)));
    const prepared = pipeline.prepare(call, params, principal);
    const { document, node } = prepared.operation;
    const rootValue: Running = { ...running, call, peer, prepared };
    return { schema: options.schema, document, operationName: node.name?.value, rootValue };
  }

  return {
    connectionInitWaitTimeout: settings.websocketInitMs,

    /** False becomes a close with 4403, the same for a wrong key and for none. */
    async onConnect(context) {
      context.extra.context = context;
      try {
        const principal = await options.authenticate(connectionCallOf(context));
        if (principal === null) return false;
        context.extra.principal = principal;
        if (context.extra.becomeKnown(tenantOf(principal))) return true;
        throw new GatewayError('OVERLOADED', 'Too many connections of this workspace are open.');
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'UNAUTHENTICATED') return false;
        throw error;
      }
    },

    async onSubscribe(context, id, payload) {
      if (Object.keys(context.subscriptions).length > settings.websocketOperationsMax) {
        const message = `A connection may run ${settings.websocketOperationsMax} operations at once.`;
        return graphQLErrorsOf(new GatewayError('TOO_MANY_STREAMS', message));
      }
      const running = begin(context, id);
      try {
        return await prepare(running, payload);
      } catch (error) {
        running.call.work?.end();
        running.release();
        return graphQLErrorsOf(error);
      }
    },

    execute: args => run(args, options) as never,
    subscribe: args => run(args, options) as never,

    // What these two return is sent as it is.
    onNext: (...[context, id, , , result]) =>
      presentResult(result as RawResult, askerOf(context, id)) as never,
    onError: (context, id, _payload, errors) =>
      unpacked(errors).map(error => presentError(error, askerOf(context, id))),
  };
}

function requestIdOf({ extra }: PeerContext, id: string): string {
  return `${extra.requestId}/${id.slice(0, 64)}`;
}

function begin(context: PeerContext, id: string): Begun {
  const { extra: peer } = context;
  const controller = new AbortController();
  peer.controllers.add(controller);
  return {
    call: callOf(context, id, controller.signal),
    peer,
    id,
    release() {
      peer.controllers.delete(controller);
      controller.abort();
    },
  };
}

/** The call that stands for a connection itself. */
export function connectionCallOf(context: PeerContext): Call {
  return callOf(context, 'init', new AbortController().signal);
}

function callOf(context: PeerContext, id: string, signal: AbortSignal): Call {
  return {
    requestId: requestIdOf(context, id),
    transport: 'websocket',
    remoteAddress: context.extra.remoteAddress,
    headers: headersOf(context),
    ticket: null,
    lastEventId: null,
    signal,
  };
}

function paramsOf({ operationName, variables }: SubscribePayload, query: string): OperationParams {
  return {
    query,
    ...(operationName != null && { operationName }),
    ...(variables != null && { variables }),
  };
}

type RunOptions = Pick<PipelineOptions, 'log'> & { readonly turns: StreamTurns };

async function run(
  { rootValue }: ExecutionArgs,
  { log, turns }: RunOptions,
): Promise<RawResult | AsyncIterable<RawResult>> {
  const { prepared, call, release, peer, id } = rootValue as Running;
  let result: Result;
  try {
    result = await prepared.run();
  } catch (error) {
    release();
    return failing([error]);
  } finally {
    call.work?.end();
  }
  if (isResultSource(result)) {
    const stream = new ResultStream(result, onEnd, log);
    function onEnd(): void {
      peer.streams.delete(stream);
      release();
    }
    peer.streams.add(stream);
    return sending(stream, id, peer, turns);
  }
  release();
  if (result instanceof WrittenResult) return JSON.parse(result.json) as RawResult;
  // Without data the operation never began: that is an `error` message, not a `next`.
  return result.errors && result.data === undefined ? failing(result.errors) : result;
}

/**
 * What graphql-ws takes for the results of a stream: it is asked once, and sends all of them
 * itself, until there are no more. graphql-ws then says that it is complete, or what it threw.
 */
function sending(
  stream: ResultStream,
  id: string,
  { outlet, tenant }: Peer,
  turns: StreamTurns,
): AsyncIterableIterator<RawResult> {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  const self: AsyncIterableIterator<RawResult> = {
    [Symbol.asyncIterator]: () => self,
    async next() {
      for (;;) {
        await turns.turn();
        const batch = await stream.nextBatch();
        if (stream.isEnded) return { done: true, value: undefined };
        await outlet.send(head, batch, tenant);
      }
    },
    async return() {
      stream.end();
      return { done: true, value: undefined };
    },
  };
  return self;
}

/** graphql-ws sends an `error` message for what its iterator throws, and for nothing else. */
async function* failing(errors: readonly unknown[]): AsyncGenerator<RawResult> {
  throw new OperationFailure(errors);
}

function unpacked(errors: readonly GraphQLError[]): readonly unknown[] {
  const failure = errors[0]?.originalError;
  return failure instanceof OperationFailure ? failure.errors : errors;
}

function graphQLErrorsOf(error: unknown): GraphQLError[] {
  const errors = error instanceof DocumentFaults ? error.errors : [error];
  return errors.map(asGraphQLError);
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}

/** The key is taken from the connection's parameters, bare or after "Bearer", else the upgrade. */
function headersOf({ connectionParams, extra }: PeerContext): HeaderReader {
  const key = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
  if (typeof key !== 'string') return extra.headers;
  const authorization = key.includes(' ') ? key : `Bearer ${key}`;
  return {
    get: name => (name.toLowerCase() === 'authorization' ? authorization : extra.headers.get(name)),
  };
}
