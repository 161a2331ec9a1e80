import type { AnswerType } from '../http/accept.ts';
import { statusOf, type PresentedError, type PresentedResult } from '../http/errors.ts';

/**
 * Which HTTP answer a GraphQL result becomes.
 *
 * - Data, also partial: 200.
 * - No data: the status of the worst error. Over `application/json` a fault in the document or its
 *   variables is 200 all the same, as GraphQL over HTTP asks for clients that read no other body.
 * - An event stream tells of the document's and the data's faults in the stream, as GraphQL over
 *   SSE asks; for what ends the whole request (401, 413, 429, 5xx and the like) it never begins.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes
 */

const DOCUMENT_FAULTS: ReadonlySet<string> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
]);

/** Faults of the HTTP request itself: there is no document yet to speak of. */
const REQUEST_FAULTS: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'METHOD_NOT_ALLOWED',
]);

/** Statuses that stand for the request as a whole, wherever in it the error arose. */
const WHOLE_REQUEST: ReadonlySet<number> = new Set([401, 429, 503]);

export function httpStatus(result: PresentedResult, type: AnswerType): number {
  const errors = result.errors ?? [];
  if (errors.length === 0 || result.data != null) return 200;
  const isDocumentFault = errors.every(error => DOCUMENT_FAULTS.has(error.extensions.code));
  if (type === 'application/json' && isDocumentFault && result.data === undefined) return 200;
  return Math.max(...errors.map(statusOf));
}

export function beginsStream(result: PresentedResult): boolean {
  const errors = result.errors ?? [];
  if (result.data != null || errors.length === 0) return true;
  return !errors.some(
    error =>
      REQUEST_FAULTS.has(error.extensions.code) ||
      statusOf(error) >= 429 ||
      statusOf(error) === 401,
  );
}

/**
 * A result of nothing but nulls, each for want of a key, rate or database, fails as a whole: it
 * loses its data, so that proxies and retrying clients see the status.
 */
export function collapsed(result: PresentedResult): PresentedResult {
  const { data, errors } = result;
  if (!data || !errors?.length || !errors.every(error => WHOLE_REQUEST.has(statusOf(error)))) {
    return result;
  }
  return Object.values(data).every(value => value === null) ? { errors } : result;
}

/** Seconds for Retry-After: the longest that an error asks for. */
export function retryAfterS(errors: readonly PresentedError[] = []): number | undefined {
  const waits = errors.map(error => error.extensions['retryAfterS']).filter(isNumber);
  return waits.length === 0 ? undefined : Math.ceil(Math.max(...waits));
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
