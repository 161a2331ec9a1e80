import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { MethodNotAllowed, type GatewayError } from '../core/errors.ts';
import { drained, hasBody } from './body.ts';
import { requestIdOf } from './call.ts';

/**
 * Headers of every answer, set before anything is known about it. A handler that serves pages
 * replaces the policy and the caching by its own.
 */
const EVERY_ANSWER = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

export function setCommonHeaders(res: ServerResponse, requestId: string): void {
  for (const [name, value] of Object.entries(EVERY_ANSWER)) res.setHeader(name, value);
  res.setHeader('x-request-id', requestId);
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** `application/json` where none is given. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a whole answer at once. A reader that is gone, or was answered already, is not an error. */
export function answer(res: ServerResponse, { status, body, type, headers }: Answer): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, {
    ...headers,
    'content-type': `${type ?? 'application/json'}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
  });
  if (res.req.complete || !hasBody(res.req)) return void res.end(body);
  // Refused before its body was read: the answer is on its way, its end waits for the sender.
  res.write(body);
  void drained(res.req).then(() => res.end());
}

/** An error outside of GraphQL, in the shape that GraphQL's errors have. */
export function answerError(res: ServerResponse, error: GatewayError): void {
  answer(res, { status: error.status, body: errorBody(error), headers: errorHeaders(error) });
}

/** The same on a bare socket, whose request never came to a handler. It is closed afterwards. */
export function refuseOn(
  socket: Duplex,
  error: GatewayError,
  { status = error.status, headers = {} }: Partial<Pick<Answer, 'status' | 'headers'>> = {},
): void {
  if (!socket.writable) return void socket.destroy();
  const body = errorBody(error);
  const lines = Object.entries({
    ...EVERY_ANSWER,
    'x-request-id': requestIdOf(undefined),
    ...errorHeaders(error),
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

export function errorHeaders(error: GatewayError): Record<string, string> {
  return {
    ...(error.retryAfterS !== undefined && { 'retry-after': `${error.retryAfterS}` }),
    ...(error instanceof MethodNotAllowed && { allow: error.allow }),
  };
}

export function errorBody({ message, extensions, code }: GatewayError): string {
  return JSON.stringify({ errors: [{ message, extensions: { ...extensions, code } }] });
}
