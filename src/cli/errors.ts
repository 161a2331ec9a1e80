/** A failure is one line that says what to do, and an exit code. */
import { SluiceError, type SluiceErrorCode } from '../client/index.ts';
import { ConnectionLost } from '../db/sqlstate.ts';
import { tell } from './output.ts';

export const EXIT = {
  /** The gateway refused something, or what was looked for is broken. */
  FAILED: 1,
  /** The command line is not well-formed. */
  USAGE: 2,
  /** No gateway answers, or there is no database to work on. */
  NO_ANSWER: 3,
  /** The key is not valid, or may not do this. */
  NOT_ALLOWED: 4,
  /** The database was restored or moved, and `sluice epoch` was not run yet. */
  EPOCH_DUE: 5,
} as const;

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  something was refused, or a check failed
  2  the command line is not valid
  3  no gateway answers, or there is no database to work on
  4  the key is not valid, or lacks a scope for this command
  5  verify: nothing is broken, but "sluice epoch" has to run: see its --help`;

/** A fault in what was given on the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The database was reached, and nothing of ours is in it. */
export class NothingThereError extends Error {
  override readonly name = 'NothingThereError';
}

const NOT_ALLOWED = new Set<SluiceErrorCode>(['UNAUTHENTICATED', 'FORBIDDEN', 'KEY_REVOKED']);

const ADVICE: Partial<Record<SluiceErrorCode, string>> = {
  UNAUTHENTICATED: 'Check SLUICE_KEY or --key.',
  NO_ANSWER: 'Check that it is running, and SLUICE_URL or --url.',
};

/** Prints what went wrong and sets the exit code. */
export function failed(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  tell(`sluice: ${sentenceOf(error)}`);
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.USAGE;
  if (!(error instanceof SluiceError)) {
    return isWithoutDatabase(error) ? EXIT.NO_ANSWER : EXIT.FAILED;
  }
  if (NOT_ALLOWED.has(error.code)) return EXIT.NOT_ALLOWED;
  if (error.code === 'NO_ANSWER' || error.code === 'BAD_ANSWER') return EXIT.NO_ANSWER;
  // The client's own check of the address.
  return error.code === 'BAD_REQUEST' && error.errors.length === 0 ? EXIT.USAGE : EXIT.FAILED;
}

export function sentenceOf(error: unknown): string {
  if (error instanceof SluiceError) {
    const code = error.errors.length === 0 ? '' : `${error.code}: `;
    return oneLine([`${code}${error.message}`, ADVICE[error.code] ?? ''].join(' '));
  }
  const system = error as NodeJS.ErrnoException & { port?: number; path?: string };
  if (system.code === 'EADDRINUSE') {
    return `Port ${system.port} is already in use. Stop the program that listens there, or set another PORT.`;
  }
  if (system.code === 'ENOENT' && system.path !== undefined) {
    return `There is no file ${JSON.stringify(system.path)}.`;
  }
  return error instanceof Error ? withCause(error) : String(error);
}

/** There is no database to work on. */
function isWithoutDatabase(error: unknown): boolean {
  if (error instanceof NothingThereError) return true;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConnectionLost) return true;
  }
  return false;
}

/** The innermost cause says what happened, where that is not said already. */
function withCause(error: Error): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const why = cause instanceof Error ? cause.message : '';
  return error.message.includes(why) ? error.message : `${error.message} (${why})`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

/** Cursors that are no longer valid. The same one will not work on a retry. */
const REFUSED = new Set<SluiceErrorCode>([
  'CURSOR_INVALID',
  'CURSOR_EPOCH',
  'CURSOR_AHEAD',
  'CURSOR_EXPIRED',
]);

export function isRefusedCursor(error: unknown): error is SluiceError {
  return error instanceof SluiceError && REFUSED.has(error.code);
}

/** @param anew what to do if the answer names no cursor to continue at, such as `run the command again …`. */
export function howToGoOn({ oldestCursor }: SluiceError, anew: string, where = ''): string {
  return oldestCursor === undefined
    ? `The cursor is no longer valid: ${anew}${where}.`
    : `To continue with the events that are still kept, run the command again with --after ${oldestCursor}${where}.`;
}
