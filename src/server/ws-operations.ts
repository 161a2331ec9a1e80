import { GraphQLError, type ExecutionArgs } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { GatewayError } from '../core/errors.ts';
import type { Tenant } from '../core/fairness.ts';
import { tenantOf } from '../core/principal.ts';
import type { Call, HeaderReader } from './call.ts';
import { presentError, presentResult, type Asker, type RawResult } from './errors.ts';
import type { Pace } from './pace.ts';
import type { OperationContext, PipelineOptions } from './pipeline.ts';
import { isReadySource, type Ready, type ReadySource } from './ready.ts';
import { ResultStream } from './result-stream.ts';
import { documentOf } from './trusted-documents.ts';
import type { Yoga } from './yoga.ts';

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
  readonly streams: Set<ResultStream>;
  /** Aborts every operation that runs, streams and others. */
  readonly controllers: Set<AbortController>;
  /** Set once the connection is initialised. */
  context?: PeerContext | undefined;
}

/** Where results of streams leave for a socket, past graphql-ws, which would write each anew. */
export interface Outlet {
  /** Sends `head`, the result and `}` for each; undefined when the socket takes more at once. */
  send(head: string, batch: readonly Ready[], tenant?: Tenant): Promise<void> | undefined;
}

type InitPayload = Record<string, unknown> | undefined;
type PeerContext = Context<InitPayload, Peer>;
type Result = RawResult | ReadySource | AsyncIterable<RawResult>;
type Executor = (args: ExecutionArgs) => Result | Promise<Result>;

/** What `subscribe` needs of `onSubscribe`; travels as the root value, which our schema ignores. */
interface Running {
  readonly execute: Executor;
  readonly subscribe: Executor;
  readonly controller: AbortController;
  readonly peer: Peer;
  readonly id: string;
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
  yoga: Yoga,
  options: PipelineOptions & { readonly pace: Pace },
): ServerOptions<InitPayload, Peer> {
  const { log, settings } = options;

  function askerOf(context: PeerContext, id: string): Asker {
    return { requestId: requestIdOf(context, id), log };
  }

  return {
    connectionInitWaitTimeout: settings.websocketInitMs,

    /** False becomes a close with 4403, the same for a wrong key and for none. */
    async onConnect(context) {
      context.extra.context = context;
      try {
        const { signal } = new AbortController();
        const principal = await options.authenticate(callOf(context, 'init', signal));
        if (principal === null) return false;
        if (context.extra.becomeKnown(tenantOf(principal))) return true;
        const message = 'Too many connections of this workspace are open.';
        throw new GatewayError('OVERLOADED', message);
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'UNAUTHENTICATED') return false;
        throw error;
      }
    },

    async onSubscribe(context, id, payload) {
      if (Object.keys(context.subscriptions).length > settings.websocketOperationsMax) {
        const message = `A connection may run ${settings.websocketOperationsMax} operations at once.`;
        return [asGraphQLError(new GatewayError('TOO_MANY_STREAMS', message))];
      }
      const { messageBytes: bytes, tenant } = context.extra;
      const controller = new AbortController();
      const call = callOf(context, id, controller.signal);
      try {
        call.work = options.admission.enter(bytes, tenant);
        await call.work.turn;
        const query = String(documentOf(payload, settings.trustedDocuments));
        const running = { controller, peer: context.extra, id };
        const prepared = await prepare(yoga, { ...payload, query }, call, running);
        if (Array.isArray(prepared)) call.work.end();
        return prepared;
      } catch (error) {
        call.work?.end();
        return [asGraphQLError(error)];
      }
    },

    execute: args => run('execute', args, options) as never,
    subscribe: args => run('subscribe', args, options) as never,

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

async function prepare(
  yoga: Yoga,
  payload: SubscribePayload,
  call: Call,
  running: Omit<Running, 'execute' | 'subscribe'>,
): Promise<ExecutionArgs | GraphQLError[]> {
  const { schema, parse, validate, contextFactory, execute, subscribe } = yoga.getEnveloped({
    call,
    params: payload,
  });
  const document = parse(payload.query);
  const errors = validate(schema, document);
  if (errors.length > 0) return [...errors];
  const contextValue = await contextFactory();
  return {
    schema,
    document,
    operationName: payload.operationName,
    variableValues: payload.variables,
    contextValue,
    rootValue: { ...running, execute, subscribe },
  };
}

type RunOptions = Pick<PipelineOptions, 'log'> & { readonly pace: Pace };

async function run(
  kind: 'execute' | 'subscribe',
  args: ExecutionArgs,
  { log, pace }: RunOptions,
): Promise<Result> {
  const { controller, peer, id, ...executors } = args.rootValue as Running;
  const { call } = args.contextValue as OperationContext;
  peer.controllers.add(controller);
  function release(): void {
    peer.controllers.delete(controller);
    controller.abort();
  }
  let result: Result;
  try {
    result = await executors[kind]({ ...args, rootValue: undefined });
  } catch (error) {
    release();
    return failing([error]);
  } finally {
    call.work?.end();
  }
  if (isReadySource(result)) {
    const stream = new ResultStream(result, onEnd, log);
    function onEnd(): void {
      peer.streams.delete(stream);
      release();
    }
    peer.streams.add(stream);
    return sending(stream, id, peer, pace);
  }
  release();
  if (Symbol.asyncIterator in result) return result;
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
  pace: Pace,
): AsyncIterableIterator<RawResult> {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  const self: AsyncIterableIterator<RawResult> = {
    [Symbol.asyncIterator]: () => self,
    async next() {
      for (;;) {
        await pace.turn();
        const batch = await stream.take();
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
