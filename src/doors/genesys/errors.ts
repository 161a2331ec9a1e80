/** The vendor's ErrorBody, for everything that can go wrong under its paths. */
import { GatewayError } from '../../core/errors.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorRequest } from '../door.ts';
import type { ErrorBody, ErrorDetail } from './wire.ts';

/** Texts with their parameters in braces. */
const MESSAGES = {
  'bad.request': '{reason}',
  'invalid.date':
    'Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ',
  'invalid.query.param.value':
    'Value [{value}] is not valid for parameter [{parameter}]. Allowable values are: {allowed}',
  'invalid.value': '{reason}',
  'constraint.validation': '{reason}',
  'authentication.required': 'No authentication bearer token specified in authorization header.',
  'bad.credentials': 'Invalid login credentials.',
  'missing.permissions':
    'Unable to perform the requested action. You are missing the following permission(s): {permissions}',
  'entity.not.found': 'Event definition not found.',
  'not.found': 'The requested resource was not found.',
  'method.not.allowed': '{reason}',
  'request.conflict': '{reason}',
  'request.entity.too.large': '{reason}',
  'unsupported.media.type': '{reason}',
  'too.many.requests': '{reason}',
  'too.many.requests.retry.after':
    'Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds',
  'internal.server.error':
    'The server encountered an unexpected condition which prevented it from fulfilling the request.',
  'service.unavailable': '{reason}',
} as const;
export type VendorCode = keyof typeof MESSAGES;

const BY_STATUS: Readonly<Record<number, VendorCode>> = {
  400: 'bad.request',
  401: 'bad.credentials',
  403: 'missing.permissions',
  404: 'not.found',
  405: 'method.not.allowed',
  409: 'request.conflict',
  413: 'request.entity.too.large',
  415: 'unsupported.media.type',
  429: 'too.many.requests',
  503: 'service.unavailable',
};

interface Fault {
  readonly code: VendorCode;
  readonly params: Readonly<Record<string, string>>;
  readonly details: readonly ErrorDetail[];
}

/** An error of ours that carries the vendor's code for it. */
export function vendorError(
  code: VendorCode,
  params: Readonly<Record<string, string>> = {},
  details: readonly ErrorDetail[] = [],
): GatewayError {
  const fault: Fault = { code, params, details };
  const ours = code === 'entity.not.found' ? 'NOT_FOUND' : 'BAD_USER_INPUT';
  return new GatewayError(ours, filled(MESSAGES[code], params), { extensions: { fault } });
}

export function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { code, params, details } = faultOf(error, request);
  const body: ErrorBody = {
    message: filled(MESSAGES[code], params),
    code,
    status: error.status,
    messageWithParams: MESSAGES[code],
    messageParams: params,
    contextId: request.requestId,
    details,
    errors: [],
  };
  return json(error.status, { ...body, ...grantError(error, request) });
}

function faultOf(error: GatewayError, request: DoorRequest): Fault {
  const given = error.extensions['fault'] as Fault | undefined;
  if (given !== undefined) return given;
  const params = {
    reason: error.message,
    permissions: 'usage:events:view',
    seconds: String(error.retryAfterS),
  };
  const code = codeOf(error, request);
  const used = Object.entries(params).filter(([name]) => MESSAGES[code].includes(`{${name}}`));
  return { code, params: Object.fromEntries(used), details: [] };
}

function codeOf({ code, status, retryAfterS }: GatewayError, { headers }: DoorRequest): VendorCode {
  if (code === 'BAD_USER_INPUT') return 'invalid.value';
  if (status === 401 && headers['authorization'] === undefined) return 'authentication.required';
  if (status === 429 && retryAfterS !== undefined) return 'too.many.requests.retry.after';
  return BY_STATUS[status] ?? 'internal.server.error';
}

function filled(template: string, params: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '');
}

/** What OAuth clients look for (RFC 6749, 5.2), beside the vendor's body. */
function grantError({ code, message }: GatewayError, { path }: DoorRequest) {
  if (path !== '/oauth/token') return {};
  const error = { UNAUTHENTICATED: 'invalid_client', BAD_REQUEST: 'unsupported_grant_type' }[
    code as string
  ];
  return error === undefined ? {} : { error, error_description: message };
}
