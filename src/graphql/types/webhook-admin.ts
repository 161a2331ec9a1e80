/** `createWebhook`, `updateWebhook`, `rotateWebhookSecret` and `sendTestEvent`. The rest is as with any consumer. */
import type { Change } from '../../consume/consumer-admin.ts';
import { LIMITS } from '../../core/limits.ts';
import { actorOf } from '../../core/principal.ts';
import type { WebhookAttempt, WebhookHeader } from '../../core/webhook.ts';
import { builder } from '../builder.ts';
import { consumerNow, placeOfInput, workOn, type ShownConsumer } from '../consumers.ts';
import type { GraphQLContext } from '../context.ts';
import { ConsumerRef } from '../refs.ts';
import { whileHeld } from '../while-held.ts';
import { ATTEMPTS, deliveringFields, named, newlyNamed, payload, WHICH } from './consumer-admin.ts';
import { WebhookAttemptRef, WebhookFormatEnum } from './webhook.ts';

const SHOWN_ONCE =
  'The secret that signs requests: `whsec_` and base64. It is shown only once. Give it ' +
  'to the receiver.';

const CreateWebhookPayload = builder
  .objectRef<ShownConsumer & { readonly secret: string }>('CreateWebhookPayload')
  .implement({
    description: 'The answer of `createWebhook`.',
    fields: t => ({
      consumer: t.field({
        type: ConsumerRef,
        description: 'The consumer as it is now.',
        resolve: (shown, _args, context) => consumerNow(context, shown),
      }),
      secret: t.exposeString('secret', { description: SHOWN_ONCE }),
    }),
  });

const UpdateWebhookPayload = payload('UpdateWebhookPayload', 'updateWebhook');

const RotateWebhookSecretPayload = builder
  .objectRef<{ secret: string; previousValidUntil: Date }>('RotateWebhookSecretPayload')
  .implement({
    description: 'The answer of `rotateWebhookSecret`.',
    fields: t => ({
      secret: t.exposeString('secret', { description: SHOWN_ONCE }),
      previousValidUntil: t.expose('previousValidUntil', {
        type: 'DateTime',
        description: 'Until when requests are signed with the previous secret too.',
      }),
    }),
  });

const SendTestEventPayload = builder
  .objectRef<{ attempt: WebhookAttempt }>('SendTestEventPayload')
  .implement({
    description: 'The answer of `sendTestEvent`.',
    fields: t => ({
      attempt: t.field({
        type: WebhookAttemptRef,
        description: 'The request, and its result.',
        resolve: ({ attempt }) => attempt,
      }),
    }),
  });

interface HeaderInput {
  readonly name: string;
  readonly value: string;
  readonly secret?: boolean | null | undefined;
}

const WebhookHeaderInput = builder.inputRef<HeaderInput>('WebhookHeaderInput').implement({
  description: 'A header that a webhook sends.',
  fields: t => ({
    name: t.string({ required: true, description: 'Its name.' }),
    value: t.string({ required: true, description: 'Its value, in visible ASCII characters.' }),
    secret: t.boolean({
      defaultValue: true,
      description: 'Whether its value is never shown again.',
    }),
  }),
});

function headersOf(given: readonly HeaderInput[] | null | undefined): WebhookHeader[] {
  return (given ?? []).map(({ name, value, secret }) => ({
    name,
    value,
    isSecret: secret !== false,
  }));
}

const TIMEOUT_BY_DEFAULT_MS = 15_000;
const TIMEOUT =
  `How long the receiver has to answer, ${LIMITS.webhookTimeoutSecondsMin} to ` +
  `${LIMITS.webhookTimeoutSecondsMax} seconds.`;
const URL_FIELD =
  'Where events are sent, by POST: an `https` URL without credentials. It may not lead to a ' +
  'private or reserved address, unless `SLUICE_WEBHOOK_PRIVATE_NETWORKS` is set.';
const HEADERS = `Headers to send beside those of the gateway, at most ${LIMITS.webhookHeadersMax}.`;
const SECRET =
  `A secret of your own: \`whsec_\` and the base64 of ${LIMITS.webhookSecretBytesMin} to ` +
  `${LIMITS.webhookSecretBytesMax} bytes. By default one is made.`;

const CreateWebhookInput = builder.inputType('CreateWebhookInput', {
  description: 'The argument of `createWebhook`.',
  fields: t => ({
    ...newlyNamed(t),
    url: t.string({ required: true, description: URL_FIELD }),
    ...deliveringFields(t),
    format: t.field({
      type: WebhookFormatEnum,
      defaultValue: 'SLUICE',
      description: 'What is sent.',
    }),
    headers: t.field({ type: [WebhookHeaderInput], description: `${HEADERS} Default: none.` }),
    secret: t.string({ description: SECRET }),
    timeout: t.field({
      type: 'Duration',
      defaultValue: TIMEOUT_BY_DEFAULT_MS,
      description: TIMEOUT,
    }),
    maxAttempts: t.int({ defaultValue: 8, description: ATTEMPTS }),
  }),
});

