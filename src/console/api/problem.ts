/** What went wrong, in words that say what to do. */
import type { CombinedError } from 'urql';

export interface Problem {
  /** The API's error code; `OFFLINE` where no answer came. */
  readonly code: string;
  readonly title: string;
  readonly advice: string;
}

interface ApiError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

const TITLES: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'The key is not valid',
  KEY_REVOKED: 'The key was revoked or has expired',
  FORBIDDEN: 'This key may not do that',
  NOT_FOUND: 'Not found',
  RATE_LIMITED: 'Too many requests',
  QUOTA_EXCEEDED: 'The quota of this key is used up',
  QUERY_TOO_EXPENSIVE: 'That would take too long',
  OVERLOADED: 'The gateway is busy',
  SERVICE_UNAVAILABLE: 'The database does not answer',
  TOO_MANY_STREAMS: 'Too many live views are open',
  OFFLINE: 'The gateway does not answer',
};

const ADVICE: Readonly<Record<string, string>> = {
  RATE_LIMITED: 'Wait a moment, then try again.',
  QUERY_TOO_EXPENSIVE: 'Choose a shorter time, or drop a filter.',
  OVERLOADED: 'Wait a moment, then try again.',
  SERVICE_UNAVAILABLE: 'Check that Postgres is running, then try again.',
  TOO_MANY_STREAMS: 'Close another tab with a live view, then try again.',
  OFFLINE: 'Check that it is running and that this machine can reach it, then try again.',
};

export function problemOf(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  return first ? problemOfError(first) : offline();
}

export function problemOfError({ message, extensions }: ApiError): Problem {
  const code = typeof extensions?.['code'] === 'string' ? extensions['code'] : 'UNKNOWN';
  return {
    code,
    title: TITLES[code] ?? 'That did not work',
    advice: ADVICE[code] ?? message,
  };
}

export function offline(): Problem {
  return problemOfError({ message: '', extensions: { code: 'OFFLINE' } });
}
