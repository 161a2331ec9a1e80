/** Cursors that are no longer valid. The same one will not work on a retry. */
import { SluiceError, type SluiceErrorCode } from '../client/index.ts';

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
