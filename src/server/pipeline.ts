import type { GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Tenant } from '../core/fairness.ts';
import type { Principal } from '../core/principal.ts';
import type { Admission } from './admission.ts';
import type { Call } from './call.ts';
import type { Log } from './log.ts';
import type { OperationParams } from './params.ts';
import type { ServerSettings } from './settings.ts';
import type { SharedResults } from './shared-results.ts';

/** What Yoga carries from the first plugin to the last, beside what it puts there itself. */
export interface CallContext {
  readonly call: Call;
}

export interface OperationContext extends CallContext {
  readonly params: OperationParams;
  principal: Principal | null;
}

export type EdgePlugin = Plugin<OperationContext, CallContext>;

/** Who calls, and what resolvers get to see: the composition root decides. */
export interface PipelineOptions {
  readonly schema: GraphQLSchema;
  /** Shared by all that is served. */
  readonly admission: Admission;
  /**
   * The key's owner; null where no key was sent.
   * @throws GatewayError UNAUTHENTICATED for a key that is not valid, RATE_LIMITED,
   * SERVICE_UNAVAILABLE when nothing can be told.
   */
  readonly authenticate: (call: Call) => Promise<Principal | null>;
  /** Whom a call is for, as far as that is known before `authenticate`. */
  readonly tenantOf?: (call: Call) => Tenant;
  /** A plain object: its own properties are copied into the context of the operation. */
  readonly createContext: (call: Call, principal: Principal | null) => object | Promise<object>;
  /** The `id:` of a step of a stream, which an EventSource sends back as Last-Event-ID. */
  readonly eventIdOf?: (step: unknown) => string | undefined;
  /** Absent: one of its own. */
  readonly sharedResults?: SharedResults;
  readonly log: Log;
  readonly settings: ServerSettings;
}
