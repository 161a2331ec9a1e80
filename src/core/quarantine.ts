import type { Door, EventInput, EventProblem } from './event.ts';

/** An event that was kept aside, with what is wrong with it. */
export interface QuarantinedEvent {
  readonly workspaceId: number;
  /** A UUID. */
  readonly id: string;
  readonly receivedAt: Date;
  readonly door: Door;
  readonly problems: readonly EventProblem[];
  /** The event as it came: the JSON text of an object, with every digit of its numbers. */
  readonly event: string;
}

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
