/**
 * Subscriptions. Where a source says who sees the same of its steps (an `EventStream`), each step
 * is executed and written once for all who ask the same; elsewhere for each reader.
 */
import { createSourceEventStream, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { GraphQLContext } from '../graphql/context.ts';
import { EventStream } from '../graphql/stream.ts';
import type { Call } from '../http/call.ts';
import { hasOutage, type Asker, type RawResult } from '../http/errors.ts';
import type { Delivery } from '../live/stream.ts';
import type { Log } from '../observability/log.ts';
import type { Variables } from './executor/selection.ts';
import type { Operation } from './operation.ts';
import { sharedKey } from './shared-key.ts';
import type { SharedResults } from './shared-results.ts';
import { WrittenResult, writeResult, type ResultSource } from './written-result.ts';

export interface SubscribeOptions {
  readonly schema: GraphQLSchema;
  /** The `id:` of a step of a stream, which an EventSource sends back as Last-Event-ID. */
  readonly eventIdOf?: (step: unknown) => string | undefined;
  readonly log: Log;
}

/** Steps that a reader takes at once. */
const BATCH = 64;
/** A step whose look-ups find the database away is tried again; clients hear of it only then. */
const OUTAGE_MS = 120_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;

export interface Subscription {
  readonly operation: Operation;
  readonly call: Pick<Call, 'requestId' | 'work'>;
  readonly context: GraphQLContext;
  /** As they were sent. */
  readonly variables: Variables;
}

export type Subscribe = (subscription: Subscription) => Promise<ResultSource | ExecutionResult>;

export function createSubscribe(options: SubscribeOptions, shared: SharedResults): Subscribe {
  return async subscription => {
    checkBytes(subscription.call);
    const source = await openSource(options.schema, subscription);
    if (!(Symbol.asyncIterator in source)) return source;
    if (source instanceof EventStream) return shareSteps(source, subscription, options, shared);
    return ownSteps(source[Symbol.asyncIterator](), subscription, options);
  };
}

function openSource(schema: GraphQLSchema, { operation, context, variables }: Subscription) {
  return createSourceEventStream({
    schema,
    document: operation.document,
    operationName: operation.node.name?.value,
    contextValue: context,
    variableValues: { ...variables },
  });
}

/** What a subscription was asked with is held until it ends, also what nobody looks at. */
function checkBytes({ work }: Subscription['call']): void {
  const { subscriptionBytesMax } = LIMITS;
  const bytes = work?.bytes ?? 0;
  if (bytes <= subscriptionBytesMax) return;
  const message = `A request that subscribes may have ${subscriptionBytesMax} bytes, but has ${bytes}.`;
  throw new GatewayError('PAYLOAD_TOO_LARGE', message);
}

function shareSteps(
  source: EventStream,
  subscription: Subscription,
  options: SubscribeOptions,
  shared: SharedResults,
): ResultSource {
  const { operation, variables } = subscription;
  const asked = sharedKey(operation.document, operation.node.name?.value, variables);
  const plan = shared.join(`${source.audience}\n${asked}`);
  let isLeft = false;

  function makeAll(deliveries: readonly Delivery[]): (WrittenResult | Promise<WrittenResult>)[] {
    // Made with the first step that nobody has made: steps that are made together look up together.
    let context: GraphQLContext | undefined;
    return deliveries.map(delivery => {
      const make = () => {
        context ??= source.sharedContext();
        const step = source.placed(delivery);
        const asker = { requestId: randomUUID(), log: options.log };
        return makeResult({ ...subscription, context }, step, asker, options);
      };
      return delivery.event === null ? make() : shared.of(plan, delivery.event, make);
    });
  }

  return {
    async nextBatch() {
      const made = makeAll(await source.nextBatch(BATCH));
      return made.every(isWritten) ? made : Promise.all(made.map(async each => each));
    },
    async return() {
      if (!isLeft) shared.leave(plan);
      isLeft = true;
      await source.return();
    },
  };
}

function isWritten(made: WrittenResult | Promise<WrittenResult>): made is WrittenResult {
  return made instanceof WrittenResult;
}

function ownSteps(
  steps: AsyncIterator<unknown>,
  subscription: Subscription,
  options: SubscribeOptions,
): ResultSource {
  const asker = { requestId: subscription.call.requestId, log: options.log };
  return {
    async nextBatch() {
      const step = await steps.next();
      if (step.done === true) return [];
      return [await makeResult(subscription, step.value, asker, options)];
    },
    async return() {
      await steps.return?.();
    },
  };
}

function makeResult(
  { operation, context, variables }: Subscription,
  rootValue: unknown,
  asker: Asker,
  { eventIdOf }: SubscribeOptions,
): WrittenResult | Promise<WrittenResult> {
  const eventId = eventIdOf?.(rootValue);
  const executeOnce = () => operation.execute({ context, variables, rootValue });
  const result = executeOnce();
  if (!(result instanceof Promise) && result.errors === undefined) {
    return writeResult(result, asker, eventId);
  }
  return throughOutage(result, executeOnce).then(settled => writeResult(settled, asker, eventId));
}

/** A stream that waits for the database does so without an error, also in its look-ups. */
async function throughOutage(
  first: ExecutionResult | Promise<ExecutionResult>,
  again: () => ExecutionResult | Promise<ExecutionResult>,
): Promise<RawResult> {
  const untilMs = Date.now() + OUTAGE_MS;
  let result = await first;
  for (let waitMs = RETRY_MIN_MS; hasOutage(result) && Date.now() < untilMs; waitMs *= 2) {
    await sleep(Math.min(waitMs, RETRY_MAX_MS), undefined, { ref: false });
    result = await again();
  }
  return result;
}
