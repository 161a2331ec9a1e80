import type { Principal } from '../../core/principal.ts';
import { requireKey } from '../access.ts';
import { builder } from '../builder.ts';
import { ApiKeyRef, WorkspaceRef } from '../refs.ts';
import { ScopeEnum } from './api-key.ts';

const ViewerRef = builder.objectRef<Principal>('Viewer').implement({
  description: 'Who is calling, and what they may do.',
  fields: t => ({
    apiKey: t.field({
      type: ApiKeyRef,
      nullable: true,
      description: 'The key of this request. Null if it is not stored in the database.',
      resolve: ({ keyId }, _args, { loaders }) => loaders.apiKey.load(keyId),
    }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What the key may do.',
      resolve: ({ scopes }) => scopes,
    }),
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace that the key covers. Null: all workspaces.',
      resolve: ({ workspaceId }, _args, { loaders }) =>
        workspaceId === null ? null : loaders.workspace.load(workspaceId),
    }),
  }),
});

builder.queryField('viewer', t =>
  t.field({
    type: ViewerRef,
    scope: 'ANY',
    description: 'The caller.',
    resolve: (_root, _args, context) => requireKey(context),
  }),
);
