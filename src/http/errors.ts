import { GraphQLError, type FormattedExecutionResult, type GraphQLFormattedError } from 'graphql';
import { ERRORS, GatewayError, isUnavailable, type ErrorCode } from '../core/errors.ts';
import { withoutMarks } from '../core/exact-number.ts';
import type { Log } from '../observability/log.ts';

/**
 * The one place that decides what a caller reads of an error, for HTTP, event streams and
 * WebSockets alike. Every error leaves with a code of `ERRORS` and at most 500 characters. What was
 * not written for callers is logged with its cause and leaves as INTERNAL_SERVER_ERROR.
 */

const MESSAGE_CHARS_MAX = 500;
const VALUE_CHARS_MAX = 60;

/** Where an error keeps its HTTP status, and marks that it was presented; JSON leaves it out. */
const STATUS = Symbol('status');

export interface PresentedError extends GraphQLFormattedError {
  readonly extensions: { readonly code: ErrorCode; readonly [name: string]: unknown };
  readonly [STATUS]: number;
}

export interface PresentedResult extends FormattedExecutionResult {
  errors?: readonly PresentedError[];
}

/** A result as the executor leaves it; `errors` may hold anything that was thrown. */
export interface RawResult {
  readonly data?: FormattedExecutionResult['data'];
  readonly errors?: readonly unknown[] | undefined;
  readonly extensions?: FormattedExecutionResult['extensions'];
}

/** Who asked, for the log and for the sentence that a masked error leaves with. */
export interface Asker {
  readonly requestId: string;
  readonly log: Log;
}

export function presentResult(result: RawResult, asker: Asker): PresentedResult {
  const { data, errors, extensions } = result;
  const presented: PresentedResult = {};
  if (errors !== undefined) {
    presented.errors = errors.map(error => presentError(error, asker));
    if (errors.length === 0 && data == null) presented.errors = [masked(undefined, asker)];
  }
  if (data !== undefined) presented.data = data;
  if (extensions !== undefined) presented.extensions = extensions;
  return presented;
}

export function presentError(error: unknown, asker: Asker): PresentedError {
  if (isPresented(error)) return error;
  const place = error instanceof GraphQLError ? placeOf(error) : {};
  const root = rootOf(error);
  if (root instanceof GatewayError) {
    logCause(root, asker);
    // The outer sentence of an input fault says which variable or argument it is about.
    const outer = error instanceof GraphQLError && isInputFault(error) ? error : root;
    const message = shorten(outer.message);
    return { message, ...place, extensions: extensionsOf(root), [STATUS]: root.status };
  }
  const code = error instanceof GraphQLError ? codeOf(error) : undefined;
  if (!(error instanceof GraphQLError) || code === undefined) {
    return { ...place, ...masked(error, asker) };
  }
  const message = shorten(error.message);
  return { message, ...place, extensions: { code }, [STATUS]: ERRORS[code].status };
}

/** Whether some of it is missing because the database is away or busy: it may be had later. */
export function hasOutage({ errors }: RawResult): boolean {
  return (errors ?? []).some(error => isUnavailable(rootOf(error)));
}

export function statusOf(error: PresentedError): number {
  return error[STATUS];
}

function isPresented(error: unknown): error is PresentedError {
  return typeof error === 'object' && error !== null && STATUS in error;
}

function extensionsOf({
  extensions,
  code,
  retryAfterS,
}: GatewayError): PresentedError['extensions'] {
  // Yoga notes its own thoughts on the status there.
  const { http: _http, ...own } = extensions;
  return retryAfterS === undefined ? { ...own, code } : { ...own, retryAfterS, code };
}

/** What was thrown in the first place: the executor wraps it to say where. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError) root = root.originalError;
  return root;
}

/** The code of an error that graphql-js or a schema library wrote for callers. */
function codeOf(error: GraphQLError): ErrorCode | undefined {
  const { code } = error.extensions;
  if (typeof code === 'string' && code in ERRORS) return code as ErrorCode;
  if (isInputFault(error) || rootNameOf(error) === 'PothosValidationError') return 'BAD_USER_INPUT';
  return undefined;
}

function rootNameOf(error: GraphQLError): string {
  const root = rootOf(error);
  return root instanceof Error ? root.name : '';
}

/**
 * Whether a variable or an argument was at fault: graphql-js then points at it in the document, and
 * for all that goes wrong later at the field.
 */
function isInputFault(error: GraphQLError): boolean {
  const kind = error.nodes?.[0]?.kind;
  if (kind === undefined) return error.message.startsWith('Too many errors processing variables');
  return (
    kind === 'VariableDefinition' ||
    kind === 'Argument' ||
    kind.endsWith('Value') ||
    kind === 'Variable'
  );
}

function masked(error: unknown, asker: Asker): PresentedError {
  const internal = publicError(rootOf(error), asker);
  const { message, status } = internal;
  return { message, extensions: extensionsOf(internal), [STATUS]: status };
}

/** What a caller may read of anything that was thrown. The log gets what the caller does not. */
export function publicError(error: unknown, asker: Asker): GatewayError {
  if (error instanceof GatewayError) {
    logCause(error, asker);
    return error;
  }
  const { requestId, log } = asker;
  log.error({ requestId, err: error }, 'unexpected error');
  const message = `Internal error. The log has it under the request id ${requestId}.`;
  return new GatewayError('INTERNAL_SERVER_ERROR', message, { extensions: { requestId } });
}

function logCause(error: GatewayError, { requestId, log }: Asker): void {
  if (error.status < 500 || error.cause === undefined) return;
  log.warn({ requestId, code: error.code, err: error.cause }, 'answered with an error');
}

function placeOf({
  locations,
  path,
}: GraphQLError): Pick<GraphQLFormattedError, 'locations' | 'path'> {
  return { ...(locations && { locations }), ...(path && { path }) };
}

/**
 * Cuts echoed values out, and suggestions, which repeat the schema: but for the field of an input
 * that somebody mistyped. And the whole to its bound.
 */
function shorten(message: string): string {
  if (message.length > MESSAGE_CHARS_MAX * 8) {
    message = `${message.slice(0, MESSAGE_CHARS_MAX * 4)}…${message.slice(-MESSAGE_CHARS_MAX * 4)}`;
  }
  const text = withoutMarks(message)
    .replace(/(?<! is not defined by type "\w{1,100}"\.) Did you mean [\s\S]*$/, '')
    .replace(/(got invalid value |, found )([\s\S]+?)( at "|; |$)/, (_, before, value, after) => {
      return `${before}${cut(value, VALUE_CHARS_MAX)}${after}`;
    })
    .replace(/"([^"]*)"/g, (_, value) => `"${cut(value, VALUE_CHARS_MAX)}"`);
  return cut(text, MESSAGE_CHARS_MAX).toWellFormed();
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
}
