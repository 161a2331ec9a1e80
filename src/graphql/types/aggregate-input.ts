import type {
  AggregateQuery,
  EventDimension,
  Granularity,
  MeasureFunction,
} from '../../core/aggregate.ts';
import type { AggregateInput, GroupKeyInput, TimeframeInput } from '../aggregate-input.ts';
import { builder, enumValues } from '../builder.ts';
import { DateTimeRangeInput, EventFilterInput } from './event-filter.ts';

const GranularityEnum = builder.enumType('Granularity', {
  description: 'Length of a bucket.',
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
  description: 'What happens to buckets without events.',
  values: enumValues<AggregateQuery['fill']>({
    NONE: 'They are left out.',
    ZERO: 'They are included with a count of 0, for each group that has any events.',
  }),
});

const EventAggregateOrderEnum = builder.enumType('EventAggregateOrder', {
  description: 'The order of aggregates.',
  values: enumValues<AggregateQuery['orderBy']>({
    BUCKET: 'By the start of the bucket, then by group.',
    COUNT_DESC: 'Largest count first: a top list. It takes only `first`, and no cursors.',
  }),
});

export const EventDimensionEnum = builder.enumType('EventDimension', {
  description: 'A field of events for grouping and for UNIQUE.',
  values: enumValues<EventDimension>({
    TYPE: 'The type.',
    SOURCE: 'The source.',
    SUBJECT: 'The subject.',
    ACTOR: 'The actor.',
    DOOR: 'The API through which the event was recorded.',
    SUCCESS: 'Whether the action succeeded.',
    CATEGORY: 'The category of its definition.',
  }),
});

export const MeasureFunctionEnum = builder.enumType('MeasureFunction', {
  description: 'A function over the numbers of a bucket.',
  values: enumValues<MeasureFunction>({
    COUNT: 'The number of events.',
    SUM: 'The sum.',
    MIN: 'The minimum.',
    MAX: 'The maximum.',
    AVG: 'The mean.',
    UNIQUE: 'The number of different values.',
    P50: 'The median.',
    P90: 'The 90th percentile, interpolated.',
    P95: 'The 95th percentile, interpolated.',
    P99: 'The 99th percentile, interpolated.',
  }),
});

const TimeframeInputRef = builder.inputRef<TimeframeInput>('TimeframeInput').implement({
  isOneOf: true,
  description: 'The time in which the counted events occurred. Give exactly one field.',
  fields: t => ({
    between: t.field({
      type: DateTimeRangeInput,
      description: 'A range: from <= occurredAt < to. Both ends are required.',
    }),
    last: t.field({
      type: 'Duration',
      description: 'This length of time up to now. In a live stream it moves with time.',
    }),
  }),
});

export const EventGroupKeyInput = builder.inputRef<GroupKeyInput>('EventGroupKeyInput').implement({
  isOneOf: true,
  description: 'What events are grouped by. Give exactly one field.',
  fields: t => ({
    dimension: t.field({ type: EventDimensionEnum, description: 'A field of the event.' }),
    payloadPath: t.stringList({
      description: 'A payload value: the keys from the top, such as `["order", "currency"]`.',
    }),
  }),
});

export const EventMeasureInput = builder.inputType('EventMeasureInput', {
  description: 'A measure to compute for each bucket.',
  fields: t => ({
    function: t.field({
      type: MeasureFunctionEnum,
      required: true,
      description: 'The function to apply to the values.',
    }),
    payloadPath: t.stringList({
      description:
        'Keys from the top of the payload to the values, such as `["order", "total"]`. Not for ' +
        'COUNT. UNIQUE may name a dimension instead.',
    }),
    dimension: t.field({
      type: EventDimensionEnum,
      description: 'Only for UNIQUE: a field of the event.',
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
        description: 'Length of a bucket. Default: one bucket for the whole timeframe.',
      }),
      timeZone: t.field({
        type: 'TimeZone',
        description:
          'The time zone of the buckets. Days begin at local midnight, weeks on Monday. Default: ' +
          'the workspace’s time zone.',
      }),
      groupBy: t.field({
        type: [EventGroupKeyInput],
        description: 'How the events of a bucket are grouped. Default: not at all.',
      }),
      measures: t.field({
        type: [EventMeasureInput],
        description: 'Measures in addition to the count of each bucket. Default: none.',
      }),
      fill: t.field({
        type: AggregateFillEnum,
        required: true,
        defaultValue: 'NONE',
        description: 'ZERO adds buckets without events, for each group that has any events.',
      }),
      orderBy: t.field({
        type: EventAggregateOrderEnum,
        required: true,
        defaultValue: 'BUCKET',
        description: 'The order. COUNT_DESC is a top list: it takes only `first`, and no cursors.',
      }),
      approximate: t.boolean({
        required: true,
        defaultValue: false,
        description:
          'Whether a meter may answer approximately: UNIQUE and percentiles from ' +
          'sketches, and groups beyond its limit as one, `other`. Each value has its ' +
          'relative error.',
      }),
    }),
  });
