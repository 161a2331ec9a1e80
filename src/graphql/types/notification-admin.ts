/** `createNotificationRule`, `updateNotificationRule`, `deleteNotificationRule` and `sendTestNotification`. */
import type { Change } from '../../consume/consumer-admin.ts';
import { GatewayError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type {
  NotificationChannel,
  NotificationRule,
  NotificationThreshold,
  ThresholdComparison,
} from '../../core/notification.ts';
import { actorOf } from '../../core/principal.ts';
import type { ChatFormat, Sent, WebhookFormat } from '../../core/webhook.ts';
import type { Address } from '../../notifications/channels.ts';
import type { Tested } from '../../notifications/notifier.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { NotificationRuleRef } from '../refs.ts';
import { whileHeld } from '../while-held.ts';
import { FILTER, NAME } from './consumer-admin.ts';
import { EventFilterInput } from './event-filter.ts';
import { ThresholdComparisonEnum } from './notification-rule.ts';
import { WebhookFormatEnum } from './webhook.ts';

interface ShownRule {
  readonly workspaceId: number;
  readonly consumerId: number;
}

/** @throws GatewayError NOT_FOUND where it was deleted meanwhile */
async function ruleNow(
  { services }: GraphQLContext,
  { workspaceId, consumerId }: ShownRule,
): Promise<NotificationRule> {
  const [found] = await services.rules.byIds(workspaceId, [consumerId]);
  if (found == null) throw new GatewayError('NOT_FOUND', 'The rule was deleted.');
  return found;
}

const payload = (name: string, mutation: string) =>
  builder.objectRef<ShownRule>(name).implement({
    description: `The answer of \`${mutation}\`.`,
    fields: t => ({
      rule: t.field({
        type: NotificationRuleRef,
        description: 'The rule as it is now.',
        resolve: (shown, _args, context) => ruleNow(context, shown),
      }),
    }),
  });

const CreateNotificationRulePayload = payload(
  'CreateNotificationRulePayload',
  'createNotificationRule',
);
const UpdateNotificationRulePayload = payload(
  'UpdateNotificationRulePayload',
  'updateNotificationRule',
);

const DeleteNotificationRulePayload = builder
  .objectRef<{ deletedName: string }>('DeleteNotificationRulePayload')
  .implement({
    description: 'The answer of `deleteNotificationRule`.',
    fields: t => ({
      deletedName: t.exposeString('deletedName', { description: 'The name, which is free again.' }),
    }),
  });

/** What a test came to, without the endpoints of browsers: those are secrets of their owners. */
function addressText(address: Address): string {
  if (address.kind === 'EMAIL') return address.to.join(', ');
  return new URL(address.kind === 'WEBHOOK' ? address.url : address.target.endpoint).origin;
}

export const NotificationTestRef = builder
  .objectRef<{ readonly address: string; readonly sent: Sent }>('NotificationTest')
  .implement({
    description: 'The result of a test at one address.',
    fields: t => ({
      address: t.exposeString('address', {
        description: 'An email address, or the origin of a push service or a chat.',
      }),
      error: t.string({
        nullable: true,
        description: 'Why it failed, in words for people. Null if it was taken.',
        resolve: ({ sent }) => sent.error,
      }),
      durationMs: t.int({
        description: 'Milliseconds that it took.',
        resolve: ({ sent }) => sent.durationMs,
      }),
    }),
  });

const SendTestNotificationPayload = builder
  .objectRef<readonly Tested[]>('SendTestNotificationPayload')
  .implement({
    description: 'The answer of `sendTestNotification`.',
    fields: t => ({
      tests: t.field({
        type: [NotificationTestRef],
        description: 'One for each address. Of the browsers, the first 50.',
        resolve: tests =>
          tests.map(({ address, sent }) => ({ address: addressText(address), sent })),
      }),
    }),
  });

interface ThresholdInput {
  readonly count: number;
  readonly within: number;
  readonly comparison: ThresholdComparison;
}

const NotificationThresholdInput = builder
  .inputRef<ThresholdInput>('NotificationThresholdInput')
  .implement({
    description: 'A number of matching events within a time, to notify about.',
    fields: t => ({
      count: t.field({
        type: 'SafeInt',
        required: true,
        description: `How many events, 1 to ${LIMITS.thresholdCountMax}.`,
      }),
      within: t.field({
        type: 'Duration',
        required: true,
        description: 'Within which time, 1 second to 7 days.',
      }),
      comparison: t.field({
        type: ThresholdComparisonEnum,
        required: true,
        description: 'Whether to notify of at least so many events, or of fewer.',
      }),
    }),
  });

interface EmailInput {
  readonly to: readonly string[];
}

const EmailChannelInput = builder.inputRef<EmailInput>('EmailChannelInput').implement({
  description: 'Email. The gateway needs a mail server, `SLUICE_SMTP_URL`.',
  fields: t => ({
    to: t.stringList({
      required: true,
      description: `The addresses, 1 to ${LIMITS.emailAddressesMax}. Each gets a separate mail.`,
    }),
  }),
});

interface ChatInput {
  readonly url: string;
  readonly format: WebhookFormat;
}

const WebhookChannelInput = builder.inputRef<ChatInput>('WebhookChannelInput').implement({
  description: 'A chat, by a URL that the chat gives you.',
  fields: t => ({
    url: t.string({ required: true, description: 'An `https` URL, with the limits of a webhook.' }),
    format: t.field({
      type: WebhookFormatEnum,
      required: true,
      description: 'SLACK, DISCORD or NTFY. For other formats make a webhook.',
    }),
  }),
});

interface ChannelInput {
  readonly webPush?: boolean | null | undefined;
  readonly email?: EmailInput | null | undefined;
  readonly webhook?: ChatInput | null | undefined;
}

const NotificationChannelInput = builder
  .inputRef<ChannelInput>('NotificationChannelInput')
  .implement({
    isOneOf: true,
    description: 'A way in which people are notified. Give exactly one field.',
    fields: t => ({
      webPush: t.boolean({
        description: 'True: all browsers that were saved with a key that may read the events.',
      }),
      email: t.field({ type: EmailChannelInput, description: 'Email.' }),
      webhook: t.field({ type: WebhookChannelInput, description: 'A chat.' }),
    }),
  });

function channelOf({ webPush, email, webhook }: ChannelInput): NotificationChannel {
  if (email != null) return { kind: 'EMAIL', to: email.to };
  if (webhook != null) {
    return { kind: 'WEBHOOK', url: webhook.url, format: chatFormatOf(webhook.format) };
  }
  if (webPush === true) return { kind: 'WEB_PUSH' };
  throw new GatewayError('BAD_USER_INPUT', 'webPush expects true, but got false.');
}

function chatFormatOf(format: WebhookFormat): ChatFormat {
  if (format === 'SLACK' || format === 'DISCORD' || format === 'NTFY') return format;
  const message = `webhook.format expects SLACK, DISCORD or NTFY, but got ${format}. createWebhook sends events in that format.`;
  throw new GatewayError('BAD_USER_INPUT', message);
}

function thresholdOfInput(given: ThresholdInput | null | undefined): NotificationThreshold | null {
  if (given == null) return null;
  const { count, within: withinMs, comparison } = given;
  return { count, withinMs, comparison };
}

const CHANNELS = `How people are notified: 1 to ${LIMITS.channelsMax} channels.`;
const QUIET =
  'At most one notification is sent in this time, at most 7 days. The next one counts ' +
  'the events meanwhile.';
const THRESHOLD =
  'Notify once when so many matching events, or fewer, were recorded within a time, and ' +
  'again only after that has ended.';

const CreateNotificationRuleInput = builder.inputType('CreateNotificationRuleInput', {
  description: 'The argument of `createNotificationRule`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    name: t.string({ required: true, description: `Its name, ${NAME}.` }),
    filter: t.field({ type: EventFilterInput, description: `${FILTER} Default: all.` }),
    threshold: t.field({
      type: NotificationThresholdInput,
      description: `${THRESHOLD} Default: each matching event notifies.`,
    }),
    channels: t.field({
      type: [NotificationChannelInput],
      required: true,
      description: CHANNELS,
    }),
    quietFor: t.field({ type: 'Duration', defaultValue: 0, description: QUIET }),
    enabled: t.boolean({ defaultValue: true, description: 'Whether it notifies people.' }),
  }),
});

