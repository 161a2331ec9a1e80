/** `Webhook`, its attempts, and the field of a consumer that leads to them. */
import { checkCount } from '../../core/consumer.ts';
import { LIMITS } from '../../core/limits.ts';
import type { WebhookAttempt, WebhookFormat, WebhookHeader } from '../../core/webhook.ts';
import { builder, enumValues } from '../builder.ts';
import { sizedByNumber } from '../connection.ts';
import { ConsumerRef, WebhookRef } from '../refs.ts';

export const WebhookFormatEnum = builder.enumType('WebhookFormat', {
  description: 'What a webhook sends.',
  values: enumValues<WebhookFormat>({
    SLUICE:
      '`{ type, timestamp, data }` in JSON, as Standard Webhooks defines it. `data` is ' +
      'the event with its fields as GraphQL shows them.',
    CLOUDEVENTS: 'A structured CloudEvent 1.0.',
    SLACK: 'A message for an incoming webhook of Slack.',
    DISCORD: 'A message for a webhook of Discord.',
    NTFY: 'A message for a topic of ntfy.',
  }),
});

const WebhookHeaderRef = builder.objectRef<WebhookHeader>('WebhookHeader').implement({
  description: 'A header that a webhook sends.',
  fields: t => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    value: t.string({
      nullable: true,
      description: 'Its value. Null if it is secret.',
      resolve: ({ isSecret, value }) => (isSecret ? null : value),
    }),
    secret: t.exposeBoolean('isSecret', { description: 'Whether its value is never shown.' }),
  }),
});

export const WebhookAttemptRef = builder.objectRef<WebhookAttempt>('WebhookAttempt').implement({
  description: 'A request that a webhook made, and its result.',
  fields: t => ({
    id: t.id({
      description: 'Identifies the attempt.',
      resolve: ({ consumerId, number }) => `${consumerId}-${number}`,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it began.' }),
    eventId: t.exposeString('eventId', { description: '`eventId` of the event that was sent.' }),
    position: t.field({
      type: 'SafeInt',
      description: 'Position of that event. 0 for a test.',
      resolve: ({ position }) => position,
    }),
    attempt: t.exposeInt('attempt', {
      description: 'The number of the attempt to send this event, from 1.',
    }),
    status: t.exposeInt('status', {
      nullable: true,
      description: 'HTTP status of the answer. Null if there was none.',
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Why it failed, in words for people. Null if it succeeded.',
    }),
    durationMs: t.exposeInt('durationMs', { description: 'Milliseconds that it took.' }),
    response: t.exposeString('response', {
      nullable: true,
      description: `The first ${LIMITS.webhookResponseBytesMax} bytes of the answer. Null if there was none.`,
    }),
  }),
});

const ATTEMPTS_BY_DEFAULT = 20;
const ATTEMPTS_MAX = LIMITS.webhookAttemptsMax;

WebhookRef.implement({
  description:
    'Where the gateway sends the events of a consumer. An event is delivered when the receiver ' +
    'answers with a status 2xx in time.',
  fields: t => ({
    url: t.exposeString('url', { description: 'Where events are sent, by POST.' }),
    format: t.expose('format', { type: WebhookFormatEnum, description: 'What is sent.' }),
    headers: t.field({
      type: [WebhookHeaderRef],
      description: 'Headers that are sent beside those of the gateway.',
      resolve: ({ headers }) => [...headers],
    }),
    timeout: t.field({
      type: 'Duration',
      description: 'How long the receiver has to answer.',
      resolve: ({ timeoutMs }) => timeoutMs,
    }),
    recentAttempts: t.field({
      type: [WebhookAttemptRef],
      description: `Its newest attempts, newest first. ${ATTEMPTS_MAX} are kept.`,
      extensions: sizedByNumber(ATTEMPTS_BY_DEFAULT, 'first'),
      args: {
        first: t.arg.int({
          defaultValue: ATTEMPTS_BY_DEFAULT,
          description: `The maximum number of attempts, 1 to ${ATTEMPTS_MAX}.`,
        }),
      },
      resolve: ({ workspaceId, consumerId }, { first }, { services }) => {
        const count = first ?? ATTEMPTS_BY_DEFAULT;
        checkCount('first', count, ATTEMPTS_MAX);
        return services.webhooks.attempts(workspaceId, consumerId, count);
      },
    }),
  }),
});

builder.objectField(ConsumerRef, 'webhook', t =>
  t.field({
    type: WebhookRef,
    nullable: true,
    scope: 'ADMIN',
    description: 'Where its events are sent. Null unless its kind is WEBHOOK.',
    resolve: ({ kind, workspaceId, id }, _args, { loaders }) =>
      kind === 'WEBHOOK' ? loaders.webhook.load({ workspaceId, id }) : null,
  }),
);
