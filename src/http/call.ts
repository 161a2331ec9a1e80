import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { NO_TENANT, type Tenant } from '../core/fairness.ts';
import { bearerToken, type Principal } from '../core/principal.ts';
import type { LimitStanding } from '../core/quota.ts';
import type { Caller, KnownBy } from '../security/rate-limits.ts';
import type { Work } from './admission.ts';
import { ticketOf } from './query-string.ts';
import { becomesKnown } from './unauthenticated-connections.ts';

/** Case-insensitive; null where the header is absent. Fetch's Headers fit. */
export interface HeaderReader {
  get(name: string): string | null;
}

/** What a caller asks to be executed. */
export interface OperationParams {
  query: string;
  operationName?: string;
  variables?: Record<string, unknown>;
  extensions?: Record<string, unknown>;
}

/** One operation of a caller, on its way to a principal and a context. */
export interface Call extends Caller {
  /** In the answer's `x-request-id`, in the log, and in the sentence of a masked error. */
  readonly requestId: string;
  readonly transport: 'http' | 'websocket';
  /** Over a WebSocket `authorization` comes from the connection's parameters. */
  readonly headers: HeaderReader;
  /** `?ticket=` of an EventSource, which can send no header. */
  readonly ticket: string | null;
  /** Where an EventSource that reconnects left off. */
  readonly lastEventId: string | null;
  /** Its place among what is done at once; undefined before it has one. */
  work?: Work | undefined;
  /**
   * Aborts once nobody waits for the answer: the reader is gone, has ended its subscription, or the
   * server is stopping. A generator that waits for news must wake on it and return: its `return()`
   * is not heard before.
   */
  readonly signal: AbortSignal;
}

/** Letters, digits and the punctuation of common id schemes: nothing that could forge a log line. */
const REQUEST_ID = /^[\w.:@/+=-]{1,128}$/;

/** The caller's own request id where it is well-formed, else a new one. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** The key of `Authorization: Bearer <key>`, also where it stands bare; null where none was sent. */
export function keyOf(headers: HeaderReader): string | null {
  const authorization = headers.get('authorization');
  return bearerToken(authorization) ?? authorization;
}

export function readerOf(headers: IncomingHttpHeaders): HeaderReader {
  return {
    get(name) {
      const value = headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
  };
}

/** One HTTP request and its answer. */
export class HttpCall implements Call {
  readonly transport = 'http';
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  readonly headers: HeaderReader;
  /** Undefined until the caller is known. */
  principal: Principal | null | undefined;
  /** Undefined until they are read. */
  params: OperationParams | undefined;
  /** Of a ticket: to be awaited before the first cursor of its stream is sent. */
  onStreamOpened: ((cursor: string) => Promise<void>) | undefined;
  work: Work | undefined;
  /** Whom it acts for, once that is known. */
  tenant: Tenant = NO_TENANT;
  knownBy: KnownBy | undefined;
  standings: Map<string, LimitStanding> | undefined;
  #controller: AbortController | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, requestId: string) {
    this.req = req;
    this.res = res;
    this.requestId = requestId;
    this.headers = readerOf(req.headers);
  }

  get remoteAddress(): string | undefined {
    return this.req.socket.remoteAddress;
  }

  setHeader(name: string, value: string): void {
    if (!this.res.headersSent) this.res.setHeader(name, value);
  }

  becomeKnown(tenant: Tenant): void {
    this.tenant = tenant;
    if (!becomesKnown(this.req.socket, tenant)) this.setHeader('connection', 'close');
  }

  get ticket(): string | null {
    return ticketOf(this.req.url ?? '');
  }

  get lastEventId(): string | null {
    return this.headers.get('last-event-id');
  }

  /** Made on first use: most operations need none. */
  get signal(): AbortSignal {
    return this.#control().signal;
  }

  abort(): void {
    this.#control().abort();
  }

  #control(): AbortController {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.res.closed || this.res.destroyed) controller.abort();
      else this.res.once('close', () => controller.abort());
    }
    return this.#controller;
  }
}
