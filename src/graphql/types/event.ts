import type { EventDefinition } from '../../core/definition.ts';
import { parsePayload } from '../../core/exact-json.ts';
import { versionAt } from '../../core/schema-version.ts';
import { storedProperties } from '../../core/stored-properties.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import { builder, ID_FIELD } from '../builder.ts';
import { cursorsOf } from '../context.ts';
import { encodeId } from '../global-id.ts';
import { EventDefinitionRef, EventRef, WorkspaceRef } from '../refs.ts';
import { contentShown } from '../shows-content.ts';
import { DoorEnum } from './event-filter.ts';
import { EventPropertyRef } from './event-property.ts';
import { EventProblemRef } from './receipt.ts';

EventRef.implement({
  description: 'Something that happened, as it was recorded in a workspace.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, position, recordedAt }) =>
        encodeId('Event', workspaceId, position, recordedAt.getTime()),
    }),
    eventId: t.exposeString('eventId', {
      description:
        'The id that the recorder gave it, unique in the workspace. By default a UUIDv7.',
    }),
    position: t.expose('position', {
      type: 'SafeInt',
      description:
        'Its position in the workspace: 1, 2, 3 … in the order in which events became visible.',
    }),
    cursor: t.string({
      description: 'Its position as a cursor. Subscribe `after` it to get the following events.',
      resolve: (event, _args, context) =>
        cursorsOf(context, event.workspaceId).encodePosition(event),
    }),
    workspace: t.field({
      type: WorkspaceRef,
      description: 'The workspace in which it was recorded.',
      resolve: async ({ workspaceId }, _args, { loaders }) =>
        present(await loaders.workspace.load(workspaceId)),
    }),
    type: t.exposeString('type', {
      description: 'Name of its definition, such as `user.signup` or `os/cpu`.',
    }),
    definition: t.field({
      type: EventDefinitionRef,
      scope: 'EVENTS_READ',
      description: 'The definition of its type.',
      resolve: async ({ workspaceId, definitionId: id }, _args, { loaders }) =>
        (await loaders.definition.load({ workspaceId, id })) ?? missing(workspaceId, id),
    }),
    schemaVersion: t.int({
      nullable: true,
      scope: 'EVENTS_READ',
      description:
        'The version of its definition’s payload schema under which it was recorded. ' +
        'Null: it was recorded before the gateway kept versions.',
      resolve: async ({ workspaceId, definitionId: id, position }, _args, { loaders }) =>
        versionAt((await loaders.schemaPlaces.load({ workspaceId, id })) ?? [], position),
    }),
  }),
});

builder.objectFields(EventRef, t => ({
  occurredAt: t.expose('occurredAt', {
    type: 'DateTime',
    description: 'When it happened. By default, when it was received.',
  }),
  recordedAt: t.expose('recordedAt', {
    type: 'DateTime',
    description: 'When it was recorded, by the database’s clock. Increases with the position.',
  }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When its content is removed. Its position stays. Null: never.',
  }),
  redactedAt: t.expose('redactedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When `redactEvents` removed its content. Null: it did not.',
  }),
  source: t.exposeString('source', {
    nullable: true,
    description: 'The system, application or host that emitted it.',
  }),
  subject: t.exposeString('subject', { nullable: true, description: 'What it is about.' }),
  actor: t.exposeString('actor', { nullable: true, description: 'Who did it.' }),
  description: t.exposeString('description', {
    nullable: true,
    description: 'What happened, in words for people.',
  }),
  icon: t.exposeString('icon', { nullable: true, description: 'One emoji.' }),
  notify: t.exposeBoolean('notify', {
    description: 'Whether somebody should be notified.',
  }),
  success: t.exposeBoolean('success', {
    nullable: true,
    description: 'Whether the action succeeded. Null: not said.',
  }),
  clientIp: t.exposeString('clientIp', {
    nullable: true,
    description: 'IPv4 or IPv6 address of the client that caused it.',
  }),
}));

builder.objectFields(EventRef, t => ({
  parentId: t.exposeString('parentId', {
    nullable: true,
    description: 'Event id of the event that caused it, which need not be recorded.',
  }),
  parent: t.field({
    type: EventRef,
    nullable: true,
    scope: 'EVENTS_READ',
    description: 'The event that caused it. Null if it names none, or if that event is not kept.',
    resolve: ({ workspaceId, parentId }, _args, { loaders }, info) => {
      const content = contentShown(info) > 0;
      return parentId === null
        ? null
        : loaders.eventById.load({ workspaceId, eventId: parentId, content });
    },
  }),
  groupId: t.exposeString('groupId', {
    nullable: true,
    description:
      'Id shared by events that belong together, such as those of an execution, a trace or a request.',
  }),
  door: t.expose('door', {
    type: DoorEnum,
    description: 'The API through which the event was recorded.',
  }),
  payload: t.field({
    type: 'JSONObject',
    description:
      'The event’s data. Integers beyond 2^53 are shown as text here. `properties` is exact. ' +
      'Empty if it cannot be shown: `unreadable` says why.',
    resolve: ({ payload }, _args, { answer }) =>
      answer.holds(payload.length) ? parsePayload(payload) : {},
  }),
  properties: t.field({
    type: [EventPropertyRef],
    description:
      'The payload’s top-level values with their exact types: 64-bit integers and decimals ' +
      'keep every digit.',
    args: {
      names: t.arg.stringList({ description: 'Only the values of these keys. Default: all.' }),
    },
    resolve: (event, { names }, { answer }) =>
      answer.overrun === null ? storedProperties(event, names) : [],
  }),
  unreadable: t.field({
    type: [EventProblemRef],
    description:
      'What cannot be shown of the event, and why: it is too large, damaged in the database, ' +
      'or of an unknown kind. These fields are empty. For nearly all events this list is empty.',
    resolve: ({ unreadable }) => unreadable ?? [],
  }),
}));

/** In the place of a definition that was removed from the database: see `unreadable`. */
function missing(workspaceId: number, id: number): EventDefinition {
  const [epoch, none] = [new Date(0), null];
  return {
    workspaceId,
    id,
    name: '',
    title: none,
    description: none,
    category: none,
    status: 'DISCOVERED',
    payloadSchema: none,
    validation: 'OFF',
    compatibility: 'NONE',
    version: 0,
    revision: 0,
    measures: [],
    createdAt: epoch,
    updatedAt: epoch,
    eventCount: 0,
    firstRecordedAt: none,
    lastRecordedAt: none,
  };
}

/** It has one as long as it is there, but while that is being deleted. */
function present<T>(found: T | null): T {
  if (found === null) throw workspaceNotFound();
  return found;
}
