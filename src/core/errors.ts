/**
 * Every error that a caller may see, in one table: its HTTP status and whether the same request
 * may succeed later. The code is stable and public (`extensions.code`); the message is written
 * where the error arises and says what was expected and what came. What is not a `GatewayError`
 * is unexpected and masked at the edge.
 */
export const ERRORS = {
  BAD_REQUEST: { status: 400, meaning: 'The request is not well-formed.' },
  BAD_USER_INPUT: { status: 400, meaning: 'A value is not what its field takes.' },
  CURSOR_INVALID: { status: 400, meaning: 'The cursor was not given out for this list.' },
  CURSOR_EPOCH: { status: 400, meaning: 'The cursor is from before the database was restored.' },
  CURSOR_AHEAD: { status: 400, meaning: 'The cursor lies beyond the newest event.' },
  CURSOR_EXPIRED: { status: 400, meaning: 'Events after the cursor are no longer kept.' },
  GRAPHQL_PARSE_FAILED: { status: 400, meaning: 'The document is not GraphQL.' },
  GRAPHQL_VALIDATION_FAILED: { status: 400, meaning: 'The document does not fit the schema.' },
  OPERATION_RESOLUTION_FAILURE: { status: 400, meaning: 'Which operation to run is not clear.' },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    // As Apollo's server answers: its clients read no other status.
    status: 200,
    meaning: 'No documents are kept by hash: send the text.',
  },
  DOCUMENT_NOT_TRUSTED: {
    status: 400,
    meaning: 'Only trusted documents are executed, and this is none of them.',
  },
  QUERY_TOO_LARGE: { status: 400, meaning: 'The document has too many characters or tokens.' },
  QUERY_TOO_DEEP: { status: 400, meaning: 'The document is nested too deeply.' },
  QUERY_TOO_COMPLEX: { status: 400, meaning: 'The query asks for too much at once.' },
  TOO_MANY_ALIASES: { status: 400, meaning: 'The document has too many aliases.' },
  TOO_MANY_DIRECTIVES: { status: 400, meaning: 'The document has too many directives.' },
  QUERY_TOO_EXPENSIVE: {
    status: 400,
    meaning: 'The query takes too long or finds too much: narrow it.',
  },
  TIMEFRAME_UNALIGNED: {
    status: 400,
    meaning: 'An end of the timeframe cuts a rollup whose events are no longer kept.',
  },
  NOT_LIVE: { status: 400, meaning: 'This can be counted, but not kept live.' },
  UNAUTHENTICATED: { status: 401, meaning: 'No key, or not a valid one.' },
  KEY_REVOKED: { status: 401, meaning: 'The key of this stream was revoked or has expired.' },
  FORBIDDEN: { status: 403, meaning: 'The key lacks the scope for this.' },
  ORIGIN_NOT_ALLOWED: {
    status: 403,
    meaning: 'A web page of an origin outside SLUICE_CORS_ORIGINS asks.',
  },
  NOT_FOUND: { status: 404, meaning: 'There is no such thing, or not for this key.' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'This path takes another method.' },
  CONFLICT: { status: 409, meaning: 'The name or id is taken.' },
  TYPE_LIMIT: { status: 409, meaning: 'The workspace has as many event definitions as it may.' },
  PAYLOAD_TOO_LARGE: { status: 413, meaning: 'The body or batch is over its limit.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, meaning: 'The body is of a kind that is not read here.' },
  HOST_NOT_ALLOWED: {
    status: 421,
    meaning: 'The Host header names another host: see SLUICE_ALLOWED_HOSTS.',
  },
  RATE_LIMITED: { status: 429, meaning: 'Too many requests: wait as Retry-After says.' },
  TOO_MANY_STREAMS: { status: 429, meaning: 'As many streams are open as may be.' },
  INTERNAL_SERVER_ERROR: { status: 500, meaning: 'A fault of ours, logged with the request id.' },
  OVERLOADED: {
    status: 503,
    meaning: 'More is asked than fits: nothing was done, try again shortly.',
  },
  SERVICE_UNAVAILABLE: { status: 503, meaning: 'The database does not answer: try again shortly.' },
  GOING_AWAY: { status: 503, meaning: 'The gateway is stopping: resume at the cursor elsewhere.' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface GatewayErrorOptions {
  /** Kept for the log, never shown. */
  readonly cause?: unknown;
  /** Public facts beside the code, such as `{ oldestCursor }`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS?: number;
}

/** An error whose message was written for the caller. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.extensions = options.extensions ?? {};
    this.retryAfterS = options.retryAfterS ?? (ERRORS[code].status === 503 ? 1 : undefined);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** Whether the same may succeed shortly: the database is away, or too much waits for it. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && error.status === 503;
}
