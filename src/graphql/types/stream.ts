/** The subscriptions. `src/live/PROTOCOL.md` says what a stream promises. */
import type { AggregateUpdate } from '../../core/aggregate.ts';
import { requireScope } from '../../core/principal.ts';
import type { Delivery } from '../../live/stream.ts';
import { toAggregateQuery } from '../aggregate-input.ts';
import { builder } from '../builder.ts';
import { cursorsOf } from '../context.ts';
import { enumValues } from '../enum-values.ts';
import { encodeId } from '../global-id.ts';
import { mapped } from '../mapped.ts';
import { EventAggregateRef, EventRef } from '../refs.ts';
import { openStream, type PlacedDelivery } from '../stream.ts';
import { WORKSPACE_ARGUMENT } from '../words.ts';
import { EventAggregateInputRef } from './aggregate-input.ts';
import { EventFilterInput } from './event-filter.ts';

const DeliveryKindEnum = builder.enumType('DeliveryKind', {
  description: 'What a step of a stream says.',
  values: enumValues<Delivery['kind']>({
    EVENT: 'An event.',
    CAUGHT_UP: 'History ends here, what follows is live. Once in a stream.',
    CHECKPOINT: 'Nothing up to this cursor matched: it is a better one to resume at.',
  }),
});

const StreamStartEnum = builder.enumType('StreamStart', {
  description: 'Where a stream without a cursor starts.',
  values: enumValues<'NOW' | 'BEGINNING'>({
    NOW: 'With what is recorded from now on.',
    BEGINNING: 'With the oldest event that is kept.',
  }),
});

const EventDeliveryRef = builder.objectRef<PlacedDelivery>('EventDelivery').implement({
  description: 'One step of a live stream. Its `cursor` resumes the stream right after it.',
  fields: t => ({
    kind: t.field({
      type: DeliveryKindEnum,
      description: 'What this step says.',
      resolve: ({ delivery }) => delivery.kind,
    }),
    cursor: t.string({
      description: 'Subscribe `after` it to go on right behind this step.',
      resolve: ({ workspaceId, delivery }, _args, context) =>
        cursorsOf(context, workspaceId).encodePosition(delivery.place),
    }),
    position: t.field({
      type: 'SafeInt',
      description: 'The position that the cursor stands for.',
      resolve: ({ delivery }) => delivery.place.position,
    }),
    node: t.field({
      type: EventRef,
      nullable: true,
      description: 'The event. Null unless kind is EVENT.',
      resolve: ({ delivery }) => delivery.event,
    }),
  }),
});

interface PlacedUpdate {
  readonly workspaceId: number;
  readonly update: AggregateUpdate;
}

const EventAggregateUpdateRef = builder.objectRef<PlacedUpdate>('EventAggregateUpdate').implement({
  description: 'One step of a live count.',
  fields: t => ({
    cursor: t.string({
      description: 'Every event up to this cursor is counted in, none after it.',
      resolve: ({ workspaceId, update }, _args, context) =>
        cursorsOf(context, workspaceId).encodePosition(update.place),
    }),
    snapshot: t.boolean({
      description:
        'True: these are all buckets, in place of those before. The first message is one, and so is ' +
        'the next one to a reader that was too slow. Others hold the buckets that changed, with ' +
        'their new values.',
      resolve: ({ update }) => update.snapshot,
    }),
    aggregates: t.field({
      type: [EventAggregateRef],
      description: 'The buckets, with their values as of the cursor.',
      resolve: ({ update }) => update.aggregates,
    }),
    removed: t.idList({
      description: 'Ids of buckets that left the timeframe or became empty.',
      resolve: ({ update }) => update.removed.map(id => encodeId('EventAggregate', id)),
    }),
  }),
});

builder.subscriptionFields(t => ({
  events: t.field({
    type: EventDeliveryRef,
    description:
      'Events as they are recorded: history after the cursor first, then live, in position ' +
      'order, each once. `after` and `start` exclude each other; an explicit `after: null` is ' +
      'refused, so that a lost cursor never becomes NOW unseen.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      filter: t.arg({ type: EventFilterInput, description: 'Which events. Default: all.' }),
      after: t.arg.string({
        description:
          'Start right after the event of this cursor: of a page by position, a receipt, a ' +
          'delivery, a head or `liveCursor`.',
      }),
      start: t.arg({
        type: StreamStartEnum,
        description: 'Where to start without a cursor. Default: NOW.',
      }),
      checkpoints: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether to be told now and then how far the stream has looked while nothing matched.',
      }),
    },
    subscribe: async (_root, { workspace, ...args }, context) =>
      openStream(context, await context.access(workspace, 'EVENTS_READ'), args),
    resolve: (placed: PlacedDelivery, _args, { loaders }) => {
      loaders.clear();
      return placed;
    },
  }),
  eventAggregates: t.field({
    type: EventAggregateUpdateRef,
    description:
      'Aggregates kept up to date: a snapshot, then each change. Only what rollups answer; else ' +
      'NOT_LIVE with what to drop.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      input: t.arg({
        type: EventAggregateInputRef,
        required: true,
        description: 'What to count.',
      }),
    },
    subscribe: async (_root, { workspace: slug, input }, context) => {
      const { id: workspaceId } = await context.access(slug, 'EVENTS_READ');
      const { keyId: tag } = requireScope(context.principal, 'EVENTS_READ');
      const query = toAggregateQuery(input);
      const { signal, services } = context;
      const updates = services.liveAggregates({ workspaceId, query, tag, signal });
      return mapped(updates, update => ({ workspaceId, update }));
    },
    resolve: (update: PlacedUpdate) => update,
  }),
}));
