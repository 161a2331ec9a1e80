import type { EventCursors, LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';

/**
 * A stream was ended by the gateway. `place` is where to go on: after everything that was handed
 * out, or, for CURSOR_EXPIRED, where the kept events begin. Null when the stream ended before its
 * start was known: nothing was handed out, start again in the same way.
 */
export class StreamEnded extends GatewayError {
  readonly place: LogPlace | null;

  constructor(error: GatewayError, place: LogPlace | null) {
    const { retryAfterS, cause } = error;
    super(error.code, error.message, {
      extensions: error.extensions,
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      ...(cause === undefined ? {} : { cause }),
    });
    this.place = place;
  }

  /** What the error says beside its code, with the place as a cursor of its workspace. */
  publicExtensions(cursors: EventCursors): Readonly<Record<string, unknown>> {
    // A workspace that was deleted has no place to go on at.
    if (this.place === null || this.code === 'NOT_FOUND') return this.extensions;
    const name = this.code === 'CURSOR_EXPIRED' ? 'oldestCursor' : 'cursor';
    return { ...this.extensions, [name]: cursors.encodePosition(this.place) };
  }
}

export function cursorExpired(oldest: LogPlace): StreamEnded {
  const message =
    'Events after this cursor are no longer kept. Continue at oldestCursor. The events in between are gone.';
  return new StreamEnded(new GatewayError('CURSOR_EXPIRED', message), oldest);
}
