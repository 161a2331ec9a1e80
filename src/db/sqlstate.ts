/**
 * What a failed statement means, in one place. A SQLSTATE has a name here when code acts on it.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { GatewayError } from '../core/errors.ts';
import { unauthenticated } from '../core/principal.ts';

export const SQLSTATE = {
  /** The key exists. A flush runs again; for a single caller it is a CONFLICT. */
  uniqueViolation: '23505',
  /** A concurrent transaction won: run again. */
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  /** An earlier statement of the transaction failed: only a rollback is taken. */
  inFailedTransaction: '25P02',
  /** `lock_timeout` passed: another holds the row. */
  lockNotAvailable: '55P03',
  /** `statement_timeout` passed, or somebody cancelled. */
  queryCanceled: '57014',
  /** The session was ended from outside, or its server goes down, crashed or is coming up. */
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  databaseDropped: '57P04',
  idleSessionTimeout: '57P05',
  idleInTransactionTimeout: '25P03',
  transactionTimeout: '25P04',
  /** The server stands by, or was told to take no writes. */
  readOnlyTransaction: '25006',
  /** A number or a sum has more digits than Postgres holds. */
  numericValueOutOfRange: '22003',
  /** A value or statement beyond what Postgres can hold or nest. */
  programLimitExceeded: '54000',
  statementTooComplex: '54001',
  /** Raised by `require_key` and `take_workspaces_for`: the key that acts was revoked meanwhile. */
  keyNotValid: 'SL002',
} as const;

/**
 * The connection is gone, or was never had. When `sent` is true the statement may have run: its
 * outcome is unknown, and only what bears repetition may be tried again.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code: string;
  readonly sent: boolean;

  constructor(code: string, message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.sent = options.sent;
  }
}

/** A result was not read to its end: it has more bytes than its reader takes. */
export class ResultTooLarge extends GatewayError {
  constructor(bytesMax: number) {
    const message = `The result has more than ${bytesMax} bytes. Request smaller pages.`;
    super('QUERY_TOO_EXPENSIVE', message);
  }
}

/**
 * Whether a statement failed because of a row that it read: the row is damaged (XX), or one of its
 * values has a text that Postgres cannot build (54) or hold in memory (53200). Such a statement
 * succeeds without the row.
 */
export function isRowFault(error: unknown): boolean {
  return /^(XX...|54000|53200)$/.test(codeOf(stateOf(error)));
}

/** Whether a statement ran into its time limit. */
export function isTimeout(error: unknown): boolean {
  return codeOf(stateOf(error)) === SQLSTATE.queryCanceled;
}

/** Whether Postgres did not answer in time: it may be away, or busy with this statement. */
export function isSilence(error: unknown): boolean {
  return codeOf(stateOf(error)) === 'CONNECTION_SILENT';
}

/** What Postgres said, where it was translated for a caller. */
function stateOf(error: unknown): unknown {
  return error instanceof GatewayError ? error.cause : error;
}

/** The SQLSTATE, driver code or errno of an error, or ''. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

const ENDS_THE_SESSION: ReadonlySet<string> = new Set([
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  SQLSTATE.databaseDropped,
  SQLSTATE.idleSessionTimeout,
  SQLSTATE.idleInTransactionTimeout,
  SQLSTATE.transactionTimeout,
]);
const DRIVER_CODE = /^CONNECT(ION)?_/;
const ERRNO = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|ENOENT|ERR_STREAM_)/;

/** Whether the connection of a failed statement is gone, so that a retry needs another one. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  const code = codeOf(error);
  return (
    ENDS_THE_SESSION.has(code) ||
    (isSqlState(code) && code.startsWith('08')) ||
    DRIVER_CODE.test(code) ||
    ERRNO.test(code)
  );
}

/** Whether the same transaction may succeed when it is run again from its start. */
export function isSerializationFailure(error: unknown): boolean {
  const code = codeOf(error);
  return code === SQLSTATE.serializationFailure || code === SQLSTATE.deadlockDetected;
}

/**
 * The error that a single caller gets for a failed statement of theirs. What is no caller's and
 * no outage's fault comes back as it is: unexpected, to be masked at the edge. A flush carries
 * many callers and decides by SQLSTATE itself.
 * @param conflict what is said where a unique value is taken
 */
export function toGatewayError(
  error: unknown,
  side: 'read' | 'write',
  conflict = 'The name or id is already in use.',
): unknown {
  if (error instanceof GatewayError) return error;
  if (isConnectionLost(error)) return unavailable(error);
  const code = codeOf(error);
  if (!isSqlState(code)) return error;
  if (code === SQLSTATE.queryCanceled && side === 'read') return tooExpensive(error);
  if (isOutageState(code, side)) return unavailable(error);
  if (code === SQLSTATE.keyNotValid) return unauthenticated();
  if (code === SQLSTATE.uniqueViolation) {
    return new GatewayError('CONFLICT', conflict, { cause: error });
  }
  if (isDataFault(code)) {
    const message =
      code === SQLSTATE.numericValueOutOfRange
        ? 'A number, or a sum of numbers, has more digits than can be computed. Leave it out.'
        : 'A value cannot be stored or compared.';
    return new GatewayError('BAD_USER_INPUT', message, { cause: error });
  }
  return error;
}

function unavailable(cause: unknown): GatewayError {
  const message = 'The database does not answer. Try again shortly.';
  return new GatewayError('SERVICE_UNAVAILABLE', message, { cause, retryAfterS: 1 });
}

function tooExpensive(cause: unknown): GatewayError {
  const message = 'The query reached its time limit. Narrow its time frame or its filter.';
  return new GatewayError('QUERY_TOO_EXPENSIVE', message, { cause });
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !ERRNO.test(code);
}

/** 40 and 55P03 end here after the retries inside; a read pool is read-only by itself. */
function isOutageState(code: string, side: 'read' | 'write'): boolean {
  if (code === SQLSTATE.readOnlyTransaction) return side === 'write';
  return code === SQLSTATE.lockNotAvailable || /^(08|40|53|57|58)/.test(code);
}

function isDataFault(code: string): boolean {
  return (
    /^2[12]/.test(code) ||
    code === SQLSTATE.programLimitExceeded ||
    code === SQLSTATE.statementTooComplex
  );
}
