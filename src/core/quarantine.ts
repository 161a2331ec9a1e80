import type { EventInput } from './event.ts';

/** Quarantined events of one type that have the same problem. */
export interface QuarantineProblem {
  /** Null for events that name no type. */
  readonly type: string | null;
  readonly code: string;
  /** JSON Pointer into the event. */
  readonly pointer: string;
  /** Of one of the events: others may name other values. */
  readonly message: string;
  /** How many events. */
  readonly count: number;
}

/** What is recorded in place of what came; null is the same as absent. */
export interface QuarantineCorrection {
  readonly type?: string | null | undefined;
  readonly payload?: EventInput['payload'];
}
