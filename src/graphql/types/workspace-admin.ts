/** `createWorkspace`, `updateWorkspace` and `deleteWorkspace`. */
import { GatewayError } from '../../core/errors.ts';
import { actorOf } from '../../core/principal.ts';
import type { Workspace } from '../../core/workspace.ts';
import { requireInstallationAdmin } from '../access.ts';
import { builder } from '../builder.ts';
import type { ApiSchema } from '../connection.ts';
import type { GraphQLContext } from '../context.ts';
import { WorkspaceRef } from '../refs.ts';
import { UnknownTypePolicyEnum } from './workspace.ts';

const payload = (name: string, mutation: string, described: string) =>
  builder.objectRef<Workspace>(name).implement({
    description: `The answer of \`${mutation}\`.`,
    fields: t => ({
      workspace: t.field({
        type: WorkspaceRef,
        description: described,
        resolve: workspace => workspace,
      }),
    }),
  });

const CreateWorkspacePayload = payload(
  'CreateWorkspacePayload',
  'createWorkspace',
  'The new workspace.',
);
const UpdateWorkspacePayload = payload(
  'UpdateWorkspacePayload',
  'updateWorkspace',
  'The workspace as it is now.',
);

const DeleteWorkspacePayload = builder
  .objectRef<{ deletedSlug: string }>('DeleteWorkspacePayload')
  .implement({
    description: 'The answer of `deleteWorkspace`.',
    fields: t => ({
      deletedSlug: t.exposeString('deletedSlug', { description: 'The slug, which is free again.' }),
    }),
  });

const settingsFields = (t: PothosSchemaTypes.InputFieldBuilder<ApiSchema, 'InputObject'>) => ({
  name: t.string({
    description: 'Its name for people, 1 to 256 bytes of UTF-8. Default: the slug.',
  }),
  retentionDays: t.int({
    description:
      'Days that an event is kept after it was recorded, 1 to 36,500. Default, and null: for ever.',
  }),
  dedupeDays: t.int({
    description:
      'Minimum number of days that an event id is remembered, even if its event is removed ' +
      'earlier, 1 to 36,500. Default: 30.',
  }),
  timeZone: t.field({
    type: 'TimeZone',
    description: 'The time zone of the days in its rollups. Default: `UTC`.',
  }),
  unknownTypes: t.field({
    type: UnknownTypePolicyEnum,
    description: 'What happens to an event whose type nobody has defined. Default: DISCOVER.',
  }),
  evidence: t.boolean({
    description:
      'Whether to keep a Merkle tree over the log, so that later changes can be ' +
      'detected. It begins with the oldest event that is kept. Turning it off removes ' +
      'the tree for ever. Default: false.',
  }),
  searchIndex: t.boolean({
    description:
      'Whether to keep an index, so that `search`, `sources` and `clientIps` find few events among ' +
      'many at once. It is filled in the background from the events that are kept, changes no ' +
      'answer, and needs about two thirds of the space of the events themselves. Default: false.',
  }),
});

const CreateWorkspaceInput = builder.inputType('CreateWorkspaceInput', {
  description: 'The argument of `createWorkspace`.',
  fields: t => ({
    slug: t.string({
      required: true,
      description:
        'Its name in requests: 1 to 63 letters, digits and hyphens. It is stored in lower case.',
    }),
    ...settingsFields(t),
  }),
});

const UpdateWorkspaceInput = builder.inputType('UpdateWorkspaceInput', {
  description: 'The argument of `updateWorkspace`. Absent: unchanged. Null: cleared.',
  fields: t => ({
    slug: t.string({ required: true, description: 'Current slug of the workspace.' }),
    newSlug: t.string({
      description:
        'Its new slug: 1 to 63 letters, digits and hyphens. Null: unchanged. Needs the scope ' +
        'ADMIN for all workspaces.',
    }),
    ...settingsFields(t),
  }),
});

const DeleteWorkspaceInput = builder.inputType('DeleteWorkspaceInput', {
  description: 'The argument of `deleteWorkspace`.',
  fields: t => ({
    slug: t.string({ required: true, description: 'Slug of the workspace.' }),
    confirmSlug: t.string({ required: true, description: 'The same slug again.' }),
  }),
});

builder.mutationFields(t => ({
  createWorkspace: t.field({
    type: CreateWorkspacePayload,
    scope: 'ADMIN_OF_ALL',
    description: 'Makes a workspace.',
    args: {
      input: t.arg({
        type: CreateWorkspaceInput,
        required: true,
        description: 'What to make.',
      }),
    },
    resolve: (_root, { input }, context) => {
      return context.services.workspaceAdmin.create(input, actorOf(context.principal, 'ADMIN'));
    },
  }),
  updateWorkspace: t.field({
    type: UpdateWorkspacePayload,
    scope: 'ADMIN',
    description: 'Changes the given fields of a workspace.',
    args: {
      input: t.arg({
        type: UpdateWorkspaceInput,
        required: true,
        description: 'What to change.',
      }),
    },
    resolve: async (_root, { input }, context) => {
      const { slug } = await context.access(input.slug, 'ADMIN');
      // Slugs are the installation's: a conflict would tell of another workspace's.
      if (input.newSlug != null) requireInstallationAdmin(context);
      const actor = actorOf(context.principal, 'ADMIN');
      return context.services.workspaceAdmin.update({ ...input, slug }, actor);
    },
  }),
  deleteWorkspace: t.field({
    type: DeleteWorkspacePayload,
    scope: 'ADMIN_OF_ALL',
    description:
      'Removes a workspace with everything in it. The slug is required twice, to prevent ' +
      'mistakes.',
    args: {
      input: t.arg({
        type: DeleteWorkspaceInput,
        required: true,
        description: 'What to remove.',
      }),
    },
    resolve: (_root, { input }, context) => removeWorkspace(context, input),
  }),
}));

async function removeWorkspace(
  context: GraphQLContext,
  { slug, confirmSlug }: { slug: string; confirmSlug: string },
): Promise<{ deletedSlug: string }> {
  if (slug.toLowerCase() !== confirmSlug.toLowerCase()) {
    const message = 'confirmSlug expects the same slug as slug, but got another text.';
    throw new GatewayError('BAD_USER_INPUT', message);
  }
  const workspace = await context.access(slug, 'ADMIN');
  const actor = actorOf(context.principal, 'ADMIN');
  await context.services.workspaceAdmin.remove(workspace.slug, actor);
  return { deletedSlug: workspace.slug };
}
