import type { SchemaVersion } from '../../core/definition.ts';
import { schemaVersionCursor } from '../../read/definitions.ts';
import { coversKey } from '../access.ts';
import { builder } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { ApiKeyRef, EventDefinitionRef } from '../refs.ts';

const SchemaVersionRef = builder.objectRef<SchemaVersion>('SchemaVersion').implement({
  description: 'A version of the payload schema of a definition.',
  fields: t => ({
    version: t.exposeInt('version', { description: 'Its number. The first is 1.' }),
    payloadSchema: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'The schema. Null: any payload was valid.',
      resolve: ({ payloadSchema }, _args, { answer }) =>
        answer.holds(JSON.stringify(payloadSchema).length) ? payloadSchema : null,
    }),
    afterPosition: t.expose('afterPosition', {
      type: 'SafeInt',
      description:
        'The newest position when this version was made. Events after it, up to the next ' +
        'version, were recorded under this one.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.field({
      type: ApiKeyRef,
      nullable: true,
      description:
        'The key that made it. Null if it is not known, or if the calling key may not see that key.',
      resolve: async ({ createdBy }, _args, context) => {
        const key = createdBy === null ? null : await context.loaders.apiKey.load(createdBy);
        return key !== null && coversKey(context, key) ? key : null;
      },
    }),
  }),
});

const SchemaVersionConnectionRef = connectionType<SchemaVersion>({
  node: SchemaVersionRef,
  items: 'versions of a payload schema, the newest first',
});

builder.objectField(EventDefinitionRef, 'schemaVersions', t =>
  t.field({
    type: SchemaVersionConnectionRef,
    description:
      'A page of the versions of its payload schema, the newest first. Versions that an earlier ' +
      'gateway replaced are missing.',
    args: t.arg.connectionArgs(),
    resolve: async ({ workspaceId, id }, args, { services }) => ({
      page: await services.definitions.versions(workspaceId, id, args),
      cursorOf: schemaVersionCursor,
    }),
  }),
);
