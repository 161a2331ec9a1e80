import { actorOf } from '../../core/principal.ts';
import { builder } from '../builder.ts';
import { WORKSPACE_ARGUMENT } from '../words.ts';

const DeleteEventDefinitionPayload = builder
  .objectRef<{ readonly name: string }>('DeleteEventDefinitionPayload')
  .implement({
    description: 'The answer of `deleteEventDefinition`.',
    fields: t => ({
      deletedName: t.exposeString('name', { description: 'The name of the deleted definition.' }),
    }),
  });

const DeleteEventDefinitionInput = builder.inputType('DeleteEventDefinitionInput', {
  description: 'The argument of `deleteEventDefinition`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    name: t.string({ required: true, description: 'The event type, such as `user.signup`.' }),
  }),
});

builder.mutationField('deleteEventDefinition', t =>
  t.field({
    type: DeleteEventDefinitionPayload,
    description:
      'Deletes the definition of a type without events, such as a mistyped one. CONFLICT if it ' +
      'has events, or counts of events that were removed. Needs the scope DEFINITIONS_WRITE.',
    args: {
      input: t.arg({
        type: DeleteEventDefinitionInput,
        required: true,
        description: 'What to delete.',
      }),
    },
    resolve: async (_root, { input: { workspace: slug, name } }, context) => {
      const workspace = await context.access(slug, 'DEFINITIONS_WRITE');
      const actor = actorOf(context.principal, 'DEFINITIONS_WRITE');
      await context.services.definitionAdmin.remove(workspace, name, actor);
      context.loaders.clear();
      return { name };
    },
  }),
);
