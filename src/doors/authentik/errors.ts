/** The vendor's errors: `{"detail": …}`, or a list of texts for each field. */
import { GatewayError, type ErrorCode } from '../../core/errors.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorRequest } from '../door.ts';
import type { FieldErrors } from './wire.ts';

/** What is wrong with fields of a body or a query. */
export function fieldErrors(fields: Readonly<Record<string, unknown>> | FieldErrors): GatewayError {
  return new GatewayError('BAD_USER_INPUT', 'A field is wrong.', { extensions: { fields } });
}

/** An error whose text is the vendor's own. */
export function told(code: ErrorCode, detail: string): GatewayError {
  return new GatewayError(code, detail, { extensions: { detail } });
}

export function noEvent(): GatewayError {
  return told('NOT_FOUND', 'No Event matches the given query.');
}

export function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const isRefused = error.status === 401;
  const { fields } = error.extensions;
  const body = fields ?? { detail: detailOf(error, request) };
  return json(isRefused ? 403 : error.status, body);
}

function detailOf({ code, message, extensions, retryAfterS }: GatewayError, request: DoorRequest) {
  if (typeof extensions['detail'] === 'string') return extensions['detail'];
  if (code === 'UNAUTHENTICATED') return credentialDetail(request.headers['authorization']);
  if (code === 'FORBIDDEN') return 'You do not have permission to perform this action.';
  if (code === 'NOT_FOUND') return 'Not found.';
  if (code === 'METHOD_NOT_ALLOWED') return `Method "${request.method}" not allowed.`;
  if (code !== 'RATE_LIMITED') return message;
  if (retryAfterS === undefined) return 'Request was throttled.';
  const unit = retryAfterS === 1 ? 'second' : 'seconds';
  return `Request was throttled. Expected available in ${retryAfterS} ${unit}.`;
}

function credentialDetail(given: string | undefined): string {
  if (given === undefined) return 'Authentication credentials were not provided.';
  const isBearer = /^bearer(?: |$)/i.test(given);
  return isBearer ? 'Token invalid/expired' : 'Unsupported authentication type';
}
