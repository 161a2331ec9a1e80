import type { EventProperty, PropertyType } from '../../core/event.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';

export const PropertyTypeEnum = builder.enumType('PropertyType', {
  description: 'The exact type of a payload value, with more types than JSON has.',
  values: enumValues<PropertyType>({
    BOOLEAN: '`true` or `false`.',
    DATE: 'An instant, RFC 3339.',
    DOUBLE: 'A 64-bit floating point number, also `NaN`, `Infinity` and `-Infinity`.',
    FLOAT: 'A 32-bit floating point number.',
    INTEGER: 'A whole number of 32 bits: -2147483648 to 2147483647.',
    LONG: 'A whole number of 64 bits: -9223372036854775808 to 9223372036854775807.',
    STRING: 'Text.',
    JSON: 'Anything else, as JSON text: an object, null, or a list of several types.',
  }),
});

export const EventPropertyRef = builder.objectRef<EventProperty>('EventProperty').implement({
  description: 'A top-level value of an event’s payload with its exact type.',
  fields: t => ({
    name: t.exposeString('name', { description: 'Its key in the payload.' }),
    type: t.expose('type', {
      type: PropertyTypeEnum,
      description: 'Its type, as recorded, or inferred from the JSON.',
    }),
    values: t.exposeStringList('values', {
      description: 'The exact value as text. A list has one entry for each value.',
    }),
  }),
});
