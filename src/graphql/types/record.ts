/** `recordEvent` and `recordEvents`. */
import { GatewayError } from '../../core/errors.ts';
import type { Receipt, ReceiptStatus } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { actorOf } from '../../core/principal.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import { sizedBy } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { toEventInputs, unreadableOf, type GraphQLEventInput } from '../event-input.ts';
import type { PlacedReceipt } from '../refs.ts';
import { EventInputRef } from './event-input.ts';
import { EventReceiptRef } from './receipt.ts';

interface Recorded {
  readonly workspaceId: number;
  readonly receipts: readonly Receipt[];
}

const RecordEventPayload = builder.objectRef<PlacedReceipt>('RecordEventPayload').implement({
  description: 'The answer of `recordEvent`.',
  fields: t => ({
    receipt: t.field({
      type: EventReceiptRef,
      description: 'What happened to the event.',
      resolve: placed => placed,
    }),
  }),
});

const RecordEventsPayload = builder.objectRef<Recorded>('RecordEventsPayload').implement({
  description: 'The answer of `recordEvents`.',
  fields: t => ({
    receipts: t.field({
      type: [EventReceiptRef],
      description: 'A receipt for each event, in the order given.',
      resolve: ({ workspaceId, receipts }) => receipts.map(receipt => ({ workspaceId, receipt })),
    }),
    recordedCount: t.int({
      description: 'The number of events that are stored now.',
      resolve: recorded => countOf(recorded, 'RECORDED'),
    }),
    duplicateCount: t.int({
      description: 'The number of events that were stored before with the same content.',
      resolve: recorded => countOf(recorded, 'DUPLICATE'),
    }),
    conflictCount: t.int({
      description:
        'The number of events that were refused because their id belongs to other content.',
      resolve: recorded => countOf(recorded, 'CONFLICT'),
    }),
    quarantinedCount: t.int({
      description: 'The number of events that are kept in quarantine.',
      resolve: recorded => countOf(recorded, 'QUARANTINED'),
    }),
    rejectedCount: t.int({
      description: 'The number of events that were refused because of their problems.',
      resolve: recorded => countOf(recorded, 'REJECTED'),
    }),
  }),
});

function countOf({ receipts }: Recorded, status: ReceiptStatus): number {
  let count = 0;
  for (const receipt of receipts) if (receipt.status === status) count += 1;
  return count;
}

const RecordEventInput = builder.inputType('RecordEventInput', {
  description: 'The argument of `recordEvent`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    event: t.field({ type: EventInputRef, required: true, description: 'The event.' }),
  }),
});

const RecordEventsInput = builder.inputType('RecordEventsInput', {
  description: 'The argument of `recordEvents`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    events: t.field({
      type: [EventInputRef],
      required: true,
      description: `The events: 1 to ${LIMITS.batchEventsMax}. They keep their order.`,
    }),
    atomic: t.boolean({
      required: true,
      defaultValue: false,
      description: 'All or nothing: one refused event refuses the whole batch.',
    }),
  }),
});

builder.mutationFields(t => ({
  recordEvent: t.field({
    type: RecordEventPayload,
    scope: 'EVENTS_WRITE',
    description:
      'Records an event. Its receipt says what happened to it. A refused event is not an error ' +
      'of the request.',
    args: {
      input: t.arg({ type: RecordEventInput, required: true, description: 'What to record.' }),
    },
    resolve: async (_root, { input: { workspace, event } }, context) => {
      requireReadable(event);
      const { workspaceId, receipts } = await record(context, { workspace, events: [event] });
      return { workspaceId, receipt: receipts[0] as Receipt };
    },
  }),
  recordEvents: t.field({
    type: RecordEventsPayload,
    scope: 'EVENTS_WRITE',
    description:
      'Records up to 10,000 events in their order. Each succeeds or fails separately, unless ' +
      '`atomic`. A value that is not valid for its scalar rejects its event, not the request. ' +
      'An event that does not fit its type (an unknown field, no type, a property of two types) ' +
      'fails the request, as the GraphQL specification requires.',
    extensions: sizedBy('input', 'events'),
    args: {
      input: t.arg({ type: RecordEventsInput, required: true, description: 'What to record.' }),
    },
    resolve: (_root, { input }, context) => record(context, input),
  }),
}));

/** There is no other event that the request could be carried out for. */
function requireReadable(event: GraphQLEventInput): void {
  const [problem] = unreadableOf(event);
  if (problem === undefined) return;
  const { message, pointer } = problem;
  throw new GatewayError('BAD_USER_INPUT', message, { extensions: { pointer } });
}

interface Request {
  readonly workspace?: string | null | undefined;
  readonly events: readonly GraphQLEventInput[];
  readonly atomic?: boolean;
}

async function record(
  { principal, access, services, door }: GraphQLContext,
  { workspace: slug, events, atomic = false }: Request,
): Promise<Recorded> {
  const workspace = await access(slug, 'EVENTS_WRITE');
  const actor = actorOf(principal, 'EVENTS_WRITE');
  await services.rateLimits.countEvents(actor.keyId, events.length);
  const inputs = toEventInputs(events);
  const receipts = await services.record({ workspace, door, events: inputs, atomic, actor });
  return { workspaceId: workspace.id, receipts };
}
