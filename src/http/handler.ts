/** What serves a path: the one shape for all that is served over HTTP. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpCall } from './call.ts';

/** Answers for some of the paths: GraphQL, a door, the console, the metrics. */
export interface HttpHandler {
  /** What its requests are counted under. */
  readonly name: string;
  /** Pages and files for everybody, which cost nothing that is counted: any site may link there. */
  readonly isPublic?: boolean;
  /** Set where only GET and HEAD are served: the message for other methods. */
  readonly readOnly?: string;
  /**
   * Called with the path alone, without its query. The first that says yes gets the request. Two may
   * share a path where headers tell them apart.
   */
  matches(path: string, headers: IncomingHttpHeaders): boolean;
  /** What it throws is answered as an error; if it is not a GatewayError, it is masked and logged. */
  handle(call: HttpCall): void | Promise<void>;
}

/** What answers for `/graphql`. */
export interface GraphqlServer extends HttpHandler {
  /** Takes over a connection that asks to become a WebSocket. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Gives streams a time to end by themselves, ends the others with GOING_AWAY and closes every
   * WebSocket. Idempotent.
   */
  stop(patienceMs: number): Promise<void>;
}

/** The path of a request without its query, as it was sent. */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
