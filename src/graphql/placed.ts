import type { Receipt } from '../core/event.ts';

/** A receipt, and the workspace in which its position stands. */
export interface PlacedReceipt {
  readonly workspaceId: number;
  readonly receipt: Receipt;
}