const UpdateNotificationRuleInput = builder.inputType('UpdateNotificationRuleInput', {
  description:
    'The argument of `updateNotificationRule`. Absent: unchanged. A threshold starts to ' +
    'count again after a change.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    rule: t.string({ required: true, description: 'Name of the rule.' }),
    name: t.string({ description: `Its new name, ${NAME}. Null: unchanged.` }),
    filter: t.field({ type: EventFilterInput, description: `${FILTER} Null: all.` }),
    threshold: t.field({
      type: NotificationThresholdInput,
      description: `${THRESHOLD} Null: each matching event notifies.`,
    }),
    channels: t.field({
      type: [NotificationChannelInput],
      description: `${CHANNELS} They replace all present ones. Null: unchanged.`,
    }),
    quietFor: t.field({ type: 'Duration', description: `${QUIET} Null: unchanged.` }),
    enabled: t.boolean({ description: 'Whether it notifies people. Null: unchanged.' }),
  }),
});

const DeleteNotificationRuleInput = builder.inputType('DeleteNotificationRuleInput', {
  description: 'The argument of `deleteNotificationRule`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    rule: t.string({ required: true, description: 'Name of the rule.' }),
  }),
});

const SendTestNotificationInput = builder.inputType('SendTestNotificationInput', {
  description: 'The argument of `sendTestNotification`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    rule: t.string({ required: true, description: 'Name of the rule.' }),
  }),
});

