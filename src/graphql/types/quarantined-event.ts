import { parsePayload } from '../../core/exact-json.ts';
import { quarantineCursor, type QuarantinePageArgs } from '../../read/quarantine.ts';
import { builder, ID_FIELD, WORKSPACE_ARGUMENT } from '../builder.ts';
import { connectionType, sizedBy } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { discardQuarantined, resubmitQuarantined } from '../quarantine.ts';
import type { PlacedReceipt } from '../refs.ts';
import { QuarantinedEventRef, WorkspaceRef } from '../refs.ts';
import { DoorEnum } from './event-filter.ts';
import { EventProblemRef, EventReceiptRef } from './receipt.ts';

QuarantinedEventRef.implement({
  description:
    'An event that is kept in quarantine because of its problems. It has no position yet.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, id }) => encodeId('QuarantinedEvent', workspaceId, id),
    }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When it was received.' }),
    door: t.expose('door', {
      type: DoorEnum,
      description: 'The API through which the event was recorded.',
    }),
    problems: t.field({
      type: [EventProblemRef],
      description: 'All its problems.',
      resolve: ({ problems }) => problems,
    }),
    event: t.field({
      type: 'JSONObject',
      description: 'The event as it was received. Integers beyond 2^53 are shown as text.',
      resolve: ({ event }, _args, { answer }) =>
        answer.holds(event.length) ? parsePayload(event) : {},
    }),
  }),
});

const QuarantinedEventConnectionRef = connectionType({
  node: QuarantinedEventRef,
  items: 'quarantined events, newest first',
});

async function quarantinedPage(
  { services, answer }: GraphQLContext,
  workspaceId: number,
  args: QuarantinePageArgs,
) {
  const page = await services.quarantine.page(workspaceId, args);
  answer.read(page.items.reduce((sum, { event }) => sum + event.length, 0));
  return { page, cursorOf: quarantineCursor };
}

const TYPE = 'Only events of this type. Default: all.';

builder.queryField('quarantinedEvents', t =>
  t.field({
    type: QuarantinedEventConnectionRef,
    scope: 'EVENTS_READ',
    description: 'A page of the quarantined events of a workspace, newest first.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      type: t.arg.string({ description: TYPE }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspace, ...args }, context) => {
      const { id } = await context.access(workspace, 'EVENTS_READ');
      return quarantinedPage(context, id, args);
    },
  }),
);

builder.objectField(WorkspaceRef, 'quarantinedEvents', t =>
  t.field({
    type: QuarantinedEventConnectionRef,
    scope: 'EVENTS_READ',
    description: 'A page of its quarantined events, newest first.',
    args: { type: t.arg.string({ description: TYPE }), ...t.arg.connectionArgs() },
    resolve: ({ id }, args, context) => quarantinedPage(context, id, args),
  }),
);

const IDS = 'Ids of quarantined events, 1 to 1,000.';

const ResubmitInput = builder.inputType('ResubmitQuarantinedEventsInput', {
  description: 'The argument of `resubmitQuarantinedEvents`.',
  fields: t => ({ ids: t.idList({ required: true, description: IDS }) }),
});

const DiscardInput = builder.inputType('DiscardQuarantinedEventsInput', {
  description: 'The argument of `discardQuarantinedEvents`.',
  fields: t => ({ ids: t.idList({ required: true, description: IDS }) }),
});

const ResubmitPayload = builder
  .objectRef<{ receipts: PlacedReceipt[] }>('ResubmitQuarantinedEventsPayload')
  .implement({
    description: 'The answer of `resubmitQuarantinedEvents`.',
    fields: t => ({
      receipts: t.field({
        type: [EventReceiptRef],
        description: 'A receipt for each id, in the order given.',
        resolve: ({ receipts }) => receipts,
      }),
    }),
  });

const DiscardPayload = builder
  .objectRef<{ discardedCount: number }>('DiscardQuarantinedEventsPayload')
  .implement({
    description: 'The answer of `discardQuarantinedEvents`.',
    fields: t => ({
      discardedCount: t.exposeInt('discardedCount', {
        description: 'The number of removed events.',
      }),
    }),
  });

builder.mutationFields(t => ({
  resubmitQuarantinedEvents: t.field({
    type: ResubmitPayload,
    scope: 'EVENTS_WRITE',
    description:
      'Records quarantined events, checked against the current definitions. Recorded events ' +
      'leave the quarantine.',
    extensions: sizedBy('input', 'ids'),
    args: {
      input: t.arg({ type: ResubmitInput, required: true, description: 'Which events.' }),
    },
    resolve: (_root, { input }, context) => resubmitQuarantined(context, input.ids),
  }),
  discardQuarantinedEvents: t.field({
    type: DiscardPayload,
    scope: 'ADMIN',
    description: 'Removes quarantined events. This cannot be undone.',
    args: {
      input: t.arg({ type: DiscardInput, required: true, description: 'Which events.' }),
    },
    resolve: (_root, { input }, context) => discardQuarantined(context, input.ids),
  }),
}));
