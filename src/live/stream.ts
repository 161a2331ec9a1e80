import type { LogPlace } from '../core/cursor.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Scope } from '../core/principal.ts';

/**
 * One step of a stream; its place resumes the stream right after it. Every subscriber that takes
 * an event from the ring gets the same object, so what is made of it (an execution, bytes) may be
 * kept beside it in a WeakMap and made once.
 */
export type Delivery =
  | { readonly kind: 'EVENT'; readonly place: LogPlace; readonly event: StoredEvent }
  | { readonly kind: 'CAUGHT_UP' | 'CHECKPOINT'; readonly place: LogPlace; readonly event: null };

export type EventDelivery = Extract<Delivery, { kind: 'EVENT' }>;

/** What a stream is for: its key must keep it. */
export type StreamScope = Extract<Scope, 'EVENTS_READ' | 'EVENTS_CONSUME'>;

export type StreamStart = 'NOW' | 'BEGINNING' | LogPlace;

/**
 * Whose stream it is, such as the id of a key: opaque here, see `Live.end`. A stream without one is
 * the gateway's own.
 */
export type StreamTag = string | number;

/**
 * Reads the past with a filter in SQL: up to `limit` matching events after `place`, in position
 * order. `scannedTo` says how far it looked: nothing else up to there matches, and it lies beyond
 * `place` where the log does. Expired events may be among them.
 */
export type ReadMatching = (
  workspaceId: number,
  place: LogPlace,
  limit: number,
) => Promise<{ readonly events: readonly StoredEvent[]; readonly scannedTo: LogPlace }>;

/** An answer that is no live stream and takes as long to read: a download. */
export interface HeldStream {
  /** Null: of none. */
  readonly workspaceId: number | null;
  readonly tag: StreamTag;
  /** @default EVENTS_READ */
  readonly scope?: StreamScope;
  /** Its key was revoked, or its workspace deleted. */
  readonly end: () => void;
}

export interface StreamSearch {
  /** As `searchWords` has them. */
  readonly words: ReadonlySet<string>;
  /** How many events a kilobyte of an event counts for: see `LiveLimits.scanEventsMax`. */
  readonly costPerKb: number;
}

export interface SubscribeOptions {
  readonly workspaceId: number;
  /** A place must come from a cursor of this workspace and this epoch. */
  readonly start: StreamStart;
  /**
   * Absent: every event. It must be pure; what it throws ends the stream. `finds` says whether the
   * event holds a word of `search`.
   */
  readonly matches?: (event: StoredEvent, finds: (word: string) => boolean) => boolean;
  /** Where `matches` looks through the whole text of events. */
  readonly search?: StreamSearch;
  /** Only events of these types can match: others cost the stream nothing. Null: any may. */
  readonly types?: readonly string[] | null;
  /** Must agree with `matches`, and takes its place while catching up. */
  readonly readMatching?: ReadMatching;
  readonly checkpoints: boolean;
  readonly tag?: StreamTag;
  /** @default EVENTS_READ */
  readonly scope?: StreamScope;
  /** Ends the stream at once and without an error, also in the middle of a wait. */
  readonly signal: AbortSignal;
}

/** A stream of deliveries. It is pulled: what its reader does not ask for is not read. */
export interface LiveStream {
  /**
   * Resolves when the start was found good: an event that is recorded after it will be seen.
   * Rejects as the first `nextBatch` does; it need not be awaited.
   * @throws StreamEnded CURSOR_EXPIRED, GatewayError CURSOR_AHEAD, TOO_MANY_STREAMS
   */
  readonly ready: Promise<void>;
  /**
   * Waits for the next delivery, and takes with it up to `max` that are there. Empty: it is done.
   * @throws StreamEnded when the gateway ended the stream: once, then it is done.
   */
  nextBatch(max: number): Promise<Delivery[]>;
  /** Its reader leaves. */
  return(): Promise<void>;
}

export function placeOf(event: StoredEvent): LogPlace {
  return { position: event.position, recordedAt: event.recordedAt };
}

export function toDelivery(event: StoredEvent): EventDelivery {
  return { kind: 'EVENT', place: placeOf(event), event };
}
