import type { EventOrder } from '../../read/events.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';

const EventOrderFieldEnum = builder.enumType('EventOrderField', {
  description: 'By what events are ordered.',
  values: enumValues<EventOrder['field']>({
    POSITION: 'The order in which they were recorded.',
    OCCURRED_AT: 'When they happened; at one instant the order in which they were recorded.',
  }),
});

const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list runs.',
  values: enumValues<EventOrder['direction']>({
    ASC: 'Oldest first.',
    DESC: 'Newest first.',
  }),
});

export const EventOrderInput = builder.inputType('EventOrder', {
  description: 'The order of a list of events. A cursor belongs to one field, in both directions.',
  fields: t => ({
    field: t.field({
      type: EventOrderFieldEnum,
      required: true,
      defaultValue: 'POSITION',
      description: 'By what they are ordered.',
    }),
    direction: t.field({
      type: OrderDirectionEnum,
      required: true,
      defaultValue: 'DESC',
      description: 'Which way the list runs.',
    }),
  }),
});
