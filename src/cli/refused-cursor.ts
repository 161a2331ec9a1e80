/** Cursors that lead nowhere any more: asking again with the same one helps nobody. */
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

/** @param anew what else there is to do where nothing is left of it, as `run it again …`. */
export function howToGoOn({ oldestCursor }: SluiceError, anew: string, where = ''): string {
  return oldestCursor === undefined
    ? `That cursor leads nowhere: ${anew}${where}.`
    : `To go on with what is still kept, run it again with --after ${oldestCursor}${where}.`;
}
