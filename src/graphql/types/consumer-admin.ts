/** What an administrator does: makes, changes, moves and pauses consumers, and handles what is parked. */
import { LIMITS } from '../../core/limits.ts';
import { actorOf } from '../../core/principal.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import type { ApiSchema } from '../connection.ts';
import {
  consumerNow,
  parkedPositions,
  placeOfInput,
  workOn,
  type PlaceInput,
  type ShownConsumer,
} from '../consumers.ts';
import { ConsumerRef } from '../refs.ts';
import { ConsumerOrderEnum } from './consumer.ts';
import { EventFilterInput } from './event-filter.ts';
import { StreamStartEnum } from './stream.ts';

export const payload = (name: string, mutation: string) =>
  builder.objectRef<ShownConsumer>(name).implement({
    description: `The answer of \`${mutation}\`.`,
    fields: t => ({
      consumer: t.field({
        type: ConsumerRef,
        description: 'The consumer as it is now.',
        resolve: (shown, _args, context) => consumerNow(context, shown),
      }),
    }),
  });

const CreateConsumerPayload = payload('CreateConsumerPayload', 'createConsumer');
const UpdateConsumerPayload = payload('UpdateConsumerPayload', 'updateConsumer');
const PauseConsumerPayload = payload('PauseConsumerPayload', 'pauseConsumer');
const ResumeConsumerPayload = payload('ResumeConsumerPayload', 'resumeConsumer');
const SeekConsumerPayload = payload('SeekConsumerPayload', 'seekConsumer');

const DeleteConsumerPayload = builder
  .objectRef<{ deletedName: string }>('DeleteConsumerPayload')
  .implement({
    description: 'The answer of `deleteConsumer`.',
    fields: t => ({
      deletedName: t.exposeString('deletedName', { description: 'The name, which is free again.' }),
    }),
  });

const RedeliverParkedPayload = builder
  .objectRef<{ count: number }>('RedeliverParkedPayload')
  .implement({
    description: 'The answer of `redeliverParked`.',
    fields: t => ({
      redeliveredCount: t.exposeInt('count', { description: 'How many are delivered again.' }),
    }),
  });

const DiscardParkedPayload = builder
  .objectRef<{ count: number }>('DiscardParkedPayload')
  .implement({
    description: 'The answer of `discardParked`.',
    fields: t => ({
      discardedCount: t.exposeInt('count', { description: 'How many were removed.' }),
    }),
  });

const ConsumerPlaceInput = builder.inputRef<PlaceInput>('ConsumerPlace').implement({
  isOneOf: true,
  description: 'A place in the log. Give exactly one field.',
  fields: t => ({
    start: t.field({ type: StreamStartEnum, description: 'One end of the log.' }),
    after: t.string({
      description:
        'Right after the event of this cursor, from a page by position, a receipt, a stream or a ' +
        'consumer.',
    }),
    at: t.field({
      type: 'DateTime',
      description: 'Right before the first event that was recorded then or later.',
    }),
  }),
});

type Fields = PothosSchemaTypes.InputFieldBuilder<ApiSchema, 'InputObject'>;

export const NAME = `unique in the workspace, 1 to ${LIMITS.consumerNameBytesMax} bytes of UTF-8`;
export const FILTER =
  'Which events. The limits are those of the filter of a stream. An event is judged when ' +
  'the consumer reaches it.';
const LEASE = 'How long a worker may hold a delivery, 1 second to 12 hours.';
export const ATTEMPTS = `How often an event is delivered before it is parked, 1 to ${LIMITS.attemptsMax}.`;

export const named = (t: Fields) => ({
  workspace: t.string({ description: WORKSPACE_ARGUMENT }),
  consumer: t.string({ required: true, description: 'Name of the consumer.' }),
});

export const newlyNamed = (t: Fields) => ({
  workspace: t.string({ description: WORKSPACE_ARGUMENT }),
  name: t.string({ required: true, description: `Its name, ${NAME}.` }),
  description: t.string({ description: 'Its purpose, in words for people.' }),
});

