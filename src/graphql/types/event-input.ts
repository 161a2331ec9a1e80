import { LIMITS } from '../../core/limits.ts';
import { builder } from '../builder.ts';
import type { GraphQLEventInput } from '../event-input.ts';
import { PropertyInputRef } from './event-property.ts';

const INDEXED = `At most ${LIMITS.indexedTextBytesMax} bytes of UTF-8.`;

export const EventInputRef = builder.inputRef<GraphQLEventInput>('EventInput').implement({
  description: 'An event to record. Only `type` is required. Null is the same as absent.',
  fields: t => ({
    id: t.string({
      description:
        'Its id, unique in the workspace. Recording the same id with the same content again ' +
        `stores nothing and answers DUPLICATE. At most ${LIMITS.eventIdBytesMax} bytes of UTF-8. ` +
        'Default: a new UUIDv7, so a retry records another event.',
    }),
    type: t.string({
      required: true,
      description:
        'Name of its definition, such as `user.signup` or `os/cpu`. At most ' +
        `${LIMITS.typeBytesMax} bytes of UTF-8.`,
    }),
    occurredAt: t.field({
      type: 'DateTime',
      description: 'When it happened. Default: when it is received.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When its content is removed. Default: never.',
    }),
    source: t.string({
      description: `The system, application or host that emits it. ${INDEXED}`,
    }),
    subject: t.string({ description: `What it is about. ${INDEXED}` }),
    actor: t.string({ description: `Who did it. ${INDEXED}` }),
    description: t.string({
      description:
        `What happened, in words for people. At most ${LIMITS.descriptionBytesMax} bytes of ` +
        'UTF-8.',
    }),
    icon: t.string({ description: 'Exactly one emoji.' }),
    notify: t.boolean({ description: 'Whether somebody should be notified. Default: `false`.' }),
    success: t.boolean({ description: 'Whether the action succeeded. Default: not said.' }),
    clientIp: t.string({ description: 'IPv4 or IPv6 address of the client that caused it.' }),
    parentId: t.string({
      description:
        'Event id of the event that caused it, which need not be recorded. At most ' +
        `${LIMITS.eventIdBytesMax} bytes of UTF-8.`,
    }),
    groupId: t.string({
      description:
        'Id shared by events that belong together, such as those of an execution, a trace or a ' +
        `request. ${INDEXED}`,
    }),
    payload: t.field({
      type: 'JSONObject',
      description:
        `The event’s data. At most ${LIMITS.payloadBytesMax} bytes as JSON, ` +
        `${LIMITS.payloadDepthMax} levels and ${LIMITS.payloadKeysMax} keys. Default: \`{}\`.`,
    }),
    properties: t.field({
      type: [PropertyInputRef],
      description:
        'Values whose exact type matters. They are merged into the payload, which must not have ' +
        'keys of the same names.',
    }),
  }),
});
