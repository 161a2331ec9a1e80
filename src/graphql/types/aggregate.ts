import type {
  AggregateBucket,
  AggregatePage,
  AggregateSource,
  EventGroupValue,
  EventMeasureValue,
} from '../../core/aggregate.ts';
import { toAggregateQuery } from '../aggregate-input.ts';
import { AT_LEAST_ARGUMENT, builder, enumValues } from '../builder.ts';
import { connectionType, type Connection } from '../connection.ts';
import { cursorsOf } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { EventAggregateRef } from '../refs.ts';
import { addWorkspaceField } from '../workspace-field.ts';
import { EventAggregateInputRef, MeasureFunctionEnum } from './aggregate-input.ts';

const EventGroupValueRef = builder.objectRef<EventGroupValue>('EventGroupValue').implement({
  description: 'A value that the events of a group have in common.',
  fields: t => ({
    key: t.exposeString('key', {
      description: 'The dimension, such as `TYPE`, or the payload path with dots.',
    }),
    value: t.exposeString('value', {
      nullable: true,
      description: 'The value as text. Null for events without a value.',
    }),
  }),
});

const EventMeasureValueRef = builder.objectRef<EventMeasureValue>('EventMeasureValue').implement({
  description: 'A measure of the events of a bucket.',
  fields: t => ({
    function: t.expose('function', {
      type: MeasureFunctionEnum,
      description: 'The function that was applied to the values.',
    }),
    path: t.field({
      type: ['String'],
      nullable: true,
      description: 'The payload path of the values. Null if the measure has none.',
      resolve: ({ path }) => path,
    }),
    value: t.exposeFloat('value', {
      nullable: true,
      description:
        'The result. Null if no event had a number there, or if the result is beyond the ' +
        'range of a 64-bit float: then see `text`.',
    }),
    text: t.exposeString('text', {
      nullable: true,
      description: 'The result with every digit. Null if no event had a number there.',
    }),
    approximate: t.boolean({
      description: 'Whether the result comes from a sketch. False: it is exact.',
      resolve: ({ relativeError }) => relativeError !== null,
    }),
    relativeError: t.exposeFloat('relativeError', {
      nullable: true,
      description:
        'The relative error of an approximate result, such as 0.01 for 1 %: for ' +
        'percentiles a bound, for UNIQUE the standard error. Null for an exact result.',
    }),
  }),
});

EventAggregateRef.implement({
  description:
    'One bucket of one group. Its id identifies query, bucket and group, so that clients can ' +
    'merge live updates. It is computed and not stored, so `node` returns null for its id.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: 'The same for the same bucket and group of the same query, page or stream.',
      resolve: ({ id }) => encodeId('EventAggregate', id),
    }),
    start: t.expose('start', {
      type: 'DateTime',
      description: 'The start of the bucket: start <= occurredAt.',
    }),
    end: t.expose('end', {
      type: 'DateTime',
      description: 'The end of the bucket: occurredAt < end.',
    }),
    group: t.field({
      type: [EventGroupValueRef],
      description: 'The values that its events have in common, in the order of `groupBy`.',
      resolve: ({ group }) => group,
    }),
    isOther: t.exposeBoolean('isOther', {
      description:
        'True for the group `other`, in which a meter counts all groups beyond the ' +
        'number that it may have. Only with `approximate: true`.',
    }),
    count: t.expose('count', { type: 'SafeInt', description: 'The number of events.' }),
    measures: t.field({
      type: [EventMeasureValueRef],
      description: 'The measures, in the order of the input.',
      resolve: ({ measures }) => measures,
    }),
  }),
});

const AggregateSourceEnum = builder.enumType('AggregateSource', {
  description: 'Where aggregates were read from.',
  values: enumValues<AggregateSource>({
    ROLLUP: 'Rollups: precomputed counts, including events that were removed since.',
    METER: 'A meter: declared counts, including events that were removed since.',
    EVENTS: 'The events still kept.',
    MIXED: 'Partly rollups or a meter, partly events.',
  }),
});

interface AggregateConnection extends Connection<AggregateBucket> {
  readonly page: AggregatePage;
  readonly workspaceId: number;
}

const EventAggregateConnectionRef = connectionType<AggregateBucket, AggregateConnection>({
  node: EventAggregateRef,
  items: 'aggregates',
  fields: t => ({
    totalCount: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'The number of items on all pages. Null if counting would cost too much.',
      resolve: ({ page }) => page.totalCount,
    }),
    asOf: t.string({
      description: 'Every event up to this cursor is counted, and none after it.',
      resolve: ({ page, workspaceId }, _args, context) =>
        cursorsOf(context, workspaceId).encodePosition(page.asOf),
    }),
    source: t.field({
      type: AggregateSourceEnum,
      description:
        'Where the counts come from. ROLLUP and METER also count events that were removed since. ' +
        'EVENTS counts only events that are still kept.',
      resolve: ({ page }) => page.source,
    }),
  }),
});

addWorkspaceField('eventAggregates', {
  type: EventAggregateConnectionRef,
  scope: 'EVENTS_READ',
  description: 'Counts and measures of the events of the workspace, by bucket and group.',
  args: arg => ({
    input: arg({ type: EventAggregateInputRef, required: true, description: 'What to count.' }),
    atLeast: arg.string({ description: AT_LEAST_ARGUMENT }),
    ...arg.connectionArgs(),
  }),
  async resolve(workspaceId, { input, ...args }, { services }) {
    const page = await services.aggregates.page(workspaceId, toAggregateQuery(input), args);
    return { workspaceId, page, cursorOf: ({ cursor }) => cursor };
  },
});
