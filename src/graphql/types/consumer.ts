/** `Consumer`, its parked deliveries, and every field that leads to them. */
import { consumerCursor, parkedCursor } from '../../consume/consumer-reader.ts';
import {
  type Consumer,
  type ConsumerKind,
  type ConsumerOrder,
  type ParkedDelivery,
} from '../../core/consumer.ts';
import { parsePayload } from '../../core/exact-json.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import { SEES_CONSUMERS } from '../access.ts';
import { builder, enumValues, ID_FIELD } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { cursorsOf } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { ConsumerRef, EventRef, ParkedDeliveryRef, WorkspaceRef } from '../refs.ts';
import { addWorkspaceField } from '../workspace-field.ts';

const ConsumerKindEnum = builder.enumType('ConsumerKind', {
  description: 'Who works for a consumer.',
  values: enumValues<ConsumerKind>({
    PULL: 'Workers that pull and acknowledge.',
    WEBHOOK: 'The gateway, which sends each event to an address.',
    NOTIFICATION: 'The gateway, which notifies people.',
  }),
});

const ConsumerStatusEnum = builder.enumType('ConsumerStatus', {
  description: 'Whether a consumer hands out events.',
  values: enumValues<'ACTIVE' | 'PAUSED'>({
    ACTIVE: 'It hands out events.',
    PAUSED: 'It hands out nothing. It keeps its place, and continues there when it is resumed.',
  }),
});

export const ConsumerOrderEnum = builder.enumType('ConsumerOrder', {
  description:
    'Events with an equal value are delivered one after the other, in the order of their ' +
    'positions: each waits until the previous one is acknowledged or parked. Events ' +
    'without the value do not wait.',
  values: enumValues<ConsumerOrder>({
    WORKSPACE: 'All events of the workspace, one at a time.',
    SUBJECT: 'Events of an equal `subject`.',
    ACTOR: 'Events of an equal `actor`.',
    GROUP: 'Events of an equal `groupId`.',
    SOURCE: 'Events of an equal `source`.',
  }),
});

ParkedDeliveryRef.implement({
  description:
    'A delivery that failed as often as its consumer allows, or was refused for good. It is kept ' +
    'until it is delivered again or discarded, or its event is removed.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, consumerId, event }) =>
        encodeId('ParkedDelivery', workspaceId, consumerId, event.position),
    }),
    event: t.field({ type: EventRef, description: 'The event.', resolve: ({ event }) => event }),
    attempts: t.exposeInt('attempts', { description: 'How often it was delivered.' }),
    parkedAt: t.expose('parkedAt', { type: 'DateTime', description: 'When it was parked.' }),
    reason: t.exposeString('reason', {
      description: 'Why, in the worker’s words. If the worker gave no reason, in the gateway’s.',
    }),
  }),
});

const ParkedDeliveryConnectionRef = connectionType<ParkedDelivery>({
  node: ParkedDeliveryRef,
  items: 'parked deliveries, in the order of positions',
});

ConsumerRef.implement({
  description:
    'A named place in a workspace’s log that the gateway keeps, with the deliveries that ' +
    'are not settled yet. Each event that matches is delivered until a worker ' +
    'acknowledges it, or until it is parked.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, id }) => encodeId('Consumer', workspaceId, id),
    }),
    workspace: t.field({
      type: WorkspaceRef,
      description: 'The workspace whose events it delivers.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId);
        if (workspace === null) throw workspaceNotFound();
        return workspace;
      },
    }),
    name: t.exposeString('name', { description: 'Its name, unique in the workspace.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'Its purpose, in words for people.',
    }),
    filter: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'The `EventFilter` as it was given. Null: all events.',
      resolve: ({ filterText }) => (filterText === null ? null : parsePayload(filterText)),
    }),
    kind: t.expose('kind', { type: ConsumerKindEnum, description: 'Who works for it.' }),
    status: t.field({
      type: ConsumerStatusEnum,
      description: 'Whether it hands out events.',
      resolve: ({ isPaused }) => (isPaused ? 'PAUSED' : 'ACTIVE'),
    }),
    pausedReason: t.exposeString('pausedReason', {
      nullable: true,
      description: 'Why it is paused, in words for people. Null while it is ACTIVE.',
    }),
    orderedBy: t.expose('orderedBy', {
      type: ConsumerOrderEnum,
      nullable: true,
      description: 'The order that it keeps. Null: none, so no event waits for another.',
    }),
  }),
});

