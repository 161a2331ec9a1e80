import type { Door, EventProblem } from './event.ts';

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
