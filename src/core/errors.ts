/**
 * Every error that a caller may see, in one table: its HTTP status and whether the same request
 * may succeed later. The code is stable and public (`extensions.code`); the message is written
 * where the error arises and says what was expected and what came. What is not a `GatewayError`
 * is unexpected and masked at the edge.
 */
export const ERRORS = {
  BAD_REQUEST: { status: 400, meaning: 'The request is malformed.' },
  BAD_USER_INPUT: { status: 400, meaning: 'A value is not valid for its field.' },
  WORKSPACE_REQUIRED: {
    status: 400,
    meaning: 'The key covers several workspaces. Name one of them.',
  },
  CURSOR_INVALID: { status: 400, meaning: 'The cursor does not belong to this list.' },
  CURSOR_EPOCH: { status: 400, meaning: 'The cursor is from before the database was restored.' },
  CURSOR_AHEAD: { status: 400, meaning: 'The cursor is beyond the newest event.' },
  CURSOR_EXPIRED: { status: 400, meaning: 'Events after the cursor are no longer kept.' },
  GRAPHQL_PARSE_FAILED: { status: 400, meaning: 'The document is not GraphQL.' },
  GRAPHQL_VALIDATION_FAILED: {
    status: 400,
    meaning: 'The document is not valid against the schema.',
  },
  OPERATION_RESOLUTION_FAILURE: {
    status: 400,
    meaning: 'The document has no operation of this name, or has several and no name was given.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    // As Apollo's server answers: its clients read no other status.
    status: 200,
    meaning: 'Documents are not stored by hash. Send the text.',
  },
  DOCUMENT_NOT_TRUSTED: {
    status: 400,
    meaning: 'The gateway executes only trusted documents, and this is not one.',
  },
  QUERY_TOO_LARGE: { status: 400, meaning: 'The document has too many characters or tokens.' },
  QUERY_TOO_DEEP: { status: 400, meaning: 'The document is nested too deeply.' },
  QUERY_TOO_COMPLEX: { status: 400, meaning: 'The query asks for too much at once.' },
  TOO_MANY_ALIASES: { status: 400, meaning: 'The document has too many aliases.' },
  TOO_MANY_DIRECTIVES: { status: 400, meaning: 'The document has too many directives.' },
  QUERY_TOO_EXPENSIVE: {
    status: 400,
    meaning: 'The query takes too long or finds too much. Narrow it.',
  },
  TIMEFRAME_UNALIGNED: {
    status: 400,
    meaning: 'The timeframe begins or ends inside a rollup bucket whose events are no longer kept.',
  },
  NOT_LIVE: { status: 400, meaning: 'This aggregate can be queried, but not subscribed to.' },
  URL_NOT_ALLOWED: {
    status: 400,
    meaning:
      'The gateway sends nothing to this URL, because of its scheme, its address, or credentials in it.',
  },
  UNAUTHENTICATED: { status: 401, meaning: 'The key is missing or not valid.' },
  KEY_REVOKED: { status: 401, meaning: 'The key of this stream was revoked or has expired.' },
  FORBIDDEN: { status: 403, meaning: 'The key lacks the required scope.' },
  ORIGIN_NOT_ALLOWED: {
    status: 403,
    meaning: 'The request comes from a web page whose origin is not in SLUICE_CORS_ORIGINS.',
  },
  NOT_FOUND: { status: 404, meaning: 'It does not exist, or the key does not cover it.' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'The path does not support this method.' },
  CONFLICT: { status: 409, meaning: 'The name or id is already in use.' },
  FORCE_REQUIRED: {
    status: 409,
    meaning: 'This would lock somebody out. To do it anyway, repeat it with force.',
  },
  SCHEMA_INCOMPATIBLE: {
    status: 409,
    meaning: 'The new payload schema breaks the compatibility that the definition promises.',
  },
  TYPE_LIMIT: { status: 409, meaning: 'The workspace has reached its limit of event definitions.' },
  METER_LIMIT: { status: 409, meaning: 'The workspace has reached its limit of meters.' },
  CONSUMER_LIMIT: { status: 409, meaning: 'The workspace has reached its limit of consumers.' },
  PAYLOAD_TOO_LARGE: { status: 413, meaning: 'The body or batch is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: 'The media type or encoding of the body is not supported.',
  },
  HOST_NOT_ALLOWED: {
    status: 421,
    meaning: 'The gateway does not accept this Host header: see SLUICE_ALLOWED_HOSTS.',
  },
  RATE_LIMITED: { status: 429, meaning: 'Too many requests. Wait as Retry-After says.' },
  QUOTA_EXCEEDED: {
    status: 429,
    meaning: 'The key has recorded as many events as its quota allows. Wait as Retry-After says.',
  },
  TOO_MANY_STREAMS: { status: 429, meaning: 'The stream limit is reached.' },
  INTERNAL_SERVER_ERROR: {
    status: 500,
    meaning: 'An internal error. The log has it under the request id.',
  },
  OVERLOADED: {
    status: 503,
    meaning: 'The gateway is overloaded. Nothing was done: try again shortly.',
  },
  SERVICE_UNAVAILABLE: { status: 503, meaning: 'The database does not answer. Try again shortly.' },
  GOING_AWAY: {
    status: 503,
    meaning: 'The gateway is stopping. Resume at the cursor, at another gateway or later.',
  },
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

export class MethodNotAllowed extends GatewayError {
  /** The methods that the path takes, as the header `Allow` lists them. */
  readonly allow: string;

  constructor(message: string, allow: string) {
    super('METHOD_NOT_ALLOWED', message);
    this.allow = allow;
  }
}

/** Whether the same may succeed shortly: the database is away, or too much waits for it. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && error.status === 503;
}
