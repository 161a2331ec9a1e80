/** The subscriptions. `src/live/PROTOCOL.md` says what a stream promises. */
import type { AggregateUpdate } from '../../core/aggregate.ts';
import type { Delivery } from '../../live/stream.ts';
import { requireKey } from '../access.ts';
import { toAggregateQuery } from '../aggregate-input.ts';
import { builder, enumValues, WORKSPACE_ARGUMENT } from '../builder.ts';
import { cursorsOf } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { EventAggregateRef, EventRef } from '../refs.ts';
import { mapped, openStream, type PlacedDelivery } from '../stream.ts';
import { EventAggregateInputRef } from './aggregate-input.ts';
import { EventFilterInput } from './event-filter.ts';

const DeliveryKindEnum = builder.enumType('DeliveryKind', {
  description: 'What a step of a stream reports.',
  values: enumValues<Delivery['kind']>({
    EVENT: 'An event.',
    CAUGHT_UP: 'History ends here, and live events follow. Once in a stream.',
    CHECKPOINT: 'No event up to this cursor matched, so it is a better cursor to resume at.',
  }),
});

export const StreamStartEnum = builder.enumType('StreamStart', {
  description: 'Where a stream or a consumer without a cursor starts.',
  values: enumValues<'NOW' | 'BEGINNING'>({
    NOW: 'With events that are recorded from now on.',
    BEGINNING: 'With the oldest event that is kept.',
  }),
});

const EventDeliveryRef = builder.objectRef<PlacedDelivery>('EventDelivery').implement({
  description: 'One step of a live stream. Its `cursor` resumes the stream right after it.',
  fields: t => ({
    kind: t.field({
      type: DeliveryKindEnum,
      description: 'What this step reports.',
      resolve: ({ delivery }) => delivery.kind,
    }),
    cursor: t.string({
      description: 'Subscribe `after` it to continue right after this step.',
      resolve: ({ workspaceId, delivery }, _args, context) =>
        cursorsOf(context, workspaceId).encodePosition(delivery.place),
    }),
    position: t.field({
      type: 'SafeInt',
      description: 'The position of the cursor.',
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
  description: 'One step of a live aggregate.',
  fields: t => ({
    cursor: t.string({
      description: 'Every event up to this cursor is counted, and none after it.',
      resolve: ({ workspaceId, update }, _args, context) =>
        cursorsOf(context, workspaceId).encodePosition(update.place),
    }),
    snapshot: t.boolean({
      description:
        'True for the first message, which has every bucket, and for the next message to ' +
        'a reader that was too slow. They replace all earlier buckets. Other messages ' +
        'have the buckets that changed, with their new values.',
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
    scope: 'EVENTS_READ',
    description:
      'Events as they are recorded: first history after the cursor, then live, in the ' +
      'order of positions, each event once. A stream with `after` continues there. ' +
      '`start` says where a stream without `after` begins. A client can send both each ' +
      'time.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      filter: t.arg({ type: EventFilterInput, description: 'Which events. Default: all.' }),
      after: t.arg.string({
        description:
          'Start right after the event of this cursor. It may come from a page by position, a ' +
          'receipt, a delivery, `headCursor` or `liveCursor`. Null: as `start` says.',
      }),
      start: t.arg({
        type: StreamStartEnum,
        description: 'Where to start without `after`. Default: NOW.',
      }),
      checkpoints: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether to report from time to time how far the stream has read while no event matched.',
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
    scope: 'EVENTS_READ',
    description:
      'Aggregates that are kept up to date: first a snapshot, then each change. Only for ' +
      'aggregates that rollups or a meter can answer. Otherwise the error NOT_LIVE says what to ' +
      'remove, or which meter to make.',
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
      const { keyId: tag } = requireKey(context);
      const query = toAggregateQuery(input);
      const { signal, services } = context;
      const updates = services.liveAggregates({ workspaceId, query, tag, signal });
      return mapped(updates, update => ({ workspaceId, update }));
    },
    resolve: (update: PlacedUpdate) => update,
  }),
}));
