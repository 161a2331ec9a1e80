/** `NotificationRule`, its channels, and every way to it. */
import { parsePayload } from '../../core/exact-json.ts';
import {
  THRESHOLD_COMPARISONS,
  type NotificationChannel,
  type NotificationRule,
  type NotificationThreshold,
  type ThresholdComparison,
} from '../../core/notification.ts';
import type { PageArgs } from '../../core/page.ts';
import type { ChatFormat } from '../../core/webhook.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import { ruleCursor } from '../../notifications/rule-reader.ts';
import { orNull } from '../access.ts';
import { builder, enumValues, ID_FIELD, WORKSPACE_ARGUMENT } from '../builder.ts';
import { connectionType } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { NotificationRuleRef, WorkspaceRef } from '../refs.ts';
import { WebhookFormatEnum } from './webhook.ts';

export const ThresholdComparisonEnum = builder.enumType('ThresholdComparison', {
  description: 'When a threshold is crossed.',
  values: enumValues<ThresholdComparison>({
    AT_LEAST: 'When there are at least so many events within the time.',
    FEWER_THAN: 'When there are fewer events within the time.',
  } satisfies Record<(typeof THRESHOLD_COMPARISONS)[number], string>),
});

const NotificationThresholdRef = builder
  .objectRef<NotificationThreshold>('NotificationThreshold')
  .implement({
    description:
      'A number of matching events within a time. The rule notifies once when it is ' +
      'crossed, and again only after that has ended. Events count by the time when they ' +
      'were recorded.',
    fields: t => ({
      count: t.field({
        type: 'SafeInt',
        description: 'How many events.',
        resolve: ({ count }) => count,
      }),
      within: t.field({
        type: 'Duration',
        description:
          'Within which time. The window moves in steps of a sixtieth of its length, at ' +
          'least a second.',
        resolve: ({ withinMs }) => withinMs,
      }),
      comparison: t.expose('comparison', {
        type: ThresholdComparisonEnum,
        description: 'Whether it is crossed by at least so many events, or by fewer.',
      }),
    }),
  });

type Push = Extract<NotificationChannel, { readonly kind: 'WEB_PUSH' }> & {
  readonly workspaceId: number;
};
type Email = Extract<NotificationChannel, { readonly kind: 'EMAIL' }>;
type Chat = Extract<NotificationChannel, { readonly kind: 'WEBHOOK' }>;

const WebPushChannelRef = builder.objectRef<Push>('WebPushChannel').implement({
  description: 'All browsers that were saved with a key that may read the events.',
  fields: t => ({
    subscriptionCount: t.int({
      description: 'How many there are now.',
      resolve: ({ workspaceId }, _args, { loaders }) => loaders.pushCount.load(workspaceId),
    }),
  }),
});

const EmailChannelRef = builder.objectRef<Email>('EmailChannel').implement({
  description: 'Email, by the mail server of the gateway. Each address gets a separate mail.',
  fields: t => ({
    to: t.stringList({ description: 'The addresses.', resolve: ({ to }) => [...to] }),
  }),
});

const WebhookChannelRef = builder.objectRef<Chat>('WebhookChannel').implement({
  description: 'A chat, by a URL that the chat gives you.',
  fields: t => ({
    url: t.exposeString('url', { description: 'Where the message is sent, by POST.' }),
    format: t.field({
      type: WebhookFormatEnum,
      description: 'Which chat: SLACK, DISCORD or NTFY.',
      resolve: ({ format }): ChatFormat => format,
    }),
  }),
});

const CHANNEL_TYPES = {
  WEB_PUSH: 'WebPushChannel',
  EMAIL: 'EmailChannel',
  WEBHOOK: 'WebhookChannel',
} as const;

const NotificationChannelRef = builder.unionType('NotificationChannel', {
  description: 'A way in which a rule notifies people.',
  types: [WebPushChannelRef, EmailChannelRef, WebhookChannelRef],
  resolveType: ({ kind }) => CHANNEL_TYPES[kind],
});

NotificationRuleRef.implement({
  description:
    'Which events people are notified of, and how. A rule is a consumer of the kind ' +
    'NOTIFICATION with the same name. The consumer keeps the rule’s place, so nothing is ' +
    'lost while a channel is down.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, consumerId }) =>
        encodeId('NotificationRule', workspaceId, consumerId),
    }),
    workspace: t.field({
      type: WorkspaceRef,
      description: 'The workspace whose events it reports.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId);
        if (workspace === null) throw workspaceNotFound();
        return workspace;
      },
    }),
    name: t.exposeString('name', {
      description: 'Its name, unique in the workspace among all consumers.',
    }),
    enabled: t.exposeBoolean('isEnabled', {
      description:
        'Whether it notifies people. A disabled rule keeps its place, and continues ' + 'there.',
    }),
    filter: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'The `EventFilter` as it was given. Null: all events.',
      resolve: ({ filterText }) => (filterText === null ? null : parsePayload(filterText)),
    }),
    threshold: t.field({
      type: NotificationThresholdRef,
      nullable: true,
      description: 'Null: each matching event notifies.',
      resolve: ({ threshold }) => threshold,
    }),
    channels: t.field({
      type: [NotificationChannelRef],
      description: 'How people are notified.',
      resolve: ({ channels, workspaceId }) =>
        channels.map(channel =>
          channel.kind === 'WEB_PUSH' ? { ...channel, workspaceId } : channel,
        ),
    }),
    quietFor: t.field({
      type: 'Duration',
      description:
        'At most one notification is sent in this time. The next one counts the events ' +
        'meanwhile.',
      resolve: ({ quietMs }) => quietMs,
    }),
    lastNotifiedAt: t.expose('lastNotifiedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last notified. Null: never.',
    }),
    waitingCount: t.exposeInt('waitingCount', {
      description: 'Notifications that wait to be sent, or to be sent again, to one address each.',
    }),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description: 'Why the last attempt to send failed. Null after a success.',
    }),
  }),
});

const NotificationRuleConnectionRef = connectionType<NotificationRule>({
  node: NotificationRuleRef,
  items: 'notification rules, by name',
});

async function rulePage({ services }: GraphQLContext, workspaceId: number, args: PageArgs) {
  const page = await services.rules.page(workspaceId, args);
  return { page, cursorOf: ruleCursor };
}

const NAME = 'Its name, case-sensitive.';

builder.queryFields(t => ({
  notificationRule: t.field({
    type: NotificationRuleRef,
    nullable: true,
    scope: 'ADMIN',
    description: 'A notification rule by its name. Null if there is none.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      name: t.arg.string({ required: true, description: NAME }),
    },
    resolve: async (_root, { workspace, name }, context) => {
      const found = await orNull(context.access(workspace, 'ADMIN'));
      return found && context.services.rules.byName(found.id, name);
    },
  }),
  notificationRules: t.field({
    type: NotificationRuleConnectionRef,
    scope: 'ADMIN',
    description: 'A page of the notification rules of a workspace, by name.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      ...t.arg.connectionArgs(),
    },
    resolve: async (_root, { workspace, ...args }, context) => {
      const { id } = await context.access(workspace, 'ADMIN');
      return rulePage(context, id, args);
    },
  }),
}));
