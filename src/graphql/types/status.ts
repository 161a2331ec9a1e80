import type {
  GatewayStatus,
  SetAsideMeasure,
  StorageStatus,
  StreamStatus,
  UpkeepFault,
  UpkeepStatus,
  UpkeepStep,
} from '../../core/gateway-status.ts';
import { requireInstallationAdmin } from '../access.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';
import { WorkspaceRef } from '../refs.ts';

const StreamStatusRef = builder.objectRef<StreamStatus>('StreamStatus').implement({
  description: 'The live streams of one gateway.',
  fields: t => ({
    open: t.exposeInt('open', { description: 'How many are open.' }),
    catchingUp: t.exposeInt('catchingUp', {
      description: 'How many of these read the log, because they began in the past or fell behind.',
    }),
    lagEvents: t.field({
      type: 'SafeInt',
      description: 'Events that the slowest is behind.',
      resolve: ({ lagEvents }) => lagEvents,
    }),
    lagSeconds: t.float({
      description: 'How old the oldest event is that the slowest has yet to see; 0 when none.',
      resolve: ({ lagMs }) => lagMs / 1_000,
    }),
  }),
});

const StorageStatusRef = builder.objectRef<StorageStatus>('StorageStatus').implement({
  description: 'What the database takes on its disk.',
  fields: t => ({
    usedBytes: t.field({
      type: 'SafeInt',
      description: 'Bytes of the whole database, with its indexes.',
      resolve: ({ usedBytes }) => usedBytes,
    }),
    bytesPerDay: t.field({
      type: 'SafeInt',
      description:
        'Bytes that a day adds: as many as an event takes by now, for the events of an average ' +
        'day of the last week. Removal of old events is not taken off.',
      resolve: ({ bytesPerDay }) => bytesPerDay,
    }),
    freeBytes: t.field({
      type: 'SafeInt',
      nullable: true,
      description:
        'Bytes left on the disk of the embedded Postgres. Null for a server of its own, whose ' +
        'disk is not seen from here.',
      resolve: ({ freeBytes }) => freeBytes,
    }),
  }),
});

const UpkeepStepEnum = builder.enumType('UpkeepStep', {
  description: 'What upkeep does for each workspace by itself.',
  values: enumValues<UpkeepStep>({
    FOLD: 'Counts recorded events into the rollups. Until then reads count them from the events.',
    DAYS: 'Makes the rollup of days anew, for another time zone.',
    FILL: 'Counts earlier events into the rollup of a new measure.',
    DROP: 'Removes the rollup of a measure that is no longer declared.',
    EXPIRY: 'Takes the content of expired events away. No read shows it meanwhile.',
    RETENTION: 'Removes events that are no longer kept.',
  }),
});

const UpkeepFaultRef = builder.objectRef<UpkeepFault>('UpkeepFault').implement({
  description: 'A step that fails for one workspace. The others are not held up by it.',
  fields: t => ({
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace. Null: it was deleted a moment ago.',
      resolve: ({ workspaceId }, _args, { loaders }) => loaders.workspace.load(workspaceId),
    }),
    step: t.field({ type: UpkeepStepEnum, description: 'What fails.', resolve: f => f.step }),
    since: t.expose('since', { type: 'DateTime', description: 'When it failed first.' }),
    retryAt: t.expose('retryAt', { type: 'DateTime', description: 'When it is tried again.' }),
    message: t.exposeString('message', { description: 'What the database said, for people.' }),
  }),
});

const SetAsideMeasureRef = builder.objectRef<SetAsideMeasure>('SetAsideMeasure').implement({
  description:
    'A measure without a rollup, since a number of its events has more than 128 characters. It is ' +
    'counted from the events, within the time limit. To try anew, define the type without it, ' +
    'and then with it.',
  fields: t => ({
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace. Null: it was deleted a moment ago.',
      resolve: ({ workspaceId }, _args, { loaders }) => loaders.workspace.load(workspaceId),
    }),
    type: t.exposeString('type', { description: 'The type whose definition lists it.' }),
    property: t.exposeString('property', { description: 'The property that it measures.' }),
    since: t.expose('since', { type: 'DateTime', description: 'When it was set aside.' }),
  }),
});

const UpkeepStatusRef = builder.objectRef<UpkeepStatus>('UpkeepStatus').implement({
  description: 'What upkeep can not do, and for which workspaces. Empty lists: all is well.',
  fields: t => ({
    faults: t.field({
      type: [UpkeepFaultRef],
      description: 'Steps that fail, the oldest first; at most 100.',
      resolve: ({ faults }) => faults,
    }),
    setAsideMeasures: t.field({
      type: [SetAsideMeasureRef],
      description: 'Measures that have no rollup, the oldest first; at most 100.',
      resolve: ({ setAsideMeasures }) => setAsideMeasures,
    }),
  }),
});

const GatewayStatusRef = builder.objectRef<GatewayStatus>('GatewayStatus').implement({
  description: 'How the gateway does that answers: of several, each speaks for itself.',
  fields: t => ({
    version: t.exposeString('version', { description: 'Of the gateway: MAJOR.MINOR.PATCH.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it was started.' }),
    waitingEvents: t.exposeInt('waitingEvents', {
      description: 'Events that wait to be recorded, or are being recorded.',
    }),
    streams: t.field({
      type: StreamStatusRef,
      description: 'Its live streams.',
      resolve: ({ streams }) => streams,
    }),
    storage: t.field({
      type: StorageStatusRef,
      description: 'What its database takes on the disk.',
      resolve: (_status, _args, { services }) => services.status.storage(),
    }),
    upkeep: t.field({
      type: UpkeepStatusRef,
      description: 'What the gateways of its database can not do in the background.',
      resolve: (_status, _args, { services }) => services.status.upkeep(),
    }),
  }),
});

builder.queryField('status', t =>
  t.field({
    type: GatewayStatusRef,
    description:
      'How the gateway does. Needs the scope ADMIN over every workspace. Whether it can record ' +
      'and read is told to everybody at `/health/ready`.',
    resolve: (_root, _args, context) => {
      requireInstallationAdmin(context);
      return context.services.status.gateway();
    },
  }),
);
