import type {
  EventDefinition,
  EventDefinitionFilter,
  EventDefinitionStatus,
  SchemaCompatibility,
  ValidationMode,
} from '../../core/definition.ts';
import { LIMITS } from '../../core/limits.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import { definitionCursor } from '../../read/definitions.ts';
import { builder, enumValues, ID_FIELD } from '../builder.ts';
import { connectionType, type Connection } from '../connection.ts';
import { encodeId } from '../global-id.ts';
import { EventDefinitionRef, WorkspaceRef } from '../refs.ts';
import { addWorkspaceField } from '../workspace-field.ts';

export const EventDefinitionStatusEnum = builder.enumType('EventDefinitionStatus', {
  description: 'The status of a definition.',
  values: enumValues<EventDefinitionStatus>({
    DISCOVERED: 'Events of this type were recorded before anybody defined it.',
    ACTIVE: 'In use.',
    DEPRECATED: 'Its events are still recorded, but new code should not send them.',
    BLOCKED: 'Its events are refused.',
  }),
});

export const ValidationModeEnum = builder.enumType('ValidationMode', {
  description: 'What happens to an event whose payload does not match its definition’s schema.',
  values: enumValues<ValidationMode>({
    OFF: 'The event is recorded. The schema is not checked.',
    WARN: 'The event is recorded, with a problem of severity WARNING in its receipt.',
    QUARANTINE: 'Kept in quarantine with its problems.',
    REJECT: 'Refused.',
  }),
});

export const SchemaCompatibilityEnum = builder.enumType('SchemaCompatibility', {
  description:
    'What a change of a payload schema must keep. The new schema is compared with the present one.',
  values: enumValues<SchemaCompatibility>({
    NONE: 'Nothing: any change is accepted.',
    BACKWARD:
      'The new schema accepts everything that the present one accepts, so readers that ' +
      'know the new one can read older events. Recorded events are checked too.',
    FORWARD:
      'The present schema accepts everything that the new one accepts, so readers that ' +
      'know the present one can read future events.',
    FULL: 'Both.',
  }),
});

EventDefinitionRef.implement({
  description: 'The definition of an event type in a workspace.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, id }) => encodeId('EventDefinition', workspaceId, id),
    }),
    workspace: t.field({
      type: WorkspaceRef,
      description: 'The workspace whose events it defines.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId);
        if (workspace === null) throw workspaceNotFound();
        return workspace;
      },
    }),
    name: t.exposeString('name', {
      description: 'The event type, such as `user.signup` or `os/cpu`.',
    }),
    title: t.exposeString('title', { nullable: true, description: 'A short name for people.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What such events mean, for people.',
    }),
    category: t.exposeString('category', {
      nullable: true,
      description: 'A heading for related definitions, such as `billing`.',
    }),
    status: t.expose('status', {
      type: EventDefinitionStatusEnum,
      description: 'Its status.',
    }),
    payloadSchema: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'JSON Schema 2020-12 of the payload. Null: any payload is valid.',
      resolve: ({ payloadSchema }, _args, { answer }) =>
        answer.holds(JSON.stringify(payloadSchema).length) ? payloadSchema : null,
    }),
    validation: t.expose('validation', {
      type: ValidationModeEnum,
      description: 'What happens to an event whose payload does not match the schema.',
    }),
    version: t.exposeInt('version', {
      description: 'Starts at 1 and grows by one with each change of the schema.',
    }),
    compatibility: t.expose('compatibility', {
      type: SchemaCompatibilityEnum,
      description: 'What a change of the schema must keep. Otherwise it is refused.',
    }),
    measures: t.exposeStringList('measures', {
      description:
        'Numeric payload properties whose count, sum, minimum and maximum are kept in rollups.',
    }),
  }),
});

builder.objectFields(EventDefinitionRef, t => ({
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  firstRecordedAt: t.field({
    type: 'DateTime',
    nullable: true,
    description: 'When its first event was recorded. Null: none yet.',
    resolve: async (definition, _args, { loaders }) =>
      (await loaders.definitionCount.load(definition))?.firstRecordedAt ?? null,
  }),
  lastRecordedAt: t.field({
    type: 'DateTime',
    nullable: true,
    description: 'When its newest event was recorded. Null: none yet.',
    resolve: async (definition, _args, { loaders }) =>
      (await loaders.definitionCount.load(definition))?.lastRecordedAt ?? null,
  }),
  eventCount: t.field({
    type: 'SafeInt',
    description: 'The number of its recorded events, including those removed since.',
    resolve: async (definition, _args, { loaders }) =>
      (await loaders.definitionCount.load(definition))?.eventCount ?? 0,
  }),
}));

interface DefinitionConnection extends Connection<EventDefinition> {
  count(): Promise<number>;
}

const EventDefinitionConnectionRef = connectionType<EventDefinition, DefinitionConnection>({
  node: EventDefinitionRef,
  items: 'event definitions, by name',
  fields: t => ({
    totalCount: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'The number of items on all pages. Counted only when selected.',
      resolve: connection => connection.count(),
    }),
  }),
});

const EventDefinitionFilterInput = builder
  .inputRef<EventDefinitionFilter>('EventDefinitionFilter')
  .implement({
    description:
      'Selects definitions. All given conditions must hold. A list means one of its values, ' +
      'and an empty list selects nothing.',
    fields: t => ({
      names: t.stringList({ description: 'The name is one of these.' }),
      namePrefix: t.string({ description: 'The name begins with this text, such as `user.`.' }),
      categories: t.stringList({ description: 'The category is one of these.' }),
      statuses: t.field({
        type: [EventDefinitionStatusEnum],
        description: 'The status is one of these.',
      }),
      search: t.string({
        description:
          'Words. Each must occur in name, title, description or category. ASCII case is ' +
          `ignored. At most ${LIMITS.searchCharsMax} characters.`,
      }),
    }),
  });

addWorkspaceField('eventDefinition', {
  type: EventDefinitionRef,
  nullable: true,
  scope: 'EVENTS_READ',
  description: 'An event definition by its name. Null if there is none.',
  args: arg => ({
    name: arg.string({ required: true, description: 'Name of the definition, case-sensitive.' }),
  }),
  async resolve(workspaceId, { name }, { services }) {
    const [found] = await services.definitions.byNames(workspaceId, [name]);
    return found ?? null;
  },
});

addWorkspaceField('eventDefinitions', {
  type: EventDefinitionConnectionRef,
  scope: 'EVENTS_READ',
  description: 'A page of the event definitions of the workspace, by name.',
  args: arg => ({
    filter: arg({
      type: EventDefinitionFilterInput,
      description: 'Which definitions. Default: all.',
    }),
    ...arg.connectionArgs(),
  }),
  async resolve(workspaceId, args, { services: { definitions } }) {
    const page = await definitions.page(workspaceId, args);
    const count = () => definitions.count(workspaceId, args.filter ?? null);
    return { page, cursorOf: definitionCursor, count };
  },
});
