import type { UnknownTypePolicy } from '../../core/workspace.ts';
import { workspaceCursor } from '../../read/workspaces.ts';
import { orNull, requireKey } from '../access.ts';
import { builder, enumValues, ID_FIELD, WORKSPACE_ARGUMENT } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { cursorsOf } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { WorkspaceRef } from '../refs.ts';

export const UnknownTypePolicyEnum = builder.enumType('UnknownTypePolicy', {
  description: 'What happens to an event whose type nobody has defined.',
  values: enumValues<UnknownTypePolicy>({
    DISCOVER: 'It is recorded, and its type is defined as DISCOVERED.',
    REJECT: 'It is refused.',
    QUARANTINE: 'It is kept in quarantine with this problem.',
  }),
});

WorkspaceRef.implement({
  description:
    'A tenant, where events are recorded. Every event, definition and cursor belongs to ' +
    'exactly one workspace.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({ description: ID_FIELD, resolve: ({ id }) => encodeId('Workspace', id) }),
    slug: t.exposeString('slug', {
      description:
        'Its name in requests: 1 to 63 characters in lower case. Requests may use upper case.',
    }),
    name: t.exposeString('name', { description: 'Its name for people.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    headPosition: t.field({
      type: 'SafeInt',
      description:
        'Position of the newest event, or 0 if there is none. Positions have no gaps: event n+1 ' +
        'follows event n.',
      resolve: async ({ id }, _args, { loaders }) => (await loaders.head.load(id)).position,
    }),
    headCursor: t.string({
      description: 'Cursor of the newest event: subscribe `after` it to miss nothing.',
      resolve: async ({ id }, _args, context) =>
        cursorsOf(context, id).encodePosition(await context.loaders.head.load(id)),
    }),
    tailPosition: t.field({
      type: 'SafeInt',
      description: 'Position of the oldest event that is still kept: 1 if none was removed.',
      resolve: ({ id }, _args, { loaders }) => loaders.tail.load(id),
    }),
    retentionDays: t.exposeInt('retentionDays', {
      nullable: true,
      description: 'Days that an event is kept after it was recorded. Null: for ever.',
    }),
    dedupeDays: t.exposeInt('dedupeDays', {
      description:
        'Minimum number of days that an event id is remembered, even if its event is removed earlier.',
    }),
    timeZone: t.expose('timeZone', {
      type: 'TimeZone',
      description: 'The time zone of the days in its rollups.',
    }),
    unknownTypes: t.expose('unknownTypes', {
      type: UnknownTypePolicyEnum,
      description: 'What happens to an event whose type nobody has defined.',
    }),
    searchIndex: t.exposeBoolean('searchIndex', {
      description:
        'Whether an index is kept, so that `search`, `sources` and `clientIps` find few events ' +
        'among many at once.',
    }),
    searchIndexPosition: t.field({
      type: 'SafeInt',
      nullable: true,
      description:
        'Position of the newest event in the search index. Newer events are read one by ' +
        'one. While there are more than 5,000 of them, the index is not used. Null ' +
        'without an index, and until it has begun.',
      resolve: ({ id }, _args, { loaders }) => loaders.indexed.load(id),
    }),
  }),
});

const WorkspaceConnectionRef = connectionType({
  node: WorkspaceRef,
  items: 'workspaces, by slug',
});

builder.queryFields(t => ({
  workspace: t.field({
    type: WorkspaceRef,
    nullable: true,
    scope: 'EVENTS_READ',
    description: 'A workspace by its slug. Null if there is none, or the key does not cover it.',
    args: { slug: t.arg.string({ description: WORKSPACE_ARGUMENT }) },
    resolve: (_root, { slug }, { access }) => orNull(access(slug, 'EVENTS_READ')),
  }),
  workspaces: t.field({
    type: WorkspaceConnectionRef,
    scope: 'EVENTS_READ',
    description:
      'A page of the workspaces that the key covers, by slug, without that of the audit (`sluice`).',
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, context) => {
      const { workspaceId } = requireKey(context);
      const page = await context.services.workspaces.page(workspaceId, args);
      return { page, cursorOf: workspaceCursor };
    },
  }),
}));
