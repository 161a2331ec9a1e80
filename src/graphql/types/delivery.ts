/** What workers do: `pullEvents`, the three mutations that settle, and the subscription `deliveries`. */
import type { Settled } from '../../consume/settler.ts';
import type { Lease } from '../../core/consumer.ts';
import { LIMITS } from '../../core/limits.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import { sizedByNumber } from '../connection.ts';
import { consumerNow, workOn, type ShownConsumer } from '../consumers.ts';
import { cursorsOf } from '../context.ts';
import { ConsumerRef, EventRef } from '../refs.ts';

const DeliveryRef = builder.objectRef<Lease>('Delivery').implement({
  description: 'An event that a worker has until it settles it, or until the lease runs out.',
  fields: t => ({
    token: t.exposeString('token', {
      description: 'Settles the delivery. It is valid only for this lease.',
    }),
    attempt: t.exposeInt('attempt', {
      description: 'The number of the delivery of this event, from 1.',
    }),
    leasedUntil: t.expose('leasedUntil', {
      type: 'DateTime',
      description: 'When the lease runs out. Then the event may be delivered to another worker.',
    }),
    leaseDuration: t.field({
      type: 'Duration',
      description:
        'How long the lease lasts from its beginning, for workers whose clock may ' +
        'differ. They extend the lease in time.',
      resolve: ({ leaseMs }) => leaseMs,
    }),
    cursor: t.string({
      description: 'The position of the event as a cursor.',
      resolve: ({ event }, _args, context) =>
        cursorsOf(context, event.workspaceId).encodePosition(event),
    }),
    event: t.field({ type: EventRef, description: 'The event.', resolve: ({ event }) => event }),
  }),
});

const CONSUMER = 'Name of the consumer.';
const AS_NOW = 'The consumer as it is now.';
const { pullEventsMax, pullWaitSecondsMax, retryDelaySecondsMax } = LIMITS;
const PULLED_BY_DEFAULT = 100;

interface Pulled extends ShownConsumer {
  readonly leases: readonly Lease[];
}

const PullEventsPayload = builder.objectRef<Pulled>('PullEventsPayload').implement({
  description: 'The answer of `pullEvents`.',
  fields: t => ({
    deliveries: t.field({
      type: [DeliveryRef],
      description:
        'The deliveries that the worker has now, in the order of positions. Empty: ' +
        'nothing is due.',
      resolve: ({ leases }) => leases as Lease[],
    }),
    consumer: t.field({
      type: ConsumerRef,
      description: AS_NOW,
      resolve: (pulled, _args, context) => consumerNow(context, pulled),
    }),
  }),
});

type SettledHere = Settled & ShownConsumer;

const EXPIRED =
  'Tokens that are no longer valid: the delivery was settled before, its lease ran out ' +
  'and another worker has it, or the consumer was moved.';

/** What settling deliveries answers: how many, which tokens did nothing, and the consumer. */
function settledPayload(mutation: string, count: string, description: string) {
  const name = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Payload`;
  return builder.objectRef<SettledHere>(name).implement({
    description: `The answer of \`${mutation}\`.`,
    fields: t => ({
      [count]: t.exposeInt('count', { description }),
      expiredTokens: t.stringList({ description: EXPIRED, resolve: ({ expired }) => [...expired] }),
      consumer: t.field({
        type: ConsumerRef,
        description: AS_NOW,
        resolve: (settled, _args, context) => consumerNow(context, settled),
      }),
    }),
  });
}

const AcknowledgeDeliveriesPayload = settledPayload(
  'acknowledgeDeliveries',
  'acknowledgedCount',
  'How many were acknowledged.',
);
const ReleaseDeliveriesPayload = settledPayload(
  'releaseDeliveries',
  'releasedCount',
  'How many were released or parked.',
);

const ExtendDeliveriesPayload = builder
  .objectRef<SettledHere>('ExtendDeliveriesPayload')
  .implement({
    description: 'The answer of `extendDeliveries`.',
    fields: t => ({
      extendedCount: t.exposeInt('count', { description: 'How many leases were extended.' }),
      expiredTokens: t.stringList({ description: EXPIRED, resolve: ({ expired }) => [...expired] }),
    }),
  });

const TOKENS = `Tokens of deliveries, 1 to ${pullEventsMax}.`;

const PullEventsInput = builder.inputType('PullEventsInput', {
  description: 'The argument of `pullEvents`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    consumer: t.string({ required: true, description: CONSUMER }),
    first: t.int({
      defaultValue: PULLED_BY_DEFAULT,
      description:
        `The maximum number of events, 1 to ${pullEventsMax}. If events are large, an ` +
        'answer has fewer.',
    }),
    wait: t.field({
      type: 'Duration',
      defaultValue: 0,
      description:
        'How long to wait if nothing is due. The answer comes with the first event. At ' +
        `most ${pullWaitSecondsMax} seconds.`,
    }),
  }),
});

const AcknowledgeDeliveriesInput = builder.inputType('AcknowledgeDeliveriesInput', {
  description: 'The argument of `acknowledgeDeliveries`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    consumer: t.string({ required: true, description: CONSUMER }),
    tokens: t.stringList({ required: true, description: TOKENS }),
  }),
});

