import type { EventProblem, ReceiptStatus } from '../../core/event.ts';
import { requireScope } from '../../core/principal.ts';
import { builder } from '../builder.ts';
import { cursorsOf, type GraphQLContext } from '../context.ts';
import { enumValues } from '../enum-values.ts';
import type { PlacedReceipt } from '../placed.ts';
import { EventRef } from '../refs.ts';
import { contentShown } from '../shows-content.ts';

const ReceiptStatusEnum = builder.enumType('ReceiptStatus', {
  description: 'What became of an event.',
  values: enumValues<ReceiptStatus>({
    RECORDED: 'Stored now.',
    DUPLICATE: 'Stored before, with the same content: the receipt tells where.',
    CONFLICT: 'The id stands for other content: refused.',
    QUARANTINED: 'Kept aside with its problems.',
    REJECTED: 'Refused: the problems say why.',
  }),
});

const ProblemSeverityEnum = builder.enumType('ProblemSeverity', {
  description: 'How much a problem weighs.',
  values: enumValues<EventProblem['severity']>({
    ERROR: 'It keeps the event from being recorded, or a part of it from being shown.',
    WARNING: 'The event is recorded all the same.',
  }),
});

export const EventProblemRef = builder.objectRef<EventProblem>('EventProblem').implement({
  description: 'Something that is wrong with an event.',
  fields: t => ({
    severity: t.expose('severity', {
      type: ProblemSeverityEnum,
      description: 'A WARNING does not keep an event from being recorded.',
    }),
    code: t.exposeString('code', {
      description: 'Stable, such as TYPE_REQUIRED, PAYLOAD_TOO_LARGE, SCHEMA_MISMATCH.',
    }),
    message: t.exposeString('message', {
      description: 'For people: what was expected, and what came.',
    }),
    pointer: t.exposeString('pointer', {
      description: 'JSON Pointer (RFC 6901) into the event, such as /payload/total.',
    }),
  }),
});

export const EventReceiptRef = builder.objectRef<PlacedReceipt>('EventReceipt').implement({
  description: 'What became of one event of a request.',
  fields: t => ({
    index: t.int({
      description: 'Place in the input, from 0.',
      resolve: ({ receipt }) => receipt.index,
    }),
    status: t.field({
      type: ReceiptStatusEnum,
      description: 'What became of it. RECORDED means committed to disk, exactly once.',
      resolve: ({ receipt }) => receipt.status,
    }),
    eventId: t.string({
      nullable: true,
      description: 'The event’s id: as given, or as made. Null where it was refused without one.',
      resolve: ({ receipt }) => receipt.eventId,
    }),
    position: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'The position of the event of this id. Null where none is stored.',
      resolve: ({ receipt }) => receipt.position,
    }),
    cursor: t.string({
      nullable: true,
      description: 'The same as a cursor: subscribe `after` it. Null where none is stored.',
      resolve: (placed, _args, context) => cursorOf(placed, context),
    }),
    event: t.field({
      type: EventRef,
      nullable: true,
      description: 'The stored event of this id; needs the scope EVENTS_READ. Null for none.',
      resolve: ({ workspaceId, receipt }, _args, { principal, loaders }, info) => {
        const { position, recordedAt } = receipt;
        requireScope(principal, 'EVENTS_READ');
        return position === null || recordedAt === null
          ? null
          : loaders.eventAt.load({
              ...{ workspaceId, position, recordedAt },
              content: contentShown(info) > 0,
            });
      },
    }),
    problems: t.field({
      type: [EventProblemRef],
      description: 'All that is wrong with it; empty for nothing.',
      resolve: ({ receipt }) => receipt.problems,
    }),
  }),
});

function cursorOf(
  { workspaceId, receipt: { position, recordedAt } }: PlacedReceipt,
  context: GraphQLContext,
): string | null {
  if (position === null || recordedAt === null) return null;
  return cursorsOf(context, workspaceId).encodePosition({ position, recordedAt });
}
