import type { ApiKeyInfo } from '../../core/api-key.ts';
import type { PageArgs } from '../../core/page.ts';
import { type Scope } from '../../core/principal.ts';
import { renewalsAfter } from '../../core/quota.ts';
import { apiKeyCursor, type KeyUsage } from '../../read/api-keys.ts';
import { coversKey, requireKey } from '../access.ts';
import { builder, enumValues, ID_FIELD } from '../builder.ts';
import { connectionType } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { ApiKeyRef, WorkspaceRef } from '../refs.ts';

export const ScopeEnum = builder.enumType('Scope', {
  description: 'What a key may do.',
  values: enumValues<Scope>({
    EVENTS_WRITE: 'Record events.',
    EVENTS_READ: 'Read, count and watch events, their definitions and their workspace.',
    EVENTS_CONSUME: 'Work for consumers: pull, acknowledge, release and extend deliveries.',
    DEFINITIONS_WRITE: 'Create and change event definitions.',
    METRICS: 'Read `/metrics`. Only for keys of all workspaces.',
    ADMIN:
      'All of these, and also: manage keys and workspaces, redact events, discard quarantined events.',
  }),
});

const ApiKeyUsageRef = builder.objectRef<KeyUsage>('ApiKeyUsage').implement({
  description:
    'How many events a key has recorded. It lags behind by a second or two. Only what was stored ' +
    'counts: no duplicates, nothing that was refused or is in quarantine.',
  fields: t => ({
    today: t.field({
      type: 'SafeInt',
      description: 'Events of the current day of UTC.',
      resolve: ({ today }) => today,
    }),
    dayRenewsAt: t.field({
      type: 'DateTime',
      description: 'When the next day begins.',
      resolve: ({ at }) => renewalsAfter(at).day,
    }),
    thisMonth: t.field({
      type: 'SafeInt',
      description: 'Events of the current month of UTC.',
      resolve: ({ thisMonth }) => thisMonth,
    }),
    monthRenewsAt: t.field({
      type: 'DateTime',
      description: 'When the next month begins.',
      resolve: ({ at }) => renewalsAfter(at).month,
    }),
  }),
});

const BEYOND_QUOTA = 'One more is refused as `QUOTA_EXCEEDED`. Null: any number.';

ApiKeyRef.implement({
  description: 'A key with which applications and people call the gateway.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({ description: ID_FIELD, resolve: ({ id }) => encodeId('ApiKey', id) }),
    name: t.exposeString('name', { description: 'Its purpose, in words for people.' }),
    prefix: t.exposeString('prefix', {
      description:
        'The public beginning of the key, to recognise it. The secret is shown only once, on ' +
        'creation.',
    }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What it may do.',
      resolve: ({ scopes }) => scopes,
    }),
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace that it covers. Null: all workspaces.',
      resolve: ({ workspaceId }, _args, { loaders }) =>
        workspaceId === null ? null : loaders.workspace.load(workspaceId),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, accurate to some minutes. Null: never.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends. From then on it is refused. Null: never.',
    }),
    createdBy: t.field({
      type: ApiKeyRef,
      nullable: true,
      description:
        'The key that made it. Null if the gateway made it, if an earlier version made it ' +
        'without a record, or if the calling key may not see that key.',
      resolve: ({ createdBy }, _args, context) =>
        createdBy === null ? null : visibleKey(context, createdBy),
    }),
    addresses: t.stringList({
      nullable: true,
      description: 'The addresses that it may be used from, in CIDR notation. Null: any address.',
      resolve: ({ addresses }) => addresses,
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked. Null: it was not.',
    }),
    eventsPerDay: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `How many events it may record in a day of UTC. ${BEYOND_QUOTA}`,
      resolve: ({ quota }) => quota.eventsPerDay,
    }),
    eventsPerMonth: t.field({
      type: 'SafeInt',
      nullable: true,
      description: `How many events it may record in a month of UTC. ${BEYOND_QUOTA}`,
      resolve: ({ quota }) => quota.eventsPerMonth,
    }),
    usage: t.field({
      type: ApiKeyUsageRef,
      description: 'How many events it has recorded.',
      resolve: ({ id }, _args, { loaders }) => loaders.keyUsage.load(id),
    }),
  }),
});

/** Null for one that the caller does not cover. */
async function visibleKey(context: GraphQLContext, id: number): Promise<ApiKeyInfo | null> {
  const key = await context.loaders.apiKey.load(id);
  return key !== null && coversKey(context, key) ? key : null;
}

const ApiKeyConnectionRef = connectionType<ApiKeyInfo>({
  node: ApiKeyRef,
  items: 'keys, in the order they were made',
});

async function keyPage({ services }: GraphQLContext, workspaceId: number | null, args: PageArgs) {
  const page = await services.apiKeys.page(workspaceId, args);
  return { page, cursorOf: (key: ApiKeyInfo) => apiKeyCursor(workspaceId, key) };
}

builder.objectField(WorkspaceRef, 'apiKeys', t =>
  t.field({
    type: ApiKeyConnectionRef,
    scope: 'ADMIN',
    description: 'A page of the keys of this workspace alone.',
    args: t.arg.connectionArgs(),
    resolve: ({ id }, args, context) => keyPage(context, id, args),
  }),
);

builder.queryField('apiKeys', t =>
  t.field({
    type: ApiKeyConnectionRef,
    scope: 'ADMIN',
    description:
      'A page of the keys that the calling ADMIN key may see: those of its workspace, or all ' +
      'keys for a key of all workspaces.',
    args: t.arg.connectionArgs(),
    resolve: (_root, args, context) => keyPage(context, requireKey(context).workspaceId, args),
  }),
);
