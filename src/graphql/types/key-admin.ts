/** `createApiKey`, `updateApiKey`, `rotateApiKey`, `revokeApiKey` and `createStreamTicket`. */
import type { ApiKeyInfo } from '../../core/api-key.ts';
import { GatewayError } from '../../core/errors.ts';
import type { ExactObject } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import { actorOf, type Scope } from '../../core/principal.ts';
import type { MadeKey } from '../../security/keys.ts';
import { hashOperation } from '../../security/tickets.ts';
import { coversKey, notFound, requireInstallationAdmin, requireKey } from '../access.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { decodeIdOf } from '../global-id.ts';
import { ApiKeyRef } from '../refs.ts';
import { ScopeEnum } from './api-key.ts';

const SECRET = `${LIMITS.keptSecretCharsMin} to ${LIMITS.keptSecretCharsMax} characters`;

const CreateApiKeyPayload = builder.objectRef<MadeKey>('CreateApiKeyPayload').implement({
  description: 'The answer of `createApiKey`.',
  fields: t => ({
    apiKey: t.field({
      type: ApiKeyRef,
      description: 'The new key, without its secret.',
      resolve: ({ key }) => key,
    }),
    secret: t.exposeString('secret', {
      description: 'The key to send as `Authorization: Bearer <secret>`. It is shown only once.',
    }),
  }),
});

const UpdateApiKeyPayload = builder.objectRef<ApiKeyInfo>('UpdateApiKeyPayload').implement({
  description: 'The answer of `updateApiKey`.',
  fields: t => ({
    apiKey: t.field({ type: ApiKeyRef, description: 'The key.', resolve: key => key }),
  }),
});

const RotateApiKeyPayload = builder
  .objectRef<MadeKey & { readonly previous: ApiKeyInfo }>('RotateApiKeyPayload')
  .implement({
    description: 'The answer of `rotateApiKey`.',
    fields: t => ({
      apiKey: t.field({
        type: ApiKeyRef,
        description: 'The new key, without its secret.',
        resolve: ({ key }) => key,
      }),
      secret: t.exposeString('secret', {
        description: 'The key to send as `Authorization: Bearer <secret>`. It is shown only once.',
      }),
      previous: t.field({
        type: ApiKeyRef,
        description: 'The key that it replaces.',
        resolve: ({ previous }) => previous,
      }),
      previousStopsAt: t.field({
        type: 'DateTime',
        description: 'When the previous key ends. From then on it is refused.',
        resolve: ({ previous }) => previous.expiresAt ?? previous.createdAt,
      }),
    }),
  });

const RevokeApiKeyPayload = builder.objectRef<ApiKeyInfo>('RevokeApiKeyPayload').implement({
  description: 'The answer of `revokeApiKey`.',
  fields: t => ({
    apiKey: t.field({ type: ApiKeyRef, description: 'The key.', resolve: key => key }),
  }),
});

const CreateStreamTicketPayload = builder
  .objectRef<{ ticket: string; expiresAt: Date }>('CreateStreamTicketPayload')
  .implement({
    description: 'The answer of `createStreamTicket`.',
    fields: t => ({
      ticket: t.exposeString('ticket', {
        description: 'The ticket, for the address of the stream: `?ticket=`.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        description: 'Until when it can open a stream.',
      }),
    }),
  });

const EVENTS_PER_DAY = `How many events it may record in a day of UTC: 1 to ${LIMITS.quotaEventsMax}.`;
const EVENTS_PER_MONTH = `How many events it may record in a month of UTC: 1 to ${LIMITS.quotaEventsMax}.`;

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'The argument of `createApiKey`.',
  fields: t => ({
    name: t.string({ required: true, description: 'Its purpose, in words for people.' }),
    scopes: t.field({
      type: [ScopeEnum],
      required: true,
      description: 'What it may do. At least one.',
    }),
    workspace: t.string({
      description:
        'Slug of the workspace that it should cover. Default: what the calling key covers.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description:
        'When it ends. From then on it is refused. The default is also the latest time: the end ' +
        'of the calling key, or what `SLUICE_KEY_AGE_DAYS_MAX` allows.',
    }),
    addresses: t.stringList({
      description:
        `Where it may be used from: 1 to ${LIMITS.keyAddressesMax} addresses or networks in CIDR ` +
        'notation, such as `10.0.0.0/8`. From other addresses it is refused like a wrong key. ' +
        'Default: those of the calling key, which it may narrow but not extend.',
    }),
    eventsPerDay: t.field({
      type: 'SafeInt',
      description: `${EVENTS_PER_DAY} Default: any number.`,
    }),
    eventsPerMonth: t.field({
      type: 'SafeInt',
      description: `${EVENTS_PER_MONTH} Default: any number.`,
    }),
    secret: t.string({
      description:
        `An existing credential to use, ${SECRET}, for clients whose token cannot be changed. By ` +
        'default a new one is made. Needs the scope ADMIN for all workspaces.',
    }),
  }),
});

