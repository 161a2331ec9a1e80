import type { EventOrder } from '../../read/event-reader.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';

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

export const EventOrderInput = builder.inputType('EventOrder', {
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
