/** What `@sluice-events/sluice/client` offers. */
export {
  createClient,
  type ClientOptions,
  type QueryOptions,
  type SluiceClient,
  type TypedDocument,
} from './client.ts';
export {
  ParkError,
  type ConsumeBatch,
  type ConsumeBatchOptions,
  type ConsumeOptions,
  type ConsumedEvent,
} from './consume.ts';
export {
  SluiceError,
  type ClientErrorCode,
  type GraphqlError,
  type SluiceErrorCode,
} from './errors.ts';
export {
  INCLUSION_PROOF_FIELDS,
  verifyCheckpoint,
  verifyConsistency,
  verifyProof,
  type Checkpoint,
  type ConsistencyProof,
  type InclusionProof,
  type VerifiedCheckpoint,
  type VerifiedEvent,
  type VerifyOptions,
} from './evidence.ts';
export type { SubscribeOptions, Subscription } from './subscription.ts';
export type * from './types.ts';
