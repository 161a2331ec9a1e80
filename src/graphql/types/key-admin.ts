/** `createApiKey`, `revokeApiKey` and `createStreamTicket`. */
import type { ApiKeyInfo } from '../../core/api-key.ts';
import { LIMITS } from '../../core/limits.ts';
import { requireScope, type Scope } from '../../core/principal.ts';
import { covers, notFound, requireInstallationAdmin, requireKey } from '../access.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { decodeIdOf } from '../global-id.ts';
import { ApiKeyRef } from '../refs.ts';
import { ScopeEnum } from './api-key.ts';

const SECRET = `${LIMITS.keptSecretCharsMin} to ${LIMITS.keptSecretCharsMax} characters`;

const CreateApiKeyPayload = builder
  .objectRef<{ key: ApiKeyInfo; secret: string }>('CreateApiKeyPayload')
  .implement({
    description: 'The answer of `createApiKey`.',
    fields: t => ({
      apiKey: t.field({
        type: ApiKeyRef,
        description: 'The new key, without its secret.',
        resolve: ({ key }) => key,
      }),
      secret: t.exposeString('secret', {
        description: 'What to send as `Authorization: Bearer <secret>`. Shown this once.',
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
        description: 'What to put into the address of the stream: `?ticket=`.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        description: 'Until when a stream may be opened with it.',
      }),
    }),
  });

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'The argument of `createApiKey`.',
  fields: t => ({
    name: t.string({ required: true, description: 'What it is for, in words for people.' }),
    scopes: t.field({
      type: [ScopeEnum],
      required: true,
      description: 'What it may do: at least one.',
    }),
    workspace: t.string({
      description:
        'Slug of the one workspace that it is to cover. Default: what the calling key covers.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From then on it is refused. Default: never.',
    }),
    secret: t.string({
      description:
        `An existing credential to keep, ${SECRET}, for clients whose token cannot be changed. ` +
        'Otherwise one is made. Needs the scope ADMIN over every workspace.',
    }),
  }),
});

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'The argument of `revokeApiKey`.',
  fields: t => ({ id: t.id({ required: true, description: 'The key’s `id`.' }) }),
});

builder.mutationFields(t => ({
  createStreamTicket: t.field({
    type: CreateStreamTicketPayload,
    description:
      'For an EventSource, which can send no header: 60 seconds, one use, `?ticket=`. The stream ' +
      'may do what the calling key may.',
    resolve: (_root, _args, context) => context.services.createStreamTicket(requireKey(context)),
  }),
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    description:
      'Makes a key. Needs the scope ADMIN; one of a single workspace makes keys for that alone.',
    args: {
      input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What to make.' }),
    },
    resolve: (_root, { input }, context) => createKey(context, input),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    description: 'Ends a key within seconds, with the streams opened by it. Needs the scope ADMIN.',
    args: {
      input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which key.' }),
    },
    resolve: (_root, { input }, context) => revokeKey(context, input.id),
  }),
}));

interface CreateKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly workspace?: string | null | undefined;
  readonly expiresAt?: Date | null | undefined;
  readonly secret?: string | null | undefined;
}

async function createKey(
  context: GraphQLContext,
  { name, scopes, workspace, expiresAt, secret }: CreateKey,
): Promise<{ key: ApiKeyInfo; secret: string }> {
  const { principal, access, services } = context;
  // Secrets are the installation's: a conflict would tell that another workspace has this one.
  if (secret != null) requireInstallationAdmin(context);
  const own = requireScope(principal, 'ADMIN').workspaceId;
  const workspaceId = workspace == null ? own : (await access(workspace, 'ADMIN')).id;
  return services.keyAdmin.create({
    name,
    scopes,
    workspaceId,
    expiresAt: expiresAt ?? null,
    secret: secret ?? undefined,
  });
}

async function revokeKey(context: GraphQLContext, text: string): Promise<ApiKeyInfo> {
  requireScope(context.principal, 'ADMIN');
  const id = Number(decodeIdOf('ApiKey', text)[0]);
  const key = await context.loaders.apiKey.load(id);
  if (key === null || !covers(context, key.workspaceId ?? NO_WORKSPACE, 'ADMIN')) {
    throw notFound('key');
  }
  return context.services.keyAdmin.revoke(id);
}

/** What a key of every workspace belongs to: only a key like it covers that. */
const NO_WORKSPACE = 0;
