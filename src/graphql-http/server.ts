/** GraphQL over HTTP, event streams and WebSockets, on one path. */
import { GatewayError, MethodNotAllowed } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { preferredType, takesEventStream } from '../http/accept.ts';
import { admit } from '../http/admit.ts';
import type { HttpCall, OperationParams } from '../http/call.ts';
import { createCors } from '../http/cors.ts';
import type { GraphqlServer } from '../http/handler.ts';
import { readGetParams, readPostParams } from './params.ts';
import { createPipeline, DocumentFaults, type PipelineOptions, type Result } from './pipeline.ts';
import { createEventStreams } from './sse.ts';
import { createStreamTurns, Unsent } from './stream-fairness.ts';
import { createWebSockets } from './websocket.ts';
import { createWriteAnswer } from './write-answer.ts';

/** Builds the server and starts nothing. */
export function createGraphqlServer(options: PipelineOptions): GraphqlServer {
  const { settings, log, authenticate, confirm } = options;
  const pipeline = createPipeline(options);
  const turns = createStreamTurns();
  const unsent = new Unsent(LIMITS.unsentBytesMax);
  const streams = createEventStreams({ ...options, turns, unsent });
  const write = createWriteAnswer(streams, log);
  const allowOrigin = createCors(settings.corsOrigins);
  const sockets = createWebSockets(pipeline, { ...options, turns, unsent });

  function readParams(call: HttpCall): OperationParams | Promise<OperationParams> {
    const { method, url = '' } = call.req;
    return method === 'GET' ? readGetParams(url, settings) : readPostParams(call, settings);
  }

  async function resultOf(call: HttpCall): Promise<Result> {
    try {
      await admit(call, options.admission, options.tenantOf?.(call));
      // Before the body: without a key only a small one is read.
      call.principal = await authenticate(call);
      const params = call.params ?? (await readParams(call));
      const principal = await confirm(call, call.principal);
      const { operation, run } = pipeline.prepare(call, params, principal);
      requireFitting(operation.type, call);
      const isStream = preferredType(call.req.headers.accept) === 'text/event-stream';
      return await run(isStream ? 'RESULT' : 'TEXT');
    } catch (error) {
      return { errors: error instanceof DocumentFaults ? error.errors : [error] };
    }
  }

  return {
    name: 'graphql',
    matches: path => path === '/graphql',
    async handle(call) {
      const { req, res } = call;
      if (allowOrigin(req, res) === 'preflight') return;
      if (req.method !== 'GET' && req.method !== 'POST') {
        throw new MethodNotAllowed('GraphQL supports GET and POST.', 'GET, POST');
      }
      await write(await resultOf(call), call);
    },
    upgrade: sockets.upgrade,
    async stop(patienceMs) {
      await Promise.all([streams.stop(patienceMs), sockets.stop(patienceMs)]);
    },
  };
}

/** @see https://graphql.github.io/graphql-over-http/draft/#sec-GET */
class MutationByGet extends GatewayError {
  constructor() {
    super('BAD_REQUEST', 'A mutation is expected to be sent by POST.');
  }

  override get status(): number {
    return 405;
  }
}

/** Links and images send GET, so it carries no mutation; a stream goes to a caller that reads one. */
function requireFitting(type: string, { req: { method, headers }, ticket }: HttpCall): void {
  if (type !== 'subscription' && ticket !== null) {
    throw new GatewayError('BAD_REQUEST', 'A ticket can only open a subscription.');
  }
  if (type === 'mutation' && method === 'GET') throw new MutationByGet();
  if (type === 'subscription' && !takesEventStream(headers.accept)) {
    throw new GatewayError(
      'BAD_REQUEST',
      'A subscription needs a stream: send "Accept: text/event-stream", or use the WebSocket.',
    );
  }
}
