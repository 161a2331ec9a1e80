import { LIMITS } from '../../core/limits.ts';
import { builder } from '../builder.ts';
import type { GraphQLEventInput } from '../event-input.ts';
import { PropertyInputRef } from './property-input.ts';

const INDEXED = `At most ${LIMITS.indexedTextBytesMax} bytes of UTF-8.`;

export const EventInputRef = builder.inputRef<GraphQLEventInput>('EventInput').implement({
  description: 'An event to be recorded. Only `type` is required; null is the same as absent.',
  fields: t => ({
    id: t.string({
      description:
        'Unique in the workspace: recording the same id and content again stores nothing and ' +
        `answers DUPLICATE. At most ${LIMITS.eventIdBytesMax} bytes of UTF-8. Default: a UUIDv7 ` +
        'is made, and a retry is another event.',
    }),
    type: t.string({
      required: true,
      description:
        'Name of its definition, such as `user.signup` or `os/cpu`. At most ' +
        `${LIMITS.typeBytesMax} bytes of UTF-8.`,
    }),
    occurredAt: t.field({
      type: 'DateTime',
      description: 'When it happened. Default: when it comes in.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'After this its content is removed. Default: never.',
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
    notify: t.boolean({ description: 'Whether to notify somebody of it. Default: `false`.' }),
    success: t.boolean({ description: 'Whether what it tells of succeeded. Default: neither.' }),
    clientIp: t.string({ description: 'IPv4 or IPv6 address of the client that caused it.' }),
    parentId: t.string({
      description:
        'Event id of the event that caused it, recorded or not. At most ' +
        `${LIMITS.eventIdBytesMax} bytes of UTF-8.`,
    }),
    groupId: t.string({
      description:
        'Correlation id shared by events that belong together: an execution, a trace, a ' +
        `request. ${INDEXED}`,
    }),
    payload: t.field({
      type: 'JSONObject',
      description:
        `What is to be said of it: at most ${LIMITS.payloadBytesMax} bytes as JSON, ` +
        `${LIMITS.payloadDepthMax} levels and ${LIMITS.payloadKeysMax} keys. Default: \`{}\`.`,
    }),
    properties: t.field({
      type: [PropertyInputRef],
      description:
        'Values whose exact type matters; merged into the payload, where their names must not ' +
        'stand already.',
    }),
  }),
});
