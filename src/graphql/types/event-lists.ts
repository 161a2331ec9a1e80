/** Every way to events: by id, and as lists of a workspace, a definition, a parent, a group. */
import type { StoredEvent } from '../../core/event.ts';
import type { EventOrder } from '../../read/event-reader.ts';
import { AT_LEAST_ARGUMENT, builder, enumValues } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { eventPage, noPage, relatedPage, type EventConnection } from '../event-pages.ts';
import { EventDefinitionRef, EventRef } from '../refs.ts';
import { contentShown } from '../shows-content.ts';
import { addWorkspaceField } from '../workspace-field.ts';
import { EventFilterInput } from './event-filter.ts';

const EventOrderFieldEnum = builder.enumType('EventOrderField', {
  description: 'The field that events are ordered by.',
  values: enumValues<EventOrder['field']>({
    POSITION: 'The order in which they were recorded.',
    OCCURRED_AT:
      'When they happened. Events of the same instant are in the order in which they were recorded.',
  }),
});

const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'The direction of a list.',
  values: enumValues<EventOrder['direction']>({
    ASC: 'Oldest first.',
    DESC: 'Newest first.',
  }),
});

const EventOrderInput = builder.inputType('EventOrder', {
  description:
    'The order of a list of events. A cursor is valid for one field, in both directions.',
  fields: t => ({
    field: t.field({
      type: EventOrderFieldEnum,
      required: true,
      defaultValue: 'POSITION',
      description: 'The field that they are ordered by.',
    }),
    direction: t.field({
      type: OrderDirectionEnum,
      required: true,
      defaultValue: 'DESC',
      description: 'The direction of the list.',
    }),
  }),
});

const EventConnectionRef = connectionType<StoredEvent, EventConnection>({
  node: EventRef,
  items: 'events',
  fields: t => ({
    totalCount: t.field({
      type: 'SafeInt',
      nullable: true,
      description:
        'The exact number of events on all pages. Counted only when selected. Null if counting ' +
        'would exceed the query’s time limit.',
      resolve: connection => connection.count(),
    }),
    liveCursor: t.string({
      description:
        'The newest position of the workspace when this page was read. Subscribe `after` it to ' +
        'continue without a gap, whatever the filter and order. Never null.',
      resolve: ({ liveCursor }) => liveCursor,
    }),
  }),
});

const FILTER = 'Which events. Default: all.';
const ORDER = 'The order. Default: newest position first.';

addWorkspaceField('event', {
  type: EventRef,
  nullable: true,
  scope: 'EVENTS_READ',
  description: 'An event by its event id, which its recorder chose. Null if there is none.',
  args: arg => ({ eventId: arg.string({ required: true, description: 'The event id.' }) }),
  resolve: (workspaceId, { eventId }, { loaders }, info) =>
    loaders.eventById.load({ workspaceId, eventId, content: contentShown(info) > 0 }),
});

addWorkspaceField('events', {
  type: EventConnectionRef,
  scope: 'EVENTS_READ',
  description: 'A page of the events of the workspace.',
  args: arg => ({
    filter: arg({ type: EventFilterInput, description: FILTER }),
    order: arg({ type: EventOrderInput, description: ORDER }),
    atLeast: arg.string({ description: AT_LEAST_ARGUMENT }),
    ...arg.connectionArgs(),
  }),
  resolve: (workspaceId, args, context, info) => eventPage(context, workspaceId, args, info),
});

/** What belongs together reads in the order in which it happened. */
const AS_IT_HAPPENED = { field: 'POSITION', direction: 'ASC' } as const;

builder.objectField(EventDefinitionRef, 'events', t =>
  t.field({
    type: EventConnectionRef,
    scope: 'EVENTS_READ',
    description: 'A page of the events of this type.',
    args: {
      filter: t.arg({ type: EventFilterInput, description: FILTER }),
      order: t.arg({ type: EventOrderInput, description: ORDER }),
      atLeast: t.arg.string({ description: AT_LEAST_ARGUMENT }),
      ...t.arg.connectionArgs(),
    },
    resolve: (definition, { filter = null, order = null, ...args }, context, info) => {
      const { workspaceId, id, name: type } = definition;
      const lists = { workspaceId, field: 'definitionId', value: String(id), type } as const;
      return relatedPage(context, { ...lists, filter, order, args }, info);
    },
  }),
);

builder.objectFields(EventRef, t => ({
  children: t.field({
    type: EventConnectionRef,
    scope: 'EVENTS_READ',
    description: 'Events that name this one as their parent, in the order of recording.',
    args: t.arg.connectionArgs(),
    resolve: ({ workspaceId, eventId }, args, context, info) => {
      const lists = { workspaceId, field: 'parentId', value: eventId } as const;
      return relatedPage(context, { ...lists, args, order: AS_IT_HAPPENED }, info);
    },
  }),
  groupEvents: t.field({
    type: EventConnectionRef,
    scope: 'EVENTS_READ',
    description:
      'Events with the same `groupId`, including this one, in the order of recording. Empty if ' +
      'it has no `groupId`.',
    args: t.arg.connectionArgs(),
    resolve: ({ workspaceId, groupId }, args, context, info) => {
      if (groupId === null) return noPage(context, workspaceId);
      const lists = { workspaceId, field: 'groupId', value: groupId } as const;
      return relatedPage(context, { ...lists, args, order: AS_IT_HAPPENED }, info);
    },
  }),
}));
