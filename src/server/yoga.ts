import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { admit } from './admit.ts';
import { answerError } from './answer.ts';
import { HttpCall } from './call.ts';
import { createCors } from './cors.ts';
import { createDirect } from './direct/direct.ts';
import { createPace } from './pace.ts';
import type { CallContext, OperationContext, PipelineOptions } from './pipeline.ts';
import { createWriteAnswer, useAnswers } from './plugins/use-answers.ts';
import { useBoundedParser } from './plugins/use-bounded-parser.ts';
import { useCaller } from './plugins/use-caller.ts';
import { useCostLimit } from './plugins/use-cost-limit.ts';
import { useDirect } from './plugins/use-direct.ts';
import { useDocumentCache } from './plugins/use-document-cache.ts';
import { useJsonRequests } from './plugins/use-json-requests.ts';
import { useKeyRequirement } from './plugins/use-key-requirement.ts';
import { useOperation } from './plugins/use-operation.ts';
import { useReferenceExecution } from './plugins/use-reference-execution.ts';
import { useValidation } from './plugins/use-validation.ts';
import { createSharedResults } from './shared-results.ts';
import { createEventStreams } from './sse.ts';
import { createSubscribe } from './subscribe.ts';
import { Unsent } from './unsent.ts';
import { createWebSockets } from './websocket.ts';

/** A quarter of a thousand documents, as many as a handful of applications has. */
const DOCUMENT_CACHE = { documentsMax: 256, charsMax: 2_000_000 } as const;

export type Yoga = YogaServerInstance<CallContext, OperationContext>;

/** GraphQL over HTTP, event streams and WebSockets, on one path. */
export interface GraphqlServer {
  /** Answers a request for `/graphql`; every fault becomes an answer. */
  handle(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  /** Takes over a connection that asks to become a WebSocket. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Gives streams a time to end by themselves, ends the others with GOING_AWAY and closes every
   * WebSocket. Idempotent.
   */
  stop(patienceMs: number): Promise<void>;
}

/** Builds the server and starts nothing. */
export function createYogaServer(options: PipelineOptions): GraphqlServer {
  const { schema, settings, log, sharedResults = createSharedResults() } = options;
  const pace = createPace();
  const unsent = new Unsent(LIMITS.unsentBytesMax);
  const streams = createEventStreams({ ...options, pace, unsent });
  const write = createWriteAnswer(streams, log);
  const direct = createDirect({ ...options, write });
  const yoga: Yoga = createYoga<CallContext, OperationContext>({
    schema,
    plugins: [
      // The caller is found out,
      useCaller(options),
      // the request becomes parameters,
      useJsonRequests(settings),
      // the parameters a document that is bounded,
      useBoundedParser(settings),
      useDocumentCache(DOCUMENT_CACHE),
      useOperation(),
      // and valid;
      useValidation(settings),
      useDirect(direct),
      // then who has no key may be refused;
      useKeyRequirement(settings.introspection),
      // as may an answer that would be too large;
      useCostLimit(settings),
      useReferenceExecution(createSubscribe(options, sharedResults), settings),
      // what it resolves to is written.
      useAnswers(write),
    ],
    // Each of these is done by a plugin above, by `http.ts` or by `errors.ts`.
    maxRequestBodySize: false,
    multipart: false,
    parserAndValidationCache: false,
    maskedErrors: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  });
  const allowOrigin = createCors(settings.corsOrigins);
  const sockets = createWebSockets(yoga, { ...options, pace, unsent });

  return {
    async handle(req, res, requestId) {
      if (allowOrigin(req, res) === 'preflight') return;
      const refused = refusal(req);
      if (refused) return answerError(res, refused, { allow: 'GET, POST' });
      const call = new HttpCall(req, res, requestId);
      try {
        await admit(call, options.admission, options.tenantOf?.(call));
      } catch (error) {
        return write({ errors: [error] }, call);
      }
      if (await direct.answer(call)) return;
      await yoga.handleNodeRequestAndResponse(req, res, { call });
    },
    upgrade: sockets.upgrade,
    async stop(patienceMs) {
      await Promise.all([streams.stop(patienceMs), sockets.stop(patienceMs)]);
    },
  };
}

/**
 * What another site's page may send without asking first is a GET, and that carries no key: there
 * are no cookies. Images, frames and scripts of other sites are turned away all the same.
 */
function refusal({ method, headers }: IncomingMessage): GatewayError | undefined {
  if (method !== 'GET' && method !== 'POST') {
    return new GatewayError('METHOD_NOT_ALLOWED', 'GraphQL is served to GET and POST.');
  }
  // Yoga makes a URL of it.
  if (!URL.canParse(`http://${headers.host ?? 'localhost'}/`)) {
    return new GatewayError('BAD_REQUEST', 'The Host header is not a host.');
  }
  if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] === 'no-cors') {
    return new GatewayError('BAD_REQUEST', 'A page of another site may not embed this.');
  }
  return undefined;
}