const UpdateApiKeyInput = builder.inputType('UpdateApiKeyInput', {
  description: 'The argument of `updateApiKey`. What is left out stays as it is.',
  fields: t => ({
    id: t.id({ required: true, description: 'The key’s `id`.' }),
    eventsPerDay: t.field({ type: 'SafeInt', description: `${EVENTS_PER_DAY} Null: any number.` }),
    eventsPerMonth: t.field({
      type: 'SafeInt',
      description: `${EVENTS_PER_MONTH} Null: any number.`,
    }),
  }),
});

const RotateApiKeyInput = builder.inputType('RotateApiKeyInput', {
  description: 'The argument of `rotateApiKey`.',
  fields: t => ({
    id: t.id({ required: true, description: 'The key’s `id`.' }),
    overlap: t.field({
      type: 'Duration',
      description:
        'How long the previous key remains valid, so that clients can change over. At most ' +
        `${LIMITS.keyOverlapDaysMax} days. Default: \`PT1H\`.`,
    }),
  }),
});

const CreateStreamTicketInput = builder.inputType('CreateStreamTicketInput', {
  description:
    'The argument of `createStreamTicket`. With `query`, the ticket opens only that ' +
    'subscription. Without it, the ticket opens the first one that it is used for.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    query: t.string({ description: 'The document of the subscription, as in the address.' }),
    operationName: t.string({ description: 'The name of the operation, if the address has one.' }),
    variables: t.field({
      type: 'JSONObject',
      description: 'Its variables, as in the address.',
    }),
  }),
});

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'The argument of `revokeApiKey`.',
  fields: t => ({
    id: t.id({ required: true, description: 'The key’s `id`.' }),
    force: t.boolean({
      defaultValue: false,
      description:
        'Whether to end it even if it is the calling key, or the last ADMIN key of all ' +
        'workspaces. Otherwise these are refused (FORCE_REQUIRED).',
    }),
  }),
});

builder.mutationFields(t => ({
  createStreamTicket: t.field({
    type: CreateStreamTicketPayload,
    scope: 'EVENTS_READ',
    description:
      'Makes a ticket for an EventSource, which cannot send headers. `?ticket=` opens one ' +
      'subscription of one workspace, by GET, once and within 60 seconds.',
    args: {
      input: t.arg({ type: CreateStreamTicketInput, description: 'What it is for.' }),
    },
    resolve: (_root, { input }, context) => createTicket(context, input ?? {}),
  }),
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    scope: 'ADMIN',
    description: 'Makes a key. An ADMIN key of one workspace makes keys only for that workspace.',
    args: {
      input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What to make.' }),
    },
    resolve: (_root, { input }, context) => createKey(context, input),
  }),
  updateApiKey: t.field({
    type: UpdateApiKeyPayload,
    scope: 'ADMIN',
    description: 'Changes the quotas of a key. Every gateway knows of it within seconds.',
    args: {
      input: t.arg({ type: UpdateApiKeyInput, required: true, description: 'Which key.' }),
    },
    resolve: (_root, { input }, context) => updateKey(context, input),
  }),
  rotateApiKey: t.field({
    type: RotateApiKeyPayload,
    scope: 'ADMIN',
    description:
      'Makes a key with the name, scopes, workspace, addresses and quotas of another key, which ' +
      'ends after an overlap. What the other key has recorded counts for the new one, too. If ' +
      'the other key had an expiry, the new one is valid for the same length of time, but not ' +
      'longer than the calling key.',
    args: {
      input: t.arg({ type: RotateApiKeyInput, required: true, description: 'Which key.' }),
    },
    resolve: (_root, { input }, context) => rotateKey(context, input),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    scope: 'ADMIN',
    description: 'Ends a key within seconds, with the streams that it opened.',
    args: {
      input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which key.' }),
    },
    resolve: (_root, { input }, context) => revokeKey(context, input),
  }),
}));

