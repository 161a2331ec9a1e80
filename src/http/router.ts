import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import { isForeignPage } from '../security/web-pages.ts';
import { takesHtml } from './accept.ts';
import { answer, answerError } from './answer.ts';
import { createGraphiQL } from './graphiql.ts';
import type { ServerSettings } from './settings.ts';

/** What answers for `/graphql`. */
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

/** Answers for some of the paths: a door, the console, the metrics. */
export interface PathHandler {
  /** What its requests are counted under. */
  readonly name: string;
  /** Pages and files for everybody, which cost nothing that is counted: any site may link there. */
  readonly isPublic?: boolean;
  /** Called with the path alone, without its query. The first that says yes gets the request. */
  matches(path: string): boolean;
  /** What it throws or rejects with is masked and logged. */
  handle(req: IncomingMessage, res: ServerResponse): void | Promise<void>;
}

export interface RouterOptions {
  readonly graphql: GraphqlServer;
  /** Asked in order, after `/graphql` and `/health`. */
  readonly handlers: readonly PathHandler[];
  /** Why the process can't serve right now; empty when it can. Its sentences are public. */
  readonly notReady: () => Promise<readonly string[]>;
  readonly settings: ServerSettings;
}

export interface Router {
  /** The name of what answers at a path: one of few. */
  routeOf(path: string): string;
  handle(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  /** From now on `/health/ready` says no, so that a balancer sends nobody here. */
  leave(): void;
}

const READ = new Set(['GET', 'HEAD']);

export function createRouter({ graphql, handlers, notReady, settings }: RouterOptions): Router {
  const graphiql = settings.graphiql ? createGraphiQL() : undefined;
  let isLeaving = false;

  return {
    routeOf(path) {
      if (path === '/graphql') return 'graphql';
      if (path.startsWith('/health/')) return 'health';
      if (graphiql?.matches(path)) return 'graphiql';
      return handlers.find(each => each.matches(path))?.name ?? 'none';
    },
    leave() {
      isLeaving = true;
    },
    async handle(req, res, requestId) {
      const path = pathOf(req);
      if (path === '/graphql') {
        if (graphiql && req.method === 'GET' && wantsPage(req)) return graphiql.sendPage(res);
        const fault = faultOfOrigin(req, settings);
        if (fault !== undefined) return answerError(res, fault);
        return graphql.handle(req, res, requestId);
      }
      if (path.startsWith('/health/')) {
        const reasons = path === '/health/ready' ? await reasonsOf(isLeaving, notReady) : [];
        if (path === '/health/live' || path === '/health/ready') return health(req, res, reasons);
      }
      if (graphiql?.matches(path)) {
        if (!READ.has(req.method ?? '')) return refuseMethod(res);
        return graphiql.sendAsset(path, req, res);
      }
      const handler = handlers.find(each => each.matches(path));
      if (handler) {
        const fault = handler.isPublic ? undefined : faultOfOrigin(req, settings);
        return fault === undefined ? handler.handle(req, res) : answerError(res, fault);
      }
      answerError(res, new GatewayError('NOT_FOUND', 'Nothing is served at this path.'));
    },
  };
}

/** The path of a request without its query, as it was sent. */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
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

async function reasonsOf(
  isLeaving: boolean,
  notReady: RouterOptions['notReady'],
): Promise<readonly string[]> {
  return isLeaving ? ['The gateway is stopping.'] : notReady();
}

function health(req: IncomingMessage, res: ServerResponse, reasons: readonly string[]): void {
  if (!READ.has(req.method ?? '')) return refuseMethod(res);
  if (reasons.length === 0) return answer(res, { status: 200, body: '{"status":"ok"}' });
  answer(res, {
    status: 503,
    body: JSON.stringify({ status: 'unavailable', reasons }),
    headers: { 'retry-after': '1' },
  });
}

function refuseMethod(res: ServerResponse): void {
  const error = new GatewayError('METHOD_NOT_ALLOWED', 'This path supports GET.');
  answerError(res, error, { allow: 'GET, HEAD' });
}