/** Which events a new consumer delivers, from where, in which order. */
export const deliveringFields = (t: Fields) => ({
  filter: t.field({ type: EventFilterInput, description: `${FILTER} Default: all.` }),
  from: t.field({
    type: ConsumerPlaceInput,
    defaultValue: { start: 'NOW' },
    description: 'Where it begins.',
  }),
  orderedBy: t.field({
    type: ConsumerOrderEnum,
    description: 'The order that it keeps. It cannot be changed. Default: none.',
  }),
});

const CreateConsumerInput = builder.inputType('CreateConsumerInput', {
  description: 'The argument of `createConsumer`.',
  fields: t => ({
    ...newlyNamed(t),
    ...deliveringFields(t),
    leaseDuration: t.field({ type: 'Duration', defaultValue: 30_000, description: LEASE }),
    maxAttempts: t.int({ defaultValue: 8, description: ATTEMPTS }),
  }),
});

const UpdateConsumerInput = builder.inputType('UpdateConsumerInput', {
  description: 'The argument of `updateConsumer`. Absent: unchanged.',
  fields: t => ({
    ...named(t),
    name: t.string({ description: `Its new name, ${NAME}. Null: unchanged.` }),
    description: t.string({ description: 'Its purpose. Null: none.' }),
    filter: t.field({
      type: EventFilterInput,
      description: `${FILTER} What it has delivered stays delivered. Null: all.`,
    }),
    leaseDuration: t.field({
      type: 'Duration',
      description: `${LEASE} For a webhook it follows from its timeout. Null: unchanged.`,
    }),
    maxAttempts: t.int({ description: `${ATTEMPTS} Null: unchanged.` }),
  }),
});

const DeleteConsumerInput = builder.inputType('DeleteConsumerInput', {
  description: 'The argument of `deleteConsumer`.',
  fields: t => named(t),
});

const PauseConsumerInput = builder.inputType('PauseConsumerInput', {
  description: 'The argument of `pauseConsumer`.',
  fields: t => ({
    ...named(t),
    reason: t.string({ description: 'Why, in words for people.' }),
  }),
});

const ResumeConsumerInput = builder.inputType('ResumeConsumerInput', {
  description: 'The argument of `resumeConsumer`.',
  fields: t => named(t),
});

const SeekConsumerInput = builder.inputType('SeekConsumerInput', {
  description: 'The argument of `seekConsumer`.',
  fields: t => ({
    ...named(t),
    to: t.field({ type: ConsumerPlaceInput, required: true, description: 'Where it continues.' }),
  }),
});

const IDS = 'Ids of parked deliveries, 1 to 1,000. Null: all.';

const RedeliverParkedInput = builder.inputType('RedeliverParkedInput', {
  description: 'The argument of `redeliverParked`.',
  fields: t => ({ ...named(t), ids: t.idList({ description: IDS }) }),
});

const DiscardParkedInput = builder.inputType('DiscardParkedInput', {
  description: 'The argument of `discardParked`.',
  fields: t => ({ ...named(t), ids: t.idList({ description: IDS }) }),
});

export const WHICH = 'Which consumer.';

