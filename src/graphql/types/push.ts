/** Browsers that take Web Push: those of the calling key. */
import { GatewayError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { actorOf } from '../../core/principal.ts';
import type { Sent } from '../../core/webhook.ts';
import type { PushSubscription } from '../../notifications/subscriptions.ts';
import { requireKey } from '../access.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import { whileHeld } from '../while-held.ts';
import { NotificationTestRef } from './notification-admin.ts';

const PushSubscriptionRef = builder.objectRef<PushSubscription>('PushSubscription').implement({
  description: 'A browser that takes notifications by Web Push, for what a key may read.',
  fields: t => ({
    endpoint: t.exposeString('endpoint', {
      description: 'The URL at which its push service takes messages. It identifies the browser.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was saved first.' }),
  }),
});

const SavePushSubscriptionPayload = builder
  .objectRef<PushSubscription>('SavePushSubscriptionPayload')
  .implement({
    description: 'The answer of `savePushSubscription`.',
    fields: t => ({
      subscription: t.field({
        type: PushSubscriptionRef,
        description: 'The subscription as it is kept.',
        resolve: subscription => subscription,
      }),
    }),
  });

const DeletePushSubscriptionPayload = builder
  .objectRef<{ isDeleted: boolean }>('DeletePushSubscriptionPayload')
  .implement({
    description: 'The answer of `deletePushSubscription`.',
    fields: t => ({
      deleted: t.exposeBoolean('isDeleted', { description: 'Whether there was one.' }),
    }),
  });

const SendTestPushPayload = builder
  .objectRef<{ address: string; sent: Sent }>('SendTestPushPayload')
  .implement({
    description: 'The answer of `sendTestPush`.',
    fields: t => ({
      test: t.field({
        type: NotificationTestRef,
        description: 'The result.',
        resolve: test => test,
      }),
    }),
  });

interface KeysInput {
  readonly p256dh: string;
  readonly auth: string;
}

const PushSubscriptionKeysInput = builder
  .inputRef<KeysInput>('PushSubscriptionKeysInput')
  .implement({
    description: 'Keys of a browser’s subscription.',
    fields: t => ({
      p256dh: t.string({ required: true, description: 'A point of P-256 in base64url, 65 bytes.' }),
      auth: t.string({ required: true, description: 'A secret of 16 bytes in base64url.' }),
    }),
  });

const SavePushSubscriptionInput = builder.inputType('SavePushSubscriptionInput', {
  description:
    'The argument of `savePushSubscription`: what `JSON.stringify` makes of a `PushSubscription` of ' +
    'a browser that was made with `pushPublicKey` as its `applicationServerKey`.',
  fields: t => ({
    endpoint: t.string({
      required: true,
      description: 'An `https` URL of a push service. It may not lead to a private address.',
    }),
    expirationTime: t.float({
      description:
        'Browsers send it. It is ignored: the push service says when the subscription ' +
        'has ended.',
    }),
    keys: t.field({
      type: PushSubscriptionKeysInput,
      required: true,
      description: 'What messages are encrypted with.',
    }),
  }),
});

const DeletePushSubscriptionInput = builder.inputType('DeletePushSubscriptionInput', {
  description: 'The argument of `deletePushSubscription`.',
  fields: t => ({
    endpoint: t.string({ required: true, description: 'The endpoint of the subscription.' }),
  }),
});

const SendTestPushInput = builder.inputType('SendTestPushInput', {
  description: 'The argument of `sendTestPush`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    endpoint: t.string({
      required: true,
      description: 'The endpoint of a subscription of the key.',
    }),
  }),
});

builder.queryFields(t => ({
  pushPublicKey: t.field({
    type: 'String',
    scope: 'EVENTS_READ',
    description:
      'The key by which push services know this gateway (VAPID, RFC 8292), in base64url: the ' +
      '`applicationServerKey` of `PushManager.subscribe`.',
    resolve: (_root, _args, { services }) => services.pushPublicKey,
  }),
  pushSubscriptions: t.field({
    type: [PushSubscriptionRef],
    scope: 'EVENTS_READ',
    description: `The browsers of the calling key, the newest first, at most ${LIMITS.pushSubscriptionsMax}.`,
    resolve: (_root, _args, context) =>
      context.services.pushSubscriptions.list(requireKey(context).keyId),
  }),
}));

builder.mutationFields(t => ({
  savePushSubscription: t.field({
    type: SavePushSubscriptionPayload,
    scope: 'EVENTS_READ',
    description:
      'Lets a browser take notifications of events that the calling key may read, until ' +
      'it is deleted, the browser ends it, or the key ends. A key has at most ' +
      `${LIMITS.pushSubscriptionsMax}: a further one replaces the oldest.`,
    args: {
      input: t.arg({
        type: SavePushSubscriptionInput,
        required: true,
        description: 'The subscription.',
      }),
    },
    resolve: (_root, { input }, { services, principal }) => {
      const { endpoint, keys } = input;
      const actor = actorOf(principal, 'EVENTS_READ');
      return services.pushSubscriptions.save({ endpoint, ...keys }, actor);
    },
  }),
  deletePushSubscription: t.field({
    type: DeletePushSubscriptionPayload,
    scope: 'EVENTS_READ',
    description: 'Ends a subscription of the calling key.',
    args: {
      input: t.arg({
        type: DeletePushSubscriptionInput,
        required: true,
        description: 'Which subscription.',
      }),
    },
    resolve: async (_root, { input }, { services, principal }) => {
      const actor = actorOf(principal, 'EVENTS_READ');
      return { isDeleted: await services.pushSubscriptions.remove(input.endpoint, actor) };
    },
  }),
  sendTestPush: t.field({
    type: SendTestPushPayload,
    scope: 'EVENTS_READ',
    description: 'Sends a test to a browser of the calling key.',
    args: {
      input: t.arg({ type: SendTestPushInput, required: true, description: 'Which browser.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { services } = context;
      const workspace = await context.access(input.workspace, 'EVENTS_READ');
      const actor = actorOf(context.principal, 'EVENTS_READ');
      const target = await services.pushSubscriptions.target(input.endpoint, actor);
      if (target === null) {
        const message = 'The key has no push subscription with this endpoint.';
        throw new GatewayError('NOT_FOUND', message);
      }
      const sent = await whileHeld(context, workspace.id, signal =>
        services.testPush(target, workspace.slug, signal),
      );
      return { address: new URL(target.endpoint).origin, sent };
    },
  }),
}));