const UpdateWebhookInput = builder.inputType('UpdateWebhookInput', {
  description:
    'The argument of `updateWebhook`. Absent or null: unchanged. What every consumer has, such as ' +
    'the filter, is changed by `updateConsumer`.',
  fields: t => ({
    ...named(t),
    url: t.string({
      description:
        `${URL_FIELD} If it has secret headers and you change the host, give the headers ` + 'too.',
    }),
    format: t.field({ type: WebhookFormatEnum, description: 'What is sent.' }),
    headers: t.field({ type: [WebhookHeaderInput], description: `${HEADERS} They replace all.` }),
    timeout: t.field({ type: 'Duration', description: TIMEOUT }),
  }),
});

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'The argument of `rotateWebhookSecret`.',
  fields: t => ({ ...named(t), secret: t.string({ description: SECRET }) }),
});

const SendTestEventInput = builder.inputType('SendTestEventInput', {
  description: 'The argument of `sendTestEvent`.',
  fields: t => named(t),
});

builder.mutationFields(t => ({
  createWebhook: t.field({
    type: CreateWebhookPayload,
    scope: 'ADMIN',
    description:
      'Makes a consumer whose events the gateway sends to a URL, as Standard Webhooks. ' +
      'It is paused, moved, changed and deleted like every consumer.',
    args: {
      input: t.arg({ type: CreateWebhookInput, required: true, description: 'What to make.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { id: workspaceId } = await context.access(input.workspace, 'ADMIN');
      const made = await context.services.webhookAdmin.create(
        workspaceId,
        {
          name: input.name,
          description: input.description ?? null,
          filter: input.filter ?? null,
          from: placeOfInput(context, workspaceId, input.from ?? { start: 'NOW' }),
          orderedBy: input.orderedBy ?? null,
          maxAttempts: input.maxAttempts ?? 8,
          url: input.url,
          format: input.format ?? 'SLUICE',
          headers: headersOf(input.headers),
          secret: input.secret ?? null,
          timeoutMs: input.timeout ?? TIMEOUT_BY_DEFAULT_MS,
        },
        actorOf(context.principal, 'ADMIN'),
      );
      return { workspaceId, ...made };
    },
  }),
  updateWebhook: t.field({
    type: UpdateWebhookPayload,
    scope: 'ADMIN',
    description: 'Changes where and how a webhook sends. Its place and its secret stay.',
    args: {
      input: t.arg({ type: UpdateWebhookInput, required: true, description: 'What to change.' }),
    },
    resolve: async (_root, { input }, context) => {
      const change = await workOn(context, input, 'ADMIN');
      const { url, format, headers, timeout } = input;
      const consumerId = await context.services.webhookAdmin.update(change, {
        ...(url != null && { url }),
        ...(format != null && { format }),
        ...(headers != null && { headers: headersOf(headers) }),
        ...(timeout != null && { timeoutMs: timeout }),
      });
      return { workspaceId: change.workspaceId, consumerId };
    },
  }),
}));

builder.mutationFields(t => ({
  rotateWebhookSecret: t.field({
    type: RotateWebhookSecretPayload,
    scope: 'ADMIN',
    description:
      'Gives a webhook a new secret. For ' +
      `${LIMITS.webhookSecretHours} hours, requests are signed with the previous secret too. An older secret ends at once.`,
    args: { input: t.arg({ type: RotateWebhookSecretInput, required: true, description: WHICH }) },
    resolve: async (_root, { input }, context) =>
      context.services.webhookAdmin.rotateSecret(
        await workOn(context, input, 'ADMIN'),
        input.secret ?? null,
      ),
  }),
  sendTestEvent: t.field({
    type: SendTestEventPayload,
    scope: 'ADMIN',
    description:
      'Sends an event of the type `sluice.webhook.test` to the receiver of a webhook, ' +
      'once, even while the webhook is paused. The event is not recorded.',
    args: { input: t.arg({ type: SendTestEventInput, required: true, description: WHICH }) },
    resolve: async (_root, { input }, context) =>
      sendTest(context, await workOn(context, input, 'ADMIN')),
  }),
}));

async function sendTest(
  context: GraphQLContext,
  which: Change,
): Promise<{ attempt: WebhookAttempt }> {
  const attempt = await whileHeld(context, which.workspaceId, signal =>
    context.services.testWebhook(which, signal),
  );
  return { attempt };
}
