import type { EventDefinition } from '../../core/definition.ts';
import { actorOf } from '../../core/principal.ts';
import type { DefinitionInput } from '../../ingest/definition-admin.ts';
import { notFound } from '../access.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { schemaInDoubles } from '../payload-check.ts';
import { EventDefinitionRef } from '../refs.ts';
import { WORKSPACE_ARGUMENT } from '../words.ts';
import { EventDefinitionStatusEnum, ValidationModeEnum } from './event-definition.ts';

const DefineEventPayload = builder.objectRef<EventDefinition>('DefineEventPayload').implement({
  description: 'The answer of `defineEvent`.',
  fields: t => ({
    definition: t.field({
      type: EventDefinitionRef,
      description: 'The definition as it stands now.',
      resolve: definition => definition,
    }),
  }),
});

const DefineEventInput = builder.inputType('DefineEventInput', {
  description: 'The argument of `defineEvent`. Absent: unchanged. Null: cleared.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    name: t.string({
      required: true,
      description: 'The type that events name, such as `user.signup`. It can’t be changed.',
    }),
    title: t.string({ description: 'A short name for people.' }),
    description: t.string({ description: 'What such events mean, for people.' }),
    category: t.string({
      description: 'A heading under which definitions are gathered, such as `billing`.',
    }),
    status: t.field({
      type: EventDefinitionStatusEnum,
      description: 'Where it stands in its life. Default for a new or discovered one: ACTIVE.',
    }),
    payloadSchema: t.field({
      type: 'JSONObject',
      description: 'JSON Schema 2020-12 of the payload.',
    }),
    validation: t.field({
      type: ValidationModeEnum,
      description: 'What becomes of an event that does not fit the schema. Default: OFF.',
    }),
    measures: t.stringList({
      description:
        'Numeric payload properties whose count, sum, min and max are to be kept ready. ' +
        'Default: none.',
    }),
  }),
});

builder.mutationField('defineEvent', t =>
  t.field({
    type: DefineEventPayload,
    description:
      'Creates the definition, or changes what is given of it. Needs the scope ' +
      'DEFINITIONS_WRITE.',
    args: {
      input: t.arg({ type: DefineEventInput, required: true, description: 'What to define.' }),
    },
    resolve: (_root, { input }, context) => {
      const { workspace, payloadSchema, ...definition } = input;
      const schema = payloadSchema && schemaInDoubles(payloadSchema);
      return define(context, workspace, {
        ...definition,
        ...(schema === undefined ? {} : { payloadSchema: schema }),
      });
    },
  }),
);

async function define(
  { access, principal, services, loaders }: GraphQLContext,
  slug: string | null | undefined,
  definition: DefinitionInput,
): Promise<EventDefinition> {
  const workspace = await access(slug, 'DEFINITIONS_WRITE');
  const actor = actorOf(principal, 'DEFINITIONS_WRITE');
  const id = await services.definitionAdmin.define(workspace, definition, actor);
  loaders.clear();
  const defined = await loaders.definition.load({ workspaceId: workspace.id, id });
  if (defined === null) throw notFound('workspace');
  return defined;
}
