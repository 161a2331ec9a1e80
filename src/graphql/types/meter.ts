/** `Meter`, every way to it, and what makes and deletes one. */
import type { EventGroupKey, EventMeasure } from '../../core/aggregate.ts';
import { GatewayError } from '../../core/errors.ts';
import { parsePayload } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  type Meter,
  type MeterStatus,
  meterStatus,
  operandNumber,
  operandOf,
} from '../../core/meter.ts';
import { actorOf } from '../../core/principal.ts';
import { workspaceNotFound } from '../../core/workspace.ts';
import { meterCursor } from '../../read/meters.ts';
import { toMeasures } from '../aggregate-input.ts';
import { builder, enumValues, ID_FIELD, WORKSPACE_ARGUMENT } from '../builder.ts';
import { connectionType } from '../connection.ts';
import { encodeId } from '../global-id.ts';
import { MeterRef, WorkspaceRef } from '../refs.ts';
import { addWorkspaceField } from '../workspace-field.ts';
import {
  EventDimensionEnum,
  EventGroupKeyInput,
  EventMeasureInput,
  MeasureFunctionEnum,
} from './aggregate-input.ts';
import { EventFilterInput } from './event-filter.ts';

const MeterStatusEnum = builder.enumType('MeterStatus', {
  description: 'Whether a meter answers.',
  values: enumValues<MeterStatus>({
    FILLING: 'It is being filled from past events. It answers nothing yet.',
    ACTIVE: 'It answers, and is kept up to date.',
    FAILING:
      'Events could not be counted into it. The gateway tries again. Until then, ' +
      'questions are answered from the events.',
  }),
});

const EventGroupKeyRef = builder.objectRef<EventGroupKey>('EventGroupKey').implement({
  description: 'What events are grouped by: a dimension or a payload path.',
  fields: t => ({
    dimension: t.field({
      type: EventDimensionEnum,
      nullable: true,
      description: 'The field of the event. Null for a payload path.',
      resolve: key => ('dimension' in key ? key.dimension : null),
    }),
    payloadPath: t.field({
      type: ['String'],
      nullable: true,
      description: 'The keys from the top of the payload. Null for a dimension.',
      resolve: key => ('payloadPath' in key ? key.payloadPath : null),
    }),
  }),
});

const EventMeasureRef = builder.objectRef<EventMeasure>('EventMeasure').implement({
  description: 'A measure that is computed.',
  fields: t => ({
    function: t.expose('function', {
      type: MeasureFunctionEnum,
      description: 'The function that is applied to the values.',
    }),
    payloadPath: t.field({
      type: ['String'],
      nullable: true,
      description: 'The keys from the top of the payload to the values. Null if it has none.',
      resolve: ({ payloadPath }) => payloadPath,
    }),
    dimension: t.field({
      type: EventDimensionEnum,
      nullable: true,
      description: 'The field of the event. Null if it has none.',
      resolve: ({ dimension }) => dimension,
    }),
  }),
});

MeterRef.implement({
  description:
    'A declared question whose answer is kept up to date. `eventAggregates` finds the ' +
    'meter by itself, and then says `source: METER`.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: t.id({
      description: ID_FIELD,
      resolve: ({ workspaceId, id }) => encodeId('Meter', workspaceId, id),
    }),
    workspace: t.field({
      type: WorkspaceRef,
      description: 'The workspace whose events it counts.',
      resolve: async ({ workspaceId }, _args, { loaders }) => {
        const workspace = await loaders.workspace.load(workspaceId);
        if (workspace === null) throw workspaceNotFound();
        return workspace;
      },
    }),
    name: t.exposeString('name', { description: 'Its name, unique in the workspace.' }),
    filter: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'The `EventFilter` as it was given. Null: all events.',
      resolve: ({ filterText }) => (filterText === null ? null : parsePayload(filterText)),
    }),
    groupBy: t.field({
      type: [EventGroupKeyRef],
      description: 'What it groups by. It answers questions that group by these, or by fewer.',
      resolve: ({ groupBy }) => groupBy,
    }),
    measures: t.field({
      type: [EventMeasureRef],
      description: 'Its measures beside the count.',
      resolve: ({ measures }) => measures,
    }),
    status: t.field({
      type: MeterStatusEnum,
      description: 'Whether it answers.',
      resolve: meterStatus,
    }),
    problem: t.exposeString('fault', {
      nullable: true,
      description: 'Why it cannot be updated, in the words of Postgres. Null unless FAILING.',
    }),
    filledPosition: t.field({
      type: 'SafeInt',
      description: 'Every event up to this position is counted.',
      resolve: ({ folded }) => folded,
    }),
    targetPosition: t.field({
      type: 'SafeInt',
      description:
        'The position up to which the rollups count. A meter that is FILLING answers ' +
        'when it has reached it.',
      resolve: ({ target }) => target,
    }),
    seriesCount: t.field({
      type: 'SafeInt',
      description: 'How many groups it has.',
      resolve: ({ seriesCount }) => seriesCount,
    }),
    seriesMax: t.exposeInt('seriesMax', { description: 'How many groups it may have.' }),
  }),
});

