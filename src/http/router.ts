import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, MethodNotAllowed } from '../core/errors.ts';
import { isForeignPage } from '../security/web-pages.ts';
import { takesHtml } from './accept.ts';
import { answer } from './answer.ts';
import { HttpCall } from './call.ts';
import { createGraphiQL } from './graphiql.ts';
import { pathOf, type GraphqlServer, type HttpHandler } from './handler.ts';
import type { ServerSettings } from './settings.ts';

export interface RouterOptions {
  readonly graphql: GraphqlServer;
  /** Asked in order, after `/graphql` and `/health`. */
  readonly handlers: readonly HttpHandler[];
  /** Why the process can't serve right now; empty when it can. Its sentences are public. */
  readonly notReady: () => Promise<readonly string[]>;
  readonly settings: ServerSettings;
}

export interface Router {
  /** The name of what answers a request: one of few. */
  routeOf(req: IncomingMessage): string;
  /** @throws GatewayError NOT_FOUND, METHOD_NOT_ALLOWED, ORIGIN_NOT_ALLOWED, and what handlers throw */
  handle(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  /** From now on `/health/ready` says no, so that a balancer sends nobody here. */
  leave(): void;
}

export function createRouter({ graphql, handlers, notReady, settings }: RouterOptions): Router {
  const graphiql = settings.graphiql ? createGraphiQL() : undefined;
  let isLeaving = false;
  const health = createHealth(async () => {
    return isLeaving ? ['The gateway is stopping.'] : await notReady();
  });
  const all = [graphql, health, ...(graphiql ? [graphiql] : []), ...handlers];

  function find(req: IncomingMessage): HttpHandler | undefined {
    const path = pathOf(req);
    return all.find(each => each.matches(path, req.headers));
  }

  return {
    routeOf: req => find(req)?.name ?? 'none',
    leave() {
      isLeaving = true;
    },
    async handle(req, res, requestId) {
      const handler = find(req);
      if (handler === undefined) {
        throw new GatewayError('NOT_FOUND', 'Nothing is served at this path.');
      }
      if (handler === graphql && graphiql && req.method === 'GET' && wantsPage(req)) {
        return graphiql.sendPage(res);
      }
      const fault = handler.isPublic ? undefined : faultOfOrigin(req, settings);
      if (fault !== undefined) throw fault;
      if (handler.readOnly !== undefined && req.method !== 'GET' && req.method !== 'HEAD') {
        throw new MethodNotAllowed(handler.readOnly, 'GET, HEAD');
      }
      await handler.handle(new HttpCall(req, res, requestId));
    },
  };
}

/** What keeps the page of a foreign origin from being answered. */
export function faultOfOrigin(
  req: IncomingMessage,
  { corsOrigins }: Pick<ServerSettings, 'corsOrigins'>,
): GatewayError | undefined {
  return isForeignPage(req, corsOrigins) ? originNotAllowed() : undefined;
}

export function originNotAllowed(): GatewayError {
  const message =
    'This request comes from a web page of an origin that is not in SLUICE_CORS_ORIGINS.';
  return new GatewayError('ORIGIN_NOT_ALLOWED', message);
}

/** A browser that asks for a page, not a query that was typed into its address line. */
function wantsPage(req: IncomingMessage): boolean {
  return takesHtml(req.headers.accept) && !/[?&]query=/.test(req.url ?? '');
}

/** `/health/live` says that the process runs, `/health/ready` that it can serve. */
function createHealth(notReady: RouterOptions['notReady']): HttpHandler {
  return {
    name: 'health',
    isPublic: true,
    readOnly: 'This path supports GET.',
    matches: path => path === '/health/live' || path === '/health/ready',
    async handle({ req, res }) {
      const reasons = pathOf(req) === '/health/ready' ? await notReady() : [];
      if (reasons.length === 0) return answer(res, { status: 200, body: '{"status":"ok"}' });
      answer(res, {
        status: 503,
        body: JSON.stringify({ status: 'unavailable', reasons }),
        headers: { 'retry-after': '1' },
      });
    },
  };
}
