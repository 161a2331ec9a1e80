import { LIMITS } from '../../core/limits.ts';
import type { Incompatibility, SchemaJudgement } from '../../record/schema-judgement.ts';
import { builder, enumValues, WORKSPACE_ARGUMENT } from '../builder.ts';
import { schemaInDoubles } from '../payload-check.ts';
import { SchemaCompatibilityEnum } from './event-definition.ts';

const CompatibilityDirectionEnum = builder.enumType('CompatibilityDirection', {
  description: 'Which schema must accept what the other accepts.',
  values: enumValues<Incompatibility['direction']>({
    BACKWARD: 'The new one must accept what the present one accepts.',
    FORWARD: 'The present one must accept what the new one accepts.',
  }),
});

const SchemaFindingRef = builder.objectRef<Incompatibility>('SchemaFinding').implement({
  description: 'A place where one schema may refuse what the other accepts.',
  fields: t => ({
    direction: t.expose('direction', {
      type: CompatibilityDirectionEnum,
      description: 'Which compatibility it breaks.',
    }),
    pointer: t.string({
      description:
        'JSON Pointer to the keyword, through references, in the schema that is narrower. It ' +
        'begins with `/payloadSchema`.',
      resolve: ({ pointer }) => `/payloadSchema${pointer}`,
    }),
    message: t.exposeString('message', { description: 'What differs, in words for people.' }),
    isCertain: t.exposeBoolean('isCertain', {
      description:
        'True: the change breaks compatibility. False: the rules cannot decide, and the ' +
        'finding does not refuse the change.',
    }),
  }),
});

const DefinitionCheckRef = builder.objectRef<SchemaJudgement>('DefinitionCheck').implement({
  description: 'How a payload schema would be judged, if it were defined now.',
  fields: t => ({
    compatibility: t.expose('compatibility', {
      type: SchemaCompatibilityEnum,
      description: 'The compatibility that it is judged by.',
    }),
    isCompatible: t.exposeBoolean('isCompatible', {
      description: 'Whether `defineEvent` accepts it. False: it answers SCHEMA_INCOMPATIBLE.',
    }),
    findings: t.field({
      type: [SchemaFindingRef],
      description:
        'Where the schemas differ in what they accept, in both directions, whatever is ' +
        'promised. At most 50 for each direction.',
      resolve: ({ findings }) => [...findings],
    }),
    eventsChecked: t.exposeInt('eventsChecked', {
      description:
        `How many recorded events were checked: the newest ${LIMITS.schemaSampleMax / 2}, and up to ` +
        'as many again, spread over the older ones.',
    }),
    eventsFailing: t.exposeInt('eventsFailing', {
      description: 'Of these, how many do not fit the new schema.',
    }),
    eventsBroken: t.exposeInt('eventsBroken', {
      description:
        'Of these, how many fit the present schema. If there are any, a definition that promises ' +
        'BACKWARD or FULL refuses the schema.',
    }),
    isCutShort: t.exposeBoolean('isCutShort', {
      description:
        'Whether only a part of the sample was checked, because it is too large or takes ' +
        'too long.',
    }),
    failingPositions: t.field({
      type: ['SafeInt'],
      description: 'Positions of the first few events that do not fit the new schema.',
      resolve: ({ failingPositions }) => [...failingPositions],
    }),
  }),
});

/** It reads up to a thousand events. */
const CHECK_COST = 1_000;

builder.queryField('checkDefinition', t =>
  t.field({
    type: DefinitionCheckRef,
    scope: 'EVENTS_READ',
    extensions: { cost: CHECK_COST },
    description:
      'How a payload schema would be judged if it were defined now. Changes nothing. ' +
      'Without a definition of this name, nothing is compared.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      name: t.arg.string({ required: true, description: 'Name of the definition.' }),
      payloadSchema: t.arg({
        type: 'JSONObject',
        description: 'The new schema. Null: any payload is valid.',
      }),
      compatibility: t.arg({
        type: SchemaCompatibilityEnum,
        description: 'The compatibility to judge by. Default: that of the definition.',
      }),
    },
    resolve: async (_root, { workspace: slug, name, payloadSchema, compatibility }, context) => {
      const { id: workspaceId } = await context.access(slug, 'EVENTS_READ');
      return context.services.checkDefinition({
        workspaceId,
        name,
        payloadSchema: payloadSchema == null ? null : schemaInDoubles(payloadSchema),
        compatibility: compatibility ?? null,
      });
    },
  }),
);
