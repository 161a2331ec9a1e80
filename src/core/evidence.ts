/** What a gateway can show of the tree over a workspace's log. */
import { GatewayError } from './errors.ts';
import type { Envelope } from './evidence-leaf.ts';

/** The signed state of a log at a size. */
export interface Checkpoint {
  /** Of leaf 0. */
  readonly firstPosition: number;
  readonly size: number;
  readonly root: Buffer;
  /** A signed note of C2SP. */
  readonly note: string;
  /** What its signature is verified with. */
  readonly verifierKey: string;
  readonly createdAt: Date;
}

/** That an event is in the tree of a checkpoint. */
export interface InclusionProof {
  readonly index: number;
  readonly leafHash: Buffer;
  /** Of the subtrees beside the way from the leaf to the root, the lowest first. */
  readonly hashes: readonly Buffer[];
  readonly envelope: Envelope;
  readonly commitment: Buffer;
  /** Both are null once the content was removed. */
  readonly salt: Buffer | null;
  readonly content: string | null;
  readonly checkpoint: Checkpoint;
}

/** That the tree of a size continues that of a smaller one. */
export interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  readonly hashes: readonly Buffer[];
}

export function noEvidence(): GatewayError {
  const message =
    'The workspace keeps no evidence, or its tree has not begun. updateWorkspace turns it on.';
  return new GatewayError('NOT_FOUND', message);
}

/** @throws GatewayError BAD_USER_INPUT for a size that the tree does not have */
export function checkTreeSize(field: string, size: number, newest: number): void {
  if (Number.isSafeInteger(size) && size >= 1 && size <= newest) return;
  const message = `${field} expects a size of the tree, 1 to ${newest}, but got ${size}.`;
  throw new GatewayError('BAD_USER_INPUT', message);
}

/** What retention removed can be proven no more. */
export function treeWasCut(field: string, size: number, cut: number): GatewayError {
  const message =
    `${field} expects a size of ${cut} or more, because retention removed older events, ` +
    `but got ${size}.`;
  return new GatewayError('BAD_USER_INPUT', message);
}