const ReleaseDeliveriesInput = builder.inputType('ReleaseDeliveriesInput', {
  description: 'The argument of `releaseDeliveries`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    consumer: t.string({ required: true, description: CONSUMER }),
    tokens: t.stringList({ required: true, description: TOKENS }),
    delay: t.field({
      type: 'Duration',
      description:
        `The delay until it is delivered again, at most ${retryDelaySecondsMax / 86_400} days. ` +
        'Default: 1 second, doubled with each attempt up to 5 minutes.',
    }),
    reason: t.string({
      description: 'Why, in words for people. It is shown when the delivery is parked.',
    }),
    park: t.boolean({
      defaultValue: false,
      description: 'Whether to park it now, without more attempts.',
    }),
  }),
});

const ExtendDeliveriesInput = builder.inputType('ExtendDeliveriesInput', {
  description: 'The argument of `extendDeliveries`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    consumer: t.string({ required: true, description: CONSUMER }),
    tokens: t.stringList({ required: true, description: TOKENS }),
    leaseDuration: t.field({
      type: 'Duration',
      description: 'How long from now. Default: the lease duration of the consumer.',
    }),
  }),
});

builder.mutationFields(t => ({
  pullEvents: t.field({
    type: PullEventsPayload,
    scope: 'EVENTS_CONSUME',
    description:
      'Leases due events to the caller alone: first those that are delivered again, then ' +
      'new ones. So several workers can share one consumer.',
    extensions: sizedByNumber(PULLED_BY_DEFAULT, 'input', 'first'),
    args: { input: t.arg({ type: PullEventsInput, required: true, description: 'What to pull.' }) },
    resolve: async (_root, { input }, context) => {
      const work = await workOn(context, input, 'EVENTS_CONSUME');
      const { consumerId, leases } = await context.services.consume.pull(work, {
        first: input.first ?? PULLED_BY_DEFAULT,
        waitMs: input.wait ?? 0,
        signal: context.signal,
        onWait: () => context.leaveWork(),
      });
      context.answer.read(leases.reduce((sum, { event }) => sum + event.payload.length, 0));
      return { workspaceId: work.workspaceId, consumerId, leases };
    },
  }),
  acknowledgeDeliveries: t.field({
    type: AcknowledgeDeliveriesPayload,
    scope: 'EVENTS_CONSUME',
    description:
      'Settles deliveries: their events are not delivered again. A lease that has run out still ' +
      `counts while no other worker has the event.`,
    args: {
      input: t.arg({ type: AcknowledgeDeliveriesInput, required: true, description: 'Which.' }),
    },
    resolve: async (_root, { input }, context) => {
      const work = await workOn(context, input, 'EVENTS_CONSUME');
      const settled = await context.services.consume.acknowledge(work, input.tokens);
      return { ...settled, workspaceId: work.workspaceId };
    },
  }),
  releaseDeliveries: t.field({
    type: ReleaseDeliveriesPayload,
    scope: 'EVENTS_CONSUME',
    description:
      'Gives deliveries back, to be delivered again after a while. A delivery that has ' +
      'had all its attempts is parked.',
    args: {
      input: t.arg({ type: ReleaseDeliveriesInput, required: true, description: 'Which.' }),
    },
    resolve: async (_root, { input }, context) => {
      const work = await workOn(context, input, 'EVENTS_CONSUME');
      const settled = await context.services.consume.release(work, input.tokens, {
        delayMs: input.delay ?? null,
        reason: input.reason ?? null,
        isPark: input.park === true,
      });
      return { ...settled, workspaceId: work.workspaceId };
    },
  }),
  extendDeliveries: t.field({
    type: ExtendDeliveriesPayload,
    scope: 'EVENTS_CONSUME',
    description: `Keeps deliveries for longer.`,
    args: {
      input: t.arg({ type: ExtendDeliveriesInput, required: true, description: 'Which.' }),
    },
    resolve: async (_root, { input }, context) => {
      const work = await workOn(context, input, 'EVENTS_CONSUME');
      const leaseMs = input.leaseDuration ?? null;
      const settled = await context.services.consume.extend(work, input.tokens, leaseMs);
      return { ...settled, workspaceId: work.workspaceId };
    },
  }),
}));

builder.subscriptionField('deliveries', t =>
  t.field({
    type: DeliveryRef,
    scope: 'EVENTS_CONSUME',
    description:
      'Events as they become due, leased to this subscription. Settle them with the ' +
      'mutations. The end of the subscription does not end the leases.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      consumer: t.arg.string({ required: true, description: CONSUMER }),
      window: t.arg.int({
        defaultValue: PULLED_BY_DEFAULT,
        description:
          `The maximum number of unsettled deliveries, 1 to ${pullEventsMax}. The next ` +
          'one comes when one of them is settled.',
      }),
    },
    subscribe: async (_root, { workspace, consumer, window }, context) => {
      const work = await workOn(context, { workspace, consumer }, 'EVENTS_CONSUME');
      return context.services.consume.leases(work, window ?? PULLED_BY_DEFAULT, context.signal);
    },
    resolve: (lease: Lease, _args, { loaders }) => {
      loaders.clear();
      return lease;
    },
  }),
);