interface Named {
  readonly workspace?: string | null | undefined;
  readonly rule: string;
}

async function changeOf(context: GraphQLContext, { workspace, rule }: Named): Promise<Change> {
  const { id: workspaceId } = await context.access(workspace, 'ADMIN');
  return { workspaceId, name: rule, actor: actorOf(context.principal, 'ADMIN') };
}

builder.mutationFields(t => ({
  createNotificationRule: t.field({
    type: CreateNotificationRulePayload,
    scope: 'ADMIN',
    description: 'Makes a rule that notifies people of events from now on.',
    args: {
      input: t.arg({
        type: CreateNotificationRuleInput,
        required: true,
        description: 'What to make.',
      }),
    },
    resolve: async (_root, { input }, context) => {
      const { id: workspaceId } = await context.access(input.workspace, 'ADMIN');
      const consumerId = await context.services.ruleAdmin.create(
        workspaceId,
        {
          name: input.name,
          filter: input.filter ?? null,
          threshold: thresholdOfInput(input.threshold),
          channels: input.channels.map(channelOf),
          quietMs: input.quietFor ?? 0,
          isEnabled: input.enabled ?? true,
        },
        actorOf(context.principal, 'ADMIN'),
      );
      return { workspaceId, consumerId };
    },
  }),
  updateNotificationRule: t.field({
    type: UpdateNotificationRulePayload,
    scope: 'ADMIN',
    description: 'Changes the given fields of a notification rule. Its place stays.',
    args: {
      input: t.arg({
        type: UpdateNotificationRuleInput,
        required: true,
        description: 'What to change.',
      }),
    },
    resolve: async (_root, { input }, context) => {
      const change = await changeOf(context, input);
      const { name, filter, threshold, channels, quietFor, enabled } = input;
      const consumerId = await context.services.ruleAdmin.update(change, {
        ...(name != null && { newName: name }),
        ...(filter !== undefined && { filter }),
        ...(threshold !== undefined && { threshold: thresholdOfInput(threshold) }),
        ...(channels != null && { channels: channels.map(channelOf) }),
        ...(quietFor != null && { quietMs: quietFor }),
        ...(enabled != null && { isEnabled: enabled }),
      });
      return { workspaceId: change.workspaceId, consumerId };
    },
  }),
}));

builder.mutationFields(t => ({
  deleteNotificationRule: t.field({
    type: DeleteNotificationRulePayload,
    scope: 'ADMIN',
    description: 'Removes a notification rule, with the notifications that wait to be sent.',
    args: {
      input: t.arg({
        type: DeleteNotificationRuleInput,
        required: true,
        description: 'Which rule.',
      }),
    },
    resolve: async (_root, { input }, context) => {
      await context.services.ruleAdmin.remove(await changeOf(context, input));
      return { deletedName: input.rule };
    },
  }),
  sendTestNotification: t.field({
    type: SendTestNotificationPayload,
    scope: 'ADMIN',
    description:
      'Sends a test to every address of a notification rule, even while the rule is ' + 'disabled.',
    args: {
      input: t.arg({ type: SendTestNotificationInput, required: true, description: 'Which rule.' }),
    },
    resolve: async (_root, { input }, context) => {
      const change = await changeOf(context, input);
      return whileHeld(context, change.workspaceId, signal =>
        context.services.testNotification(change, signal),
      );
    },
  }),
}));
