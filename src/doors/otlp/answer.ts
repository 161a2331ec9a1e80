/** Answers of OTLP, in the format of the request. */
import type { ErrorCode, GatewayError } from '../../core/errors.ts';
import type { Receipt } from '../../core/event.ts';
import { json } from '../answer.ts';
import type { DoorAnswer, DoorRequest } from '../door.ts';
import { mediaTypeOf } from '../request.ts';
import { PROTOBUF, writeResponse, writeStatus } from './protobuf.ts';

/** More would only hide the first ones. */
const NAMED_MAX = 5;

/**
 * Success, or how many records were refused and why, with the place of the first few. Records that
 * went to quarantine do not count as refused: the message mentions them as a warning.
 */
export function success(
  request: DoorRequest,
  receipts: readonly Receipt[],
  places: readonly string[],
): DoorAnswer {
  const refused = receipts.filter(({ status }) => status === 'REJECTED' || status === 'CONFLICT');
  const kept = receipts.filter(({ status }) => status === 'QUARANTINED');
  const named = [...refused, ...kept].slice(0, NAMED_MAX).map(receipt => {
    return `${places[receipt.index]}: ${reasonOf(receipt)}`;
  });
  const counted = [
    refused.length === 0 ? [] : `${refused.length} of ${receipts.length} log records were refused.`,
    kept.length === 0 ? [] : `${kept.length} were kept in quarantine.`,
  ];
  const message = [...counted.flat(), ...named].join(' ');
  const partial = message === '' ? null : { rejected: refused.length, message };
  if (isProtobuf(request)) return protobuf(200, writeResponse(partial));
  const { rejected = 0 } = partial ?? {};
  const counts = rejected === 0 ? {} : { rejectedLogRecords: String(rejected) };
  const body = partial === null ? {} : { partialSuccess: { ...counts, errorMessage: message } };
  return json(200, body);
}

function reasonOf({ status, problems: [problem] }: Receipt): string {
  if (problem === undefined) return status;
  const { code, message, pointer } = problem;
  return `${code}${pointer === '' ? '' : ` at ${pointer}`}: ${message}`;
}

/** Of google.rpc.Code. */
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  409: 9,
  413: 3,
  415: 3,
  421: 3,
  429: 8,
  500: 13,
  503: 14,
};
const UNKNOWN = 2;

/** A google.rpc.Status, whose message begins with the gateway's own code. */
export function encodeError(error: GatewayError, request: DoorRequest): DoorAnswer {
  const { status, code, message } = error;
  const rpcCode = RPC_CODES[status] ?? UNKNOWN;
  const text = `${code satisfies ErrorCode}: ${message}`;
  const headers: Readonly<Record<string, string>> =
    status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return isProtobuf(request)
    ? protobuf(status, writeStatus(rpcCode, text), headers)
    : json(status, { code: rpcCode, message: text }, headers);
}

export function isProtobuf(request: DoorRequest): boolean {
  return mediaTypeOf(request) === PROTOBUF;
}

function protobuf(
  status: number,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): DoorAnswer {
  return { status, headers: { 'content-type': PROTOBUF, ...headers }, body };
}
