import type { EventProblem, ReceiptStatus } from '../../core/event.ts';
import { builder, enumValues } from '../builder.ts';
import { cursorsOf, type GraphQLContext } from '../context.ts';
import type { PlacedReceipt } from '../refs.ts';
import { EventRef } from '../refs.ts';
import { contentShown } from '../shows-content.ts';

const ReceiptStatusEnum = builder.enumType('ReceiptStatus', {
  description: 'What happened to an event.',
  values: enumValues<ReceiptStatus>({
    RECORDED: 'It is stored now.',
    DUPLICATE: 'It was stored before with the same content. The receipt says where.',
    CONFLICT: 'It is refused, because its id belongs to an event with other content.',
    QUARANTINED: 'Kept in quarantine with its problems.',
    REJECTED: 'Refused: the problems say why.',
  }),
});

const ProblemSeverityEnum = builder.enumType('ProblemSeverity', {
  description: 'The severity of a problem.',
  values: enumValues<EventProblem['severity']>({
    ERROR: 'The event is not recorded, or a part of it cannot be shown.',
    WARNING: 'The event is recorded nevertheless.',
  }),
});

export const EventProblemRef = builder.objectRef<EventProblem>('EventProblem').implement({
  description: 'A problem of an event.',
  fields: t => ({
    severity: t.expose('severity', {
      type: ProblemSeverityEnum,
      description: 'A WARNING does not prevent an event from being recorded.',
    }),
    code: t.exposeString('code', {
      description: 'A stable code, such as TYPE_REQUIRED, PAYLOAD_TOO_LARGE or SCHEMA_MISMATCH.',
    }),
    message: t.exposeString('message', {
      description: 'A message for people: what was expected, and what came.',
    }),
    pointer: t.exposeString('pointer', {
      description: 'JSON Pointer (RFC 6901) into the event, such as /payload/total.',
    }),
  }),
});

export const EventReceiptRef = builder.objectRef<PlacedReceipt>('EventReceipt').implement({
  description: 'What happened to one event of a request.',
  fields: t => ({
    index: t.int({
      description: 'Index in the input, from 0.',
      resolve: ({ receipt }) => receipt.index,
    }),
    status: t.field({
      type: ReceiptStatusEnum,
      description: 'What happened to it. RECORDED means committed to disk, exactly once.',
      resolve: ({ receipt }) => receipt.status,
    }),
    eventId: t.string({
      nullable: true,
      description: 'The event’s id, as given or as generated. Null if it was refused without one.',
      resolve: ({ receipt }) => receipt.eventId,
    }),
    position: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'The position of the event with this id. Null if none is stored.',
      resolve: ({ receipt }) => receipt.position,
    }),
    cursor: t.string({
      nullable: true,
      description: 'The position as a cursor: subscribe `after` it. Null if none is stored.',
      resolve: (placed, _args, context) => cursorOf(placed, context),
    }),
    event: t.field({
      type: EventRef,
      nullable: true,
      scope: 'EVENTS_READ',
      description: 'The stored event with this id. Null if none is stored.',
      resolve: ({ workspaceId, receipt }, _args, { loaders }, info) => {
        const { position, recordedAt } = receipt;
        return position === null || recordedAt === null
          ? null
          : loaders.eventAt.load({
              workspaceId,
              position,
              recordedAt,
              content: contentShown(info) > 0,
            });
      },
    }),
    problems: t.field({
      type: [EventProblemRef],
      description: 'All its problems. Empty if there are none.',
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