builder.mutationFields(t => ({
  createConsumer: t.field({
    type: CreateConsumerPayload,
    scope: 'ADMIN',
    description: `Makes a consumer, for workers that pull.`,
    args: {
      input: t.arg({ type: CreateConsumerInput, required: true, description: 'What to make.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { id: workspaceId } = await context.access(input.workspace, 'ADMIN');
      const actor = actorOf(context.principal, 'ADMIN');
      const consumerId = await context.services.consumerAdmin.create(
        workspaceId,
        {
          name: input.name,
          description: input.description ?? null,
          kind: 'PULL',
          filter: input.filter ?? null,
          from: placeOfInput(context, workspaceId, input.from ?? { start: 'NOW' }),
          orderedBy: input.orderedBy ?? null,
          leaseMs: input.leaseDuration ?? 30_000,
          maxAttempts: input.maxAttempts ?? 8,
        },
        actor,
      );
      return { workspaceId, consumerId };
    },
  }),
  updateConsumer: t.field({
    type: UpdateConsumerPayload,
    scope: 'ADMIN',
    description: `Changes the given fields of a consumer. Its place stays.`,
    args: {
      input: t.arg({ type: UpdateConsumerInput, required: true, description: 'What to change.' }),
    },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const { name, description, filter, leaseDuration, maxAttempts } = input;
      const consumerId = await context.services.consumerAdmin.update(change, {
        ...(name != null && { newName: name }),
        ...(description !== undefined && { description }),
        ...(filter !== undefined && { filter }),
        ...(leaseDuration != null && { leaseMs: leaseDuration }),
        ...(maxAttempts != null && { maxAttempts }),
      });
      return { workspaceId: change.workspaceId, consumerId };
    },
  }),
  deleteConsumer: t.field({
    type: DeleteConsumerPayload,
    scope: 'ADMIN',
    description: `Removes a consumer, with what it has parked.`,
    args: { input: t.arg({ type: DeleteConsumerInput, required: true, description: WHICH }) },
    resolve: async (_root, { input }, context) => {
      await context.services.consumerAdmin.remove(await workOn(context, input, 'ADMIN'));
      return { deletedName: input.consumer };
    },
  }),
}));

builder.mutationFields(t => ({
  pauseConsumer: t.field({
    type: PauseConsumerPayload,
    scope: 'ADMIN',
    description:
      'Stops a consumer from handing out events until it is resumed. Workers can settle ' +
      'the deliveries that they have.',
    args: { input: t.arg({ type: PauseConsumerInput, required: true, description: WHICH }) },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const { consumerAdmin } = context.services;
      const consumerId = await consumerAdmin.pause(change, input.reason ?? null);
      return { workspaceId: change.workspaceId, consumerId };
    },
  }),
  resumeConsumer: t.field({
    type: ResumeConsumerPayload,
    scope: 'ADMIN',
    description: 'Lets a paused consumer continue where it stopped.',
    args: { input: t.arg({ type: ResumeConsumerInput, required: true, description: WHICH }) },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const consumerId = await context.services.consumerAdmin.resume(change);
      return { workspaceId: change.workspaceId, consumerId };
    },
  }),
  seekConsumer: t.field({
    type: SeekConsumerPayload,
    scope: 'ADMIN',
    description:
      'Moves a consumer: back, to deliver events again, or ahead, to skip events. Leases ' +
      'and retries are dropped. Parked deliveries stay parked.',
    args: { input: t.arg({ type: SeekConsumerInput, required: true, description: 'Where to.' }) },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const { workspaceId } = change;
      const to = placeOfInput(context, workspaceId, input.to);
      const consumerId = await context.services.consumerAdmin.seek(change, to);
      return { workspaceId, consumerId };
    },
  }),
  redeliverParked: t.field({
    type: RedeliverParkedPayload,
    scope: 'ADMIN',
    description: 'Delivers parked events again. Their attempts are counted from the beginning.',
    args: { input: t.arg({ type: RedeliverParkedInput, required: true, description: 'Which.' }) },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const positions = await parkedPositions(context, change, input.ids);
      return { count: await context.services.consumerAdmin.redeliver(change, positions) };
    },
  }),
  discardParked: t.field({
    type: DiscardParkedPayload,
    scope: 'ADMIN',
    description: `Removes parked deliveries. Their events stay in the log.`,
    args: { input: t.arg({ type: DiscardParkedInput, required: true, description: 'Which.' }) },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const positions = await parkedPositions(context, change, input.ids);
      return { count: await context.services.consumerAdmin.discard(change, positions) };
    },
  }),
}));
