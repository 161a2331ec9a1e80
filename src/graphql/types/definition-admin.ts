import type { EventDefinition } from '../../core/definition.ts';
import { actorOf } from '../../core/principal.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import type { DefinitionInput } from '../../record/definition-admin.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { schemaInDoubles } from '../payload-check.ts';
import { EventDefinitionRef } from '../refs.ts';
import {
  EventDefinitionStatusEnum,
  SchemaCompatibilityEnum,
  ValidationModeEnum,
} from './event-definition.ts';

const DefineEventPayload = builder.objectRef<EventDefinition>('DefineEventPayload').implement({
  description: 'The answer of `defineEvent`.',
  fields: t => ({
    definition: t.field({
      type: EventDefinitionRef,
      description: 'The definition as it is now.',
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
      description: 'The event type, such as `user.signup`. It cannot be changed.',
    }),
    title: t.string({ description: 'A short name for people.' }),
    description: t.string({ description: 'What such events mean, for people.' }),
    category: t.string({
      description: 'A heading for related definitions, such as `billing`.',
    }),
    status: t.field({
      type: EventDefinitionStatusEnum,
      description: 'Its status. Default for a new or discovered definition: ACTIVE.',
    }),
    payloadSchema: t.field({
      type: 'JSONObject',
      description: 'JSON Schema 2020-12 of the payload.',
    }),
    validation: t.field({
      type: ValidationModeEnum,
      description: 'What happens to an event that does not match the schema. Default: OFF.',
    }),
    compatibility: t.field({
      type: SchemaCompatibilityEnum,
      description:
        'What a change of the schema must keep, from this change on. Default: NONE. A ' +
        'change that breaks it is refused (SCHEMA_INCOMPATIBLE). Use `checkDefinition` ' +
        'to find out before.',
    }),
    measures: t.stringList({
      description:
        'Numeric payload properties whose count, sum, minimum and maximum are kept in rollups. ' +
        'Default: none.',
    }),
  }),
});

builder.mutationField('defineEvent', t =>
  t.field({
    type: DefineEventPayload,
    scope: 'DEFINITIONS_WRITE',
    description: 'Creates a definition, or changes the given fields of one.',
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
  if (defined === null) throw workspaceNotFound();
  return defined;
}

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
    scope: 'DEFINITIONS_WRITE',
    description:
      'Deletes the definition of a type without events, such as a mistyped one. CONFLICT if it ' +
      'has events, or counts of events that were removed.',
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
