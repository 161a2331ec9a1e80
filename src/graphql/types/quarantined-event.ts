import type { QuarantinedEvent } from '../../core/event.ts';
import { parsePayload } from '../../core/exact-json.ts';
import type { QuarantineProblem } from '../../core/quarantine.ts';
import { quarantineCursor } from '../../read/quarantine.ts';
import { builder, ID_FIELD } from '../builder.ts';
import { type Connection, connectionType, sizedBy } from '../connection.ts';
import { encodeId } from '../global-id.ts';
import { discardQuarantined, resubmitQuarantined } from '../quarantine.ts';
import type { PlacedReceipt } from '../refs.ts';
import { QuarantinedEventRef } from '../refs.ts';
import { addWorkspaceField } from '../workspace-field.ts';
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

const QuarantineProblemRef = builder.objectRef<QuarantineProblem>('QuarantineProblem').implement({
  description: 'Quarantined events of one type that have the same problem.',
  fields: t => ({
    type: t.exposeString('type', {
      nullable: true,
      description: 'The type that they name. Null if they name none.',
    }),
    code: t.exposeString('code', { description: 'The code of the problem.' }),
    pointer: t.exposeString('pointer', { description: 'JSON Pointer (RFC 6901) into the event.' }),
    message: t.exposeString('message', {
      description: 'The message of one of them. Others may name other values.',
    }),
    count: t.expose('count', { type: 'SafeInt', description: 'The number of events.' }),
  }),
});

interface QuarantineConnection extends Connection<QuarantinedEvent> {
  count(): Promise<number>;
  problems(): Promise<QuarantineProblem[]>;
}

const QuarantinedEventConnectionRef = connectionType<QuarantinedEvent, QuarantineConnection>({
  node: QuarantinedEventRef,
  items: 'quarantined events, newest first',
  fields: t => ({
    totalCount: t.field({
      type: 'SafeInt',
      description: 'The number of items on all pages. Counted only when selected.',
      resolve: connection => connection.count(),
    }),
    problems: t.field({
      type: [QuarantineProblemRef],
      description:
        'The problems of the items on all pages by type, code and pointer, the most frequent ' +
        'first, at most 100. Counted only when selected.',
      resolve: connection => connection.problems(),
    }),
  }),
});

addWorkspaceField('quarantinedEvents', {
  type: QuarantinedEventConnectionRef,
  scope: 'EVENTS_READ',
  description: 'A page of the quarantined events of the workspace, newest first.',
  args: arg => ({
    type: arg.string({ description: 'Only events of this type. Default: all.' }),
    code: arg.string({ description: 'Only events with a problem of this code. Default: all.' }),
    pointer: arg.string({
      description:
        'Only events with a problem at this JSON Pointer, and of `code` if given. Default: all.',
    }),
    ...arg.connectionArgs(),
  }),
  async resolve(workspaceId, args, { services, answer }) {
    const page = await services.quarantine.page(workspaceId, args);
    answer.read(page.items.reduce((sum, { event }) => sum + event.length, 0));
    return {
      page,
      cursorOf: quarantineCursor,
      count: () => services.quarantine.count(workspaceId, args),
      problems: () => services.quarantine.problems(workspaceId, args),
    };
  },
});

const IDS = 'Ids of quarantined events, 1 to 1,000.';

const ResubmitInput = builder.inputType('ResubmitQuarantinedEventsInput', {
  description: 'The argument of `resubmitQuarantinedEvents`.',
  fields: t => ({
    ids: t.idList({ required: true, description: IDS }),
    type: t.string({
      description: 'The type to record instead of the one that was sent. Only with one id.',
    }),
    payload: t.field({
      type: 'JSONObject',
      description:
        'The payload to record instead of the payload and `properties` that were sent. ' +
        'Only with one id.',
    }),
  }),
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
    resolve: (_root, { input }, context) => resubmitQuarantined(context, input.ids, input),
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
