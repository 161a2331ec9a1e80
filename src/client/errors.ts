import type { ErrorCode } from '../core/errors.ts';

/** Codes that the client makes itself, beside those of the gateway. */
export type ClientErrorCode =
  /** No gateway answered: it may or may not have done what was asked. */
  | 'NO_ANSWER'
  /** What answered is no gateway, or something between changed the answer. */
  | 'BAD_ANSWER'
  /** Part of the event is no JSON, such as NaN, an Invalid Date or a Map: the message says where. */
  | 'INVALID_EVENT'
  /** More waits to be recorded than the buffer takes. */
  | 'BUFFER_FULL'
  /** The client was closed. */
  | 'CLOSED'
  /** A proof or a checkpoint does not hold: the message says what of it. */
  | 'NOT_PROVEN';

/** What can go wrong, in a word that stays the same. */
export type SluiceErrorCode = ErrorCode | ClientErrorCode;

/** One error of a GraphQL answer. */
export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: SluiceErrorCode; readonly [key: string]: unknown };
}

export interface SluiceErrorOptions {
  readonly cause?: unknown;
  readonly data?: unknown;
  readonly errors?: readonly GraphqlError[] | undefined;
  readonly retryAfterMs?: number | undefined;
}

const RETRYABLE: ReadonlySet<SluiceErrorCode> = new Set([
  ...(['NO_ANSWER', 'BAD_ANSWER', 'OVERLOADED', 'SERVICE_UNAVAILABLE'] as const),
  ...(['GOING_AWAY', 'RATE_LIMITED', 'TOO_MANY_STREAMS', 'INTERNAL_SERVER_ERROR'] as const),
]);

/**
 * The only error that the client throws. `code` says what happened, `message` what to do.
 *
 * @example
 * try {
 *   await client.query('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof SluiceError && error.code === 'UNAUTHENTICATED') signIn();
 *   else throw error;
 * }
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: SluiceErrorCode;
  /** All that the gateway said; empty where it said nothing. */
  readonly errors: readonly GraphqlError[];
  /**
   * What was answered beside the errors, in the shape of the operation; undefined where nothing was.
   * A receipt in it stands: the errors say what else could not be told.
   */
  readonly data: unknown;
  /** Ms that the gateway asks to wait, where it does. */
  readonly retryAfterMs: number | undefined;

  constructor(code: SluiceErrorCode, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.data = options.data ?? undefined;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }

  /** Of a stream that ended: where to resume. */
  get cursor(): string | undefined {
    return this.#text('cursor');
  }

  /** Of CURSOR_EXPIRED: the cursor before the oldest event that is kept. */
  get oldestCursor(): string | undefined {
    return this.#text('oldestCursor');
  }

  #text(name: string): string | undefined {
    const value = this.errors[0]?.extensions?.[name];
    return typeof value === 'string' ? value : undefined;
  }
}

/** The errors of an answer as the one that is thrown, with the data that came beside them. */
export function errorOf(
  errors: readonly GraphqlError[],
  retryAfterMs?: number,
  data?: unknown,
): SluiceError {
  const [first] = errors;
  const code = first?.extensions?.code ?? 'BAD_ANSWER';
  return new SluiceError(code, first?.message ?? 'The gateway answered without data.', {
    errors,
    retryAfterMs,
    data,
  });
}
