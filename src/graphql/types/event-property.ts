import type { EventProperty, PropertyType } from '../../core/event.ts';
import { builder, enumValues } from '../builder.ts';
import type { PropertyInput } from '../event-input.ts';

const PropertyTypeEnum = builder.enumType('PropertyType', {
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

const NAME = 'Its key in the payload.';

const BooleanPropertyInput = builder.inputType('BooleanPropertyInput', {
  description: 'A boolean payload value.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.boolean({ required: true, description: 'The value.' }),
  }),
});

const DatePropertyInput = builder.inputType('DatePropertyInput', {
  description: 'An instant as a payload value. The payload has it as text.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.field({ type: 'DateTime', required: true, description: 'The value.' }),
  }),
});

const DoublePropertyInput = builder.inputType('DoublePropertyInput', {
  description: 'A floating point number as a payload value. The nearest double is stored.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.float({ required: true, description: 'The value.' }),
  }),
});

const IntegerPropertyInput = builder.inputType('IntegerPropertyInput', {
  description: 'A whole number of 32 bits as a payload value.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.int({ required: true, description: 'The value: -2147483648 to 2147483647.' }),
  }),
});

const LongPropertyInput = builder.inputType('LongPropertyInput', {
  description: 'A 64-bit integer as a payload value.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.string({
      required: true,
      description:
        'The value in decimal digits: -9223372036854775808 to 9223372036854775807. Every digit ' +
        'is kept.',
    }),
  }),
});

const StringPropertyInput = builder.inputType('StringPropertyInput', {
  description: 'Text as a payload value.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    value: t.string({ required: true, description: 'The value.' }),
  }),
});

const ExactPropertyInput = builder.inputType('ExactPropertyInput', {
  description:
    'A payload value in the form of `properties` of an event, so that you can copy it ' +
    'from one event to another.',
  fields: t => ({
    name: t.string({ required: true, description: NAME }),
    type: t.field({ type: PropertyTypeEnum, required: true, description: 'Its type.' }),
    values: t.stringList({
      required: true,
      description: 'The exact value as text; a list property has one entry per value.',
    }),
    list: t.boolean({
      description: 'Whether it is a list. Default: true unless there is exactly one value.',
    }),
  }),
});

export const PropertyInputRef = builder.inputRef<PropertyInput>('PropertyInput').implement({
  isOneOf: true,
  description:
    'A payload value whose exact type matters. Give exactly one type. Several values of the ' +
    'same name become a list.',
  fields: t => ({
    boolean: t.field({ type: BooleanPropertyInput, description: 'A boolean.' }),
    date: t.field({ type: DatePropertyInput, description: 'An instant.' }),
    double: t.field({ type: DoublePropertyInput, description: 'A 64-bit floating point number.' }),
    float: t.field({ type: DoublePropertyInput, description: 'A 32-bit floating point number.' }),
    integer: t.field({ type: IntegerPropertyInput, description: 'A 32-bit integer.' }),
    long: t.field({ type: LongPropertyInput, description: 'A 64-bit integer.' }),
    string: t.field({ type: StringPropertyInput, description: 'Text.' }),
    exact: t.field({
      type: ExactPropertyInput,
      description: 'A value of any type, as text: also lists of one, NaN and the infinities.',
    }),
  }),
});