builder.objectFields(MeterRef, t => ({
  overflowed: t.exposeBoolean('isOverflowed', {
    description:
      'Whether there are more groups than it may have. Further groups count as one, ' +
      '`other`. Questions with groups are then answered from it only with `approximate: ' +
      'true`.',
  }),
  valuesCut: t.exposeBoolean('isCut', {
    description:
      `Whether it groups by a value that is longer than ${LIMITS.meterValueBytesMax} ` +
      'bytes, of which it keeps only the beginning. Questions with groups then need ' +
      '`approximate: true`.',
  }),
  measuresSetAside: t.field({
    type: [EventMeasureRef],
    description:
      'Measures that it no longer answers, because an event has a number that is too long.',
    resolve: meter =>
      meter.measures.filter(measure => {
        const operand = operandOf(measure);
        return operand !== null && meter.setAside.includes(operandNumber(meter, operand));
      }),
  }),
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
}));

const MeterConnectionRef = connectionType<Meter>({ node: MeterRef, items: 'meters, by name' });

addWorkspaceField('meter', {
  type: MeterRef,
  nullable: true,
  scope: 'EVENTS_READ',
  description: 'A meter by its name. Null if there is none.',
  args: arg => ({ name: arg.string({ required: true, description: 'Its name, case-sensitive.' }) }),
  resolve: (workspaceId, { name }, { services }) => services.meters.byName(workspaceId, name),
});

addWorkspaceField('meters', {
  type: MeterConnectionRef,
  scope: 'EVENTS_READ',
  description: 'A page of the meters of the workspace, by name.',
  args: arg => arg.connectionArgs(),
  async resolve(workspaceId, args, { services }) {
    const page = await services.meters.page(workspaceId, args);
    return { page, cursorOf: meterCursor };
  },
});

interface ShownMeter {
  readonly workspaceId: number;
  readonly meterId: number;
}

const CreateMeterPayload = builder.objectRef<ShownMeter>('CreateMeterPayload').implement({
  description: 'The answer of `createMeter`.',
  fields: t => ({
    meter: t.field({
      type: MeterRef,
      description: 'The meter as it is now.',
      resolve: async ({ workspaceId, meterId }, _args, { services }) => {
        const [found] = await services.meters.byIds(workspaceId, [meterId]);
        if (found == null) throw new GatewayError('NOT_FOUND', 'The meter was deleted.');
        return found;
      },
    }),
  }),
});

const DeleteMeterPayload = builder
  .objectRef<{ deletedName: string }>('DeleteMeterPayload')
  .implement({
    description: 'The answer of `deleteMeter`.',
    fields: t => ({
      deletedName: t.exposeString('deletedName', { description: 'The name, which is free again.' }),
    }),
  });

const CreateMeterInput = builder.inputType('CreateMeterInput', {
  description: 'The argument of `createMeter`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    name: t.string({
      required: true,
      description: `Its name, unique in the workspace, 1 to ${LIMITS.meterNameBytesMax} bytes of UTF-8.`,
    }),
    filter: t.field({
      type: EventFilterInput,
      description:
        'Which events, without occurredAt, categories and eventIds. The meter answers ' +
        'questions with the same filter, and with further conditions on what it groups ' +
        'by. Default: all.',
    }),
    groupBy: t.field({
      type: [EventGroupKeyInput],
      description: `What it groups by, at most ${LIMITS.meterGroupKeysMax}. Default: nothing.`,
    }),
    measures: t.field({
      type: [EventMeasureInput],
      description:
        `Measures beside the count, at most ${LIMITS.meterMeasuresMax}. UNIQUE and percentiles are ` +
        'kept as sketches, which answer questions with `approximate: true`. Default: none.',
    }),
    seriesMax: t.int({
      defaultValue: LIMITS.meterSeriesDefault,
      description:
        `How many groups it may have, at most ${LIMITS.meterSeriesMax}. Further groups count as ` +
        'one, `other`.',
    }),
  }),
});

const DeleteMeterInput = builder.inputType('DeleteMeterInput', {
  description: 'The argument of `deleteMeter`.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    meter: t.string({ required: true, description: 'Name of the meter.' }),
  }),
});

const SCOPE = 'DEFINITIONS_WRITE';

builder.mutationFields(t => ({
  createMeter: t.field({
    type: CreateMeterPayload,
    scope: SCOPE,
    description:
      'Declares a question whose answer is kept up to date from now on. It is filled ' +
      'from past events while recording goes on.',
    args: {
      input: t.arg({ type: CreateMeterInput, required: true, description: 'What to count.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { id: workspaceId } = await context.access(input.workspace, SCOPE);
      const meter = {
        name: input.name,
        filter: input.filter ?? null,
        groupBy: (input.groupBy ?? []) as readonly EventGroupKey[],
        measures: toMeasures(input.measures),
        seriesMax: input.seriesMax ?? LIMITS.meterSeriesDefault,
      };
      const actor = actorOf(context.principal, SCOPE);
      const meterId = await context.services.meterAdmin.create(workspaceId, meter, actor);
      return { workspaceId, meterId };
    },
  }),
  deleteMeter: t.field({
    type: DeleteMeterPayload,
    scope: SCOPE,
    description:
      'Deletes a meter. Its counts are deleted in the background. The events stay, and ' +
      'questions are answered from them.',
    args: {
      input: t.arg({ type: DeleteMeterInput, required: true, description: 'Which meter.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { id } = await context.access(input.workspace, SCOPE);
      const actor = actorOf(context.principal, SCOPE);
      await context.services.meterAdmin.remove(id, input.meter, actor);
      return { deletedName: input.meter };
    },
  }),
}));
