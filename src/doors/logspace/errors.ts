/**
 * Errors in the format of HQ: `{type, message, parameters}`. HQ has no errors for overload or outage.
 * They become its 500, with the type of the call's family, and agents retry after a minute.
 */
import { GatewayError, type ErrorCode } from '../../core/errors.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorRequest } from '../door.ts';

type Parameters = Readonly<Record<string, unknown>>;

export const TOKEN_HEADER = 'logspace.space-token';
/** Characters of a refused token that the error repeats. */
const TOKEN_CHARS_MAX = 64;
/** Characters of a refused value that the error repeats. */
const SHOWN_CHARS_MAX = 100;

/** A refusal with a type of HQ's own. */
export function hqError(
  code: ErrorCode,
  type: string,
  message: string,
  parameters: Parameters = {},
): GatewayError {
  return new GatewayError(code, message, { extensions: { hqType: type, parameters } });
}

export function invalidParameter(name: string, value: string, reason: string): GatewayError {
  const message = `Invalid value '${shown(value)}' for parameter '${name}'. ${reason}`;
  return hqError('BAD_USER_INPUT', 'INVALID_PARAMETER_VALUE', message, { parameter: name });
}

export function unparsable(name: string, value: string, reason = ''): GatewayError {
  const message = `Could not parse '${shown(value)}' as value for parameter '${name}'.${reason}`;
  return hqError('BAD_USER_INPUT', 'UNPARSABLE_PARAMETER_VALUE', message, { parameter: name });
}

function shown(value: string): string {
  return value.slice(0, SHOWN_CHARS_MAX).toWellFormed();
}

export function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { hqType, parameters } = error.extensions;
  if (typeof hqType === 'string') {
    return answer(statusOf(error), hqType, error.message, parameters as Parameters);
  }
  if (error.code === 'UNAUTHENTICATED') return refusedToken(request);
  if (error.status >= 500) {
    return answer(500, familyOf(request), error.message, { cause: error.message });
  }
  const type = TYPES[error.code] ?? error.code;
  return answer(error.status, type, error.message);
}

/** HQ's types for our codes, where it has one. */
const TYPES: Partial<Record<ErrorCode, string>> = {
  BAD_REQUEST: 'UNPARSABLE_PARAMETER_VALUE',
  BAD_USER_INPUT: 'INVALID_PARAMETER_VALUE',
  CURSOR_INVALID: 'INVALID_PARAMETER_VALUE',
  CURSOR_EPOCH: 'INVALID_PARAMETER_VALUE',
};

function statusOf({ code, status }: GatewayError): number {
  return code === 'UNAUTHENTICATED' ? 403 : status;
}

function refusedToken({ headers }: DoorRequest): DoorAnswer {
  const token = (headers[TOKEN_HEADER] ?? '').slice(0, TOKEN_CHARS_MAX).toWellFormed();
  const message = `Unrecognized space-token '${token}'.`;
  return answer(403, 'INVALID_SPACE_TOKEN', message, { 'space-token': token });
}

/** An array that is posted to /events is stored, anything else asks for events. */
function familyOf({ method, path, body }: DoorRequest): string {
  const name = path.replace(/^\/api/, '');
  if (name.startsWith('/event-stream')) return 'EVENT_STREAM_FAILED';
  if (name.startsWith('/capabilities')) return 'DATA_STORAGE_FAILED';
  if (!name.startsWith('/events')) return 'DATA_RETRIEVAL_FAILED';
  return method === 'PUT' || (method === 'POST' && isArray(body))
    ? 'EVENT_STORAGE_FAILED'
    : 'EVENT_RETRIEVAL_FAILED';
}

/** Whether a JSON text, with or without a byte order mark, is an array. */
export function isArray(body: Buffer): boolean {
  let at = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  while (SPACE.has(body[at])) at += 1;
  return body[at] === 0x5b;
}

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

function answer(
  status: number,
  type: string,
  message: string,
  parameters: Parameters = {},
): DoorAnswer {
  return json(status, { type, message, parameters });
}
