import type {
  AggregateQuery,
  EventDimension,
  Granularity,
  MeasureFunction,
} from '../../core/aggregate.ts';
import type { AggregateInput, GroupKeyInput, TimeframeInput } from '../aggregate-input.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';
import { DateTimeRangeInput, EventFilterInput } from './event-filter.ts';

const GranularityEnum = builder.enumType('Granularity', {
  description: 'How long a bucket is.',
  values: enumValues<Granularity>({
    MINUTE: 'A minute.',
    QUARTER_HOUR: 'A quarter of an hour.',
    HOUR: 'An hour.',
    DAY: 'A day, from local midnight.',
    WEEK: 'A week, from Monday.',
    MONTH: 'A month of the calendar.',
  }),
});

const AggregateFillEnum = builder.enumType('AggregateFill', {
  description: 'What becomes of buckets in which nothing happened.',
  values: enumValues<AggregateQuery['fill']>({
    NONE: 'They are left out.',
    ZERO: 'They are there with a count of 0, for each group that has any.',
  }),
});

const EventAggregateOrderEnum = builder.enumType('EventAggregateOrder', {
  description: 'The order of aggregates.',
  values: enumValues<AggregateQuery['orderBy']>({
    BUCKET: 'By the start of the bucket, then by group.',
    COUNT_DESC: 'The greatest count first: a top list, with `first` alone and no cursors.',
  }),
});

const EventDimensionEnum = builder.enumType('EventDimension', {
  description: 'A field of events by which they are grouped or told apart.',
  values: enumValues<EventDimension>({
    TYPE: 'The type.',
    SOURCE: 'The source.',
    SUBJECT: 'The subject.',
    ACTOR: 'The actor.',
    DOOR: 'The way it came in.',
    SUCCESS: 'Whether it succeeded.',
    CATEGORY: 'The category of its definition.',
  }),
});

export const MeasureFunctionEnum = builder.enumType('MeasureFunction', {
  description: 'What is made of the numbers of a bucket.',
  values: enumValues<MeasureFunction>({
    COUNT: 'How many events.',
    SUM: 'The sum.',
    MIN: 'The least.',
    MAX: 'The greatest.',
    AVG: 'The mean.',
    UNIQUE: 'How many different values.',
    P50: 'The median.',
    P90: 'The 90th percentile, interpolated.',
    P95: 'The 95th percentile, interpolated.',
    P99: 'The 99th percentile, interpolated.',
  }),
});

const TimeframeInputRef = builder.inputRef<TimeframeInput>('TimeframeInput').implement({
  isOneOf: true,
  description: 'Which events are counted, by when they occurred. Exactly one.',
  fields: t => ({
    between: t.field({
      type: DateTimeRangeInput,
      description: 'Half open, from <= occurredAt < to; both ends are required.',
    }),
    last: t.field({
      type: 'Duration',
      description: 'So long up to now: moves on in a live stream.',
    }),
  }),
});

const EventGroupKeyInput = builder.inputRef<GroupKeyInput>('EventGroupKeyInput').implement({
  isOneOf: true,
  description: 'By what events are grouped. Exactly one.',
  fields: t => ({
    dimension: t.field({ type: EventDimensionEnum, description: 'By a field of the event.' }),
    payloadPath: t.stringList({
      description: 'By a payload value: keys from the top, such as `["order", "currency"]`.',
    }),
  }),
});

const EventMeasureInput = builder.inputType('EventMeasureInput', {
  description: 'A number to be made of each bucket.',
  fields: t => ({
    function: t.field({
      type: MeasureFunctionEnum,
      required: true,
      description: 'What is made of the values.',
    }),
    payloadPath: t.stringList({
      description:
        'Keys from the top of the payload to the values, such as `["order", "total"]`. Not for ' +
        'COUNT. UNIQUE may name a dimension instead.',
    }),
    dimension: t.field({
      type: EventDimensionEnum,
      description: 'For UNIQUE alone: a field of the event.',
    }),
  }),
});

export const EventAggregateInputRef = builder
  .inputRef<AggregateInput>('EventAggregateInput')
  .implement({
    description: 'What to count.',
    fields: t => ({
      filter: t.field({ type: EventFilterInput, description: 'Which events. Default: all.' }),
      timeframe: t.field({
        type: TimeframeInputRef,
        required: true,
        description: 'When they occurred.',
      }),
      granularity: t.field({
        type: GranularityEnum,
        description: 'How long a bucket is. Default: one bucket over the whole timeframe.',
      }),
      timeZone: t.field({
        type: 'TimeZone',
        description:
          'Buckets begin at local midnight, week (Monday) or month here. Default: the ' +
          'workspace’s zone.',
      }),
      groupBy: t.field({
        type: [EventGroupKeyInput],
        description: 'By what the events of a bucket are told apart. Default: nothing.',
      }),
      measures: t.field({
        type: [EventMeasureInput],
        description: 'Numbers beside the count of each bucket. Default: none.',
      }),
      fill: t.field({
        type: AggregateFillEnum,
        required: true,
        defaultValue: 'NONE',
        description:
          'ZERO adds the buckets in which nothing happened, for each group that has any.',
      }),
      orderBy: t.field({
        type: EventAggregateOrderEnum,
        required: true,
        defaultValue: 'BUCKET',
        description: 'COUNT_DESC is a top list: `first` alone, no cursors.',
      }),
    }),
  });