builder.objectFields(ConsumerRef, t => ({
  leaseDuration: t.field({
    type: 'Duration',
    description:
      'How long a worker may hold a delivery. If it is neither settled nor extended by ' +
      'then, the event is delivered again.',
    resolve: ({ leaseMs }) => leaseMs,
  }),
  maxAttempts: t.exposeInt('maxAttempts', {
    description: 'How often an event is delivered before it is parked.',
  }),
  settledPosition: t.field({
    type: 'SafeInt',
    description: 'Every matching event up to this position is acknowledged or parked.',
    resolve: ({ settled }) => settled.position,
  }),
  cursor: t.string({
    description:
      '`settledPosition` as a cursor. A page, a stream or an export can continue from it.',
    resolve: (consumer, _args, context) =>
      cursorsOf(context, consumer.workspaceId).encodePosition(consumer.settled),
  }),
  lagEvents: t.field({
    type: 'SafeInt',
    description: 'Positions between `settledPosition` and the newest event, matching or not.',
    resolve: ({ head, settled }) => Math.max(0, head - settled.position),
  }),
  gonePosition: t.field({
    type: 'SafeInt',
    nullable: true,
    description:
      'The first position that retention removed before it was settled. Events from ' +
      'there on are missing, and nothing is delivered until somebody seeks. Null: ' +
      'nothing is missing.',
    resolve: ({ gonePosition }) => gonePosition,
  }),
  inFlightCount: t.exposeInt('inFlightCount', {
    description: 'Deliveries that workers have now.',
  }),
  retryingCount: t.exposeInt('retryingCount', {
    description: 'Deliveries that wait for a retry, or for an earlier one of their order.',
  }),
  parkedCount: t.field({
    type: 'SafeInt',
    description: 'Parked deliveries.',
    resolve: ({ parkedCount }) => parkedCount,
  }),
  parkedDeliveries: t.field({
    type: ParkedDeliveryConnectionRef,
    description: 'A page of its parked deliveries, in the order of positions.',
    args: t.arg.connectionArgs(),
    resolve: async ({ workspaceId, id }, args, { services, answer }) => {
      const page = await services.consumers.parked(workspaceId, id, args);
      answer.read(page.items.reduce((sum, { event }) => sum + event.payload.length, 0));
      return { page, cursorOf: parkedCursor };
    },
  }),
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  updatedAt: t.expose('updatedAt', {
    type: 'DateTime',
    description: 'When it was changed, paused, resumed or moved last.',
  }),
}));

const ConsumerConnectionRef = connectionType<Consumer>({
  node: ConsumerRef,
  items: 'consumers, by name',
});

addWorkspaceField('consumer', {
  type: ConsumerRef,
  nullable: true,
  scope: SEES_CONSUMERS,
  description: 'A consumer by its name. Null if there is none.',
  args: arg => ({ name: arg.string({ required: true, description: 'Its name, case-sensitive.' }) }),
  resolve: (workspaceId, { name }, { services }) => services.consumers.byName(workspaceId, name),
});

addWorkspaceField('consumers', {
  type: ConsumerConnectionRef,
  scope: SEES_CONSUMERS,
  description: 'A page of the consumers of the workspace, by name.',
  args: arg => arg.connectionArgs(),
  async resolve(workspaceId, args, { services }) {
    const page = await services.consumers.page(workspaceId, args);
    return { page, cursorOf: consumerCursor };
  },
});
