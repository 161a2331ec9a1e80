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
