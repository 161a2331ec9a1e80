import { LOG_BEGINNING, type LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import type { LogBounds } from './log.ts';
import type { StreamStart } from './stream.ts';

/**
 * The place that a start means in a log with these bounds; undefined for one before what is kept.
 * @throws GatewayError CURSOR_AHEAD
 */
export function startPlace(start: StreamStart, { head, tail }: LogBounds): LogPlace | undefined {
  if (start === 'NOW') return head;
  if (start === 'BEGINNING')
    return { ...LOG_BEGINNING, position: Math.min(tail - 1, head.position) };
  if (start.position > head.position) {
    throw new GatewayError(
      'CURSOR_AHEAD',
      'This cursor is beyond the newest event. Read a page and continue from its liveCursor.',
    );
  }
  return start.position < tail - 1 ? undefined : start;
}

/** The one that lies further on. */
export function later(place: LogPlace, other: LogPlace | null): LogPlace {
  return other !== null && other.position > place.position ? other : place;
}
