/**
 * Cursors of aggregates keep what the first page was read by: the newest position that it counts,
 * and the time of day that `last` ends at. So all pages are slices of one list. They point to a
 * bucket by its place in that list and its id.
 */
import { cursorInvalid, decodeCursor, encodeCursor, type LogPlace } from './cursor.ts';
import { GatewayError } from './errors.ts';

/** What all pages of one list share. */
export interface ListPin {
  readonly asOf: LogPlace;
  readonly nowMs: number;
}

export interface AggregateCursor extends ListPin {
  /** From 0. */
  readonly index: number;
  readonly id: string;
}

export interface AggregateCursors {
  encode(pin: ListPin, index: number, id: string): string;
  /** @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH */
  decode(text: string): AggregateCursor;
}

const INTEGER = /^-?\d{1,16}$/;

/** Of one query, see `queryKey`. */
export function aggregateCursors(
  epoch: string,
  workspaceId: number,
  key: string,
): AggregateCursors {
  return {
    encode({ asOf, nowMs }, index, id) {
      const numbers = [asOf.position, asOf.recordedAt.getTime(), nowMs, index];
      return encodeCursor('aggregates', workspaceId, [epoch, key, ...numbers.map(String), id]);
    },
    decode(text) {
      const place = decodeCursor(text, 'aggregates', workspaceId);
      const [ofEpoch, ofKey, ...rest] = place;
      const numbers = rest.slice(0, 4);
      const id = rest[4];
      const isWhole = rest.length === 5 && numbers.every(number => INTEGER.test(number));
      if (!isWhole || id === undefined) throw cursorInvalid();
      if (ofEpoch !== epoch) {
        const message =
          'This cursor is from before the database was restored. Read the first page.';
        throw new GatewayError('CURSOR_EPOCH', message);
      }
      const [position = 0, recordedAt = 0, nowMs = 0, index = 0] = numbers.map(Number);
      if (ofKey !== key || Math.abs(recordedAt) > 8.64e15 || position < 0) throw cursorInvalid();
      return { asOf: { position, recordedAt: new Date(recordedAt) }, nowMs, index, id };
    },
  };
}