interface CreateKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly workspace?: string | null | undefined;
  readonly expiresAt?: Date | null | undefined;
  readonly addresses?: readonly string[] | null | undefined;
  readonly eventsPerDay?: number | null | undefined;
  readonly eventsPerMonth?: number | null | undefined;
  readonly secret?: string | null | undefined;
}

async function createKey(
  context: GraphQLContext,
  { name, scopes, workspace, expiresAt, addresses, secret, ...quota }: CreateKey,
): Promise<MadeKey> {
  const { principal, access, services } = context;
  // Secrets are the installation's: a conflict would tell that another workspace has this one.
  if (secret != null) requireInstallationAdmin(context);
  const own = requireKey(context).workspaceId;
  const workspaceId = workspace == null ? own : (await access(workspace, 'ADMIN')).id;
  return services.keyAdmin.create(
    {
      name,
      scopes,
      workspaceId,
      expiresAt: expiresAt ?? null,
      addresses: addresses ?? null,
      quota: {
        eventsPerDay: quota.eventsPerDay ?? null,
        eventsPerMonth: quota.eventsPerMonth ?? null,
      },
      secret: secret ?? undefined,
    },
    actorOf(principal, 'ADMIN'),
  );
}

interface UpdateKey {
  readonly id: string;
  readonly eventsPerDay?: number | null | undefined;
  readonly eventsPerMonth?: number | null | undefined;
}

async function updateKey(
  context: GraphQLContext,
  { id, eventsPerDay, eventsPerMonth }: UpdateKey,
): Promise<ApiKeyInfo> {
  const keyId = await findKey(context, id);
  const quota = {
    ...(eventsPerDay !== undefined && { eventsPerDay }),
    ...(eventsPerMonth !== undefined && { eventsPerMonth }),
  };
  return context.services.keyAdmin.update(keyId, quota, actorOf(context.principal, 'ADMIN'));
}

const OVERLAP_MS = 3_600_000;
const OVERLAP_MS_MAX = LIMITS.keyOverlapDaysMax * 86_400_000;

async function rotateKey(
  context: GraphQLContext,
  { id, overlap }: { readonly id: string; readonly overlap?: number | null | undefined },
) {
  const overlapMs = overlap ?? OVERLAP_MS;
  if (overlapMs > OVERLAP_MS_MAX) {
    const message = `overlap is at most ${LIMITS.keyOverlapDaysMax} days.`;
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const keyId = await findKey(context, id);
  return context.services.keyAdmin.rotate(keyId, overlapMs, actorOf(context.principal, 'ADMIN'));
}

interface TicketInput {
  readonly workspace?: string | null | undefined;
  readonly query?: string | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: ExactObject | null | undefined;
}

async function createTicket(
  context: GraphQLContext,
  { workspace: slug, query, operationName, variables }: TicketInput,
) {
  const { id: workspaceId } = await context.access(slug, 'EVENTS_READ');
  if (query == null && (operationName != null || variables != null)) {
    const message = 'operationName and variables need query.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const operation = query == null ? null : hashOperation({ query, operationName, variables });
  return context.services.createStreamTicket(requireKey(context), { workspaceId, operation });
}

async function revokeKey(
  context: GraphQLContext,
  { id, force }: { readonly id: string; readonly force?: boolean | null | undefined },
): Promise<ApiKeyInfo> {
  const keyId = await findKey(context, id);
  const actor = actorOf(context.principal, 'ADMIN');
  return context.services.keyAdmin.revoke(keyId, force === true, actor);
}

/** @throws GatewayError FORBIDDEN, NOT_FOUND also for a key that the calling one does not cover */
async function findKey(context: GraphQLContext, text: string): Promise<number> {
  const id = Number(decodeIdOf('ApiKey', text)[0]);
  const key = await context.loaders.apiKey.load(id);
  if (key === null || !coversKey(context, key)) throw notFound('key');
  return id;
}
