/** How a stream resumes: where it begins, the cursor of each step, and the one of its end. */
import { eventCursors, type EventCursors, type LogPlace } from '../core/cursor.ts';
import { GatewayError } from '../core/errors.ts';
import { StreamEnded } from '../live/stream-ended.ts';
import type { StreamStart } from '../live/stream.ts';

export interface StreamPlace {
  readonly after?: string | null | undefined;
  readonly start?: 'NOW' | 'BEGINNING' | null | undefined;
}

/**
 * Where a stream begins. `Last-Event-ID` overrides the arguments, because an EventSource reconnects
 * with the address that it began with. `start` applies only without a cursor, so that a client can
 * send the same document each time.
 * @throws GatewayError CURSOR_INVALID, CURSOR_EPOCH
 */
export function startOf(
  { after, start }: StreamPlace,
  lastEventId: string | null,
  cursors: EventCursors,
): StreamStart {
  if (lastEventId !== null && lastEventId !== '') return cursors.decodePosition(lastEventId);
  return after == null ? (start ?? 'NOW') : cursors.decodePosition(after);
}

interface Placed {
  readonly workspaceId: number;
  readonly delivery?: { readonly place: LogPlace };
  readonly update?: { readonly place: LogPlace };
}

/** The cursor of a step, whether it was selected or not. Undefined for a step without one. */
export function cursorOfStep(step: unknown, epoch: string): string | undefined {
  const { workspaceId, delivery, update } = step as Placed;
  const { place } = delivery ?? update ?? {};
  return place && eventCursors(epoch, workspaceId).encodePosition(place);
}

/** An error that ends a stream, with the cursor at which to continue. */
export function resumable(error: unknown, cursors: EventCursors): unknown {
  if (!(error instanceof StreamEnded)) return error;
  const { code, message, retryAfterS, cause } = error;
  return new GatewayError(code, message, {
    extensions: error.publicExtensions(cursors),
    ...(retryAfterS !== undefined && { retryAfterS }),
    ...(cause !== undefined && { cause }),
  });
}
