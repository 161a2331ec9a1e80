import type {
  GatewayStatus,
  RecordedMinute,
  RecordingStatus,
  RefusalStatus,
  SetAsideMeasure,
  StorageStatus,
  StreamStatus,
  UpkeepFault,
  UpkeepStatus,
  UpkeepStep,
} from '../../core/gateway-status.ts';
import { builder, enumValues } from '../builder.ts';
import { WorkspaceRef } from '../refs.ts';

const StreamStatusRef = builder.objectRef<StreamStatus>('StreamStatus').implement({
  description: 'The live streams of one gateway.',
  fields: t => ({
    open: t.exposeInt('open', { description: 'The number of open streams.' }),
    catchingUp: t.exposeInt('catchingUp', {
      description:
        'The number of open streams that read from the log, because they began in the past or fell behind.',
    }),
    lagEvents: t.field({
      type: 'SafeInt',
      description: 'How many events the slowest stream is behind.',
      resolve: ({ lagEvents }) => lagEvents,
    }),
    lagSeconds: t.float({
      description: 'Age of the oldest event that the slowest stream has not delivered yet, or 0.',
      resolve: ({ lagMs }) => lagMs / 1_000,
    }),
  }),
});

const StorageStatusRef = builder.objectRef<StorageStatus>('StorageStatus').implement({
  description: 'The disk space of the database.',
  fields: t => ({
    usedBytes: t.field({
      type: 'SafeInt',
      description: 'Bytes of the whole database, including indexes.',
      resolve: ({ usedBytes }) => usedBytes,
    }),
    bytesPerDay: t.field({
      type: 'SafeInt',
      description:
        'Bytes that a day adds: the current bytes for each event, times the events of an average ' +
        'day of the last week. The removal of old events is not subtracted.',
      resolve: ({ bytesPerDay }) => bytesPerDay,
    }),
    freeBytes: t.field({
      type: 'SafeInt',
      nullable: true,
      description:
        'Free bytes on the disk of the embedded Postgres. Null for another server, whose disk ' +
        'the gateway cannot see.',
      resolve: ({ freeBytes }) => freeBytes,
    }),
  }),
});

const RefusalStatusRef = builder.objectRef<RefusalStatus>('RefusalStatus').implement({
  description: 'What one gateway refused since it was started.',
  fields: t => ({
    requests: t.expose('requests', {
      type: 'SafeInt',
      description: 'The number of requests that were refused for overload or a rate limit.',
    }),
    rejectedEvents: t.expose('rejectedEvents', {
      type: 'SafeInt',
      description: 'The number of events that were refused because of their problems.',
    }),
    conflictingEvents: t.expose('conflictingEvents', {
      type: 'SafeInt',
      description:
        'The number of events that were refused because their id belongs to other content.',
    }),
  }),
});

const RecordedMinuteRef = builder.objectRef<RecordedMinute>('RecordedMinute').implement({
  description: 'A minute in which events were recorded.',
  fields: t => ({
    start: t.expose('start', { type: 'DateTime', description: 'When it begins.' }),
    count: t.expose('count', {
      type: 'SafeInt',
      description: 'The number of events, including those removed since.',
    }),
  }),
});

const RecordingStatusRef = builder.objectRef<RecordingStatus>('RecordingStatus').implement({
  description: 'How events are recorded into a workspace, whenever they happened.',
  fields: t => ({
    lastHour: t.field({
      type: [RecordedMinuteRef],
      description:
        'The last 60 minutes by the database’s clock. The present minute is the last one.',
      resolve: ({ lastHour }) => lastHour,
    }),
    uncountedEvents: t.expose('uncountedEvents', {
      type: 'SafeInt',
      description: 'The number of events that the rollups do not count yet. Reads count them.',
    }),
  }),
});

builder.objectField(WorkspaceRef, 'recordings', t =>
  t.field({
    type: RecordingStatusRef,
    scope: 'EVENTS_READ',
    description: 'How events are recorded into it.',
    resolve: ({ id }, _args, { services }) => services.status.recordings(id),
  }),
);

const UpkeepStepEnum = builder.enumType('UpkeepStep', {
  description: 'A step of background work, done for each workspace separately.',
  values: enumValues<UpkeepStep>({
    FOLD: 'Counts recorded events into the rollups. Until then, reads count them from the events.',
    DAYS: 'Rebuilds the rollup of days for another time zone.',
    FILL: 'Counts earlier events into the rollup of a new measure.',
    DROP: 'Removes the rollup of a measure that is no longer declared.',
    EXPIRY: 'Removes the content of expired events. Reads do not show it meanwhile.',
    EVIDENCE: 'Adds events to the Merkle tree. Until then retention removes none of them.',
    SEARCH: 'Adds events to the index of searches. Until then searches read them one by one.',
    RETENTION: 'Removes events that are no longer kept.',
  }),
});

const UpkeepFaultRef = builder.objectRef<UpkeepFault>('UpkeepFault').implement({
  description: 'A step that fails for one workspace. Other workspaces are not delayed by it.',
  fields: t => ({
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace. Null if it was just deleted.',
      resolve: ({ workspaceId }, _args, { loaders }) => loaders.workspace.load(workspaceId),
    }),
    step: t.field({
      type: UpkeepStepEnum,
      description: 'The step that fails.',
      resolve: f => f.step,
    }),
    since: t.expose('since', { type: 'DateTime', description: 'When it first failed.' }),
    retryAt: t.expose('retryAt', { type: 'DateTime', description: 'When it will be tried again.' }),
    message: t.exposeString('message', { description: 'The message of the database, for people.' }),
  }),
});

const SetAsideMeasureRef = builder.objectRef<SetAsideMeasure>('SetAsideMeasure').implement({
  description:
    'A measure without a rollup, because a number in its events has more than 128 ' +
    'characters. It is counted from events, within the time limit. To try again, define the ' +
    'type without the measure, and then with it.',
  fields: t => ({
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace. Null if it was just deleted.',
      resolve: ({ workspaceId }, _args, { loaders }) => loaders.workspace.load(workspaceId),
    }),
    type: t.exposeString('type', { description: 'The type whose definition lists it.' }),
    property: t.exposeString('property', { description: 'The property that it measures.' }),
    since: t.expose('since', { type: 'DateTime', description: 'When it was set aside.' }),
  }),
});

const UpkeepStatusRef = builder.objectRef<UpkeepStatus>('UpkeepStatus').implement({
  description:
    'Background work that fails, and for which workspaces. The lists are empty if all is well.',
  fields: t => ({
    faults: t.field({
      type: [UpkeepFaultRef],
      description: 'Failing steps, oldest first, at most 100.',
      resolve: ({ faults }) => faults,
    }),
    setAsideMeasures: t.field({
      type: [SetAsideMeasureRef],
      description: 'Measures without a rollup, oldest first, at most 100.',
      resolve: ({ setAsideMeasures }) => setAsideMeasures,
    }),
  }),
});

const GatewayStatusRef = builder.objectRef<GatewayStatus>('GatewayStatus').implement({
  description:
    'The state of the gateway that answers. If there are several, each reports only itself.',
  fields: t => ({
    version: t.exposeString('version', {
      description: 'Version of the gateway: MAJOR.MINOR.PATCH.',
    }),
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
      description: 'The disk space of its database.',
      resolve: (_status, _args, { services }) => services.status.storage(),
    }),
    refusals: t.field({
      type: RefusalStatusRef,
      description: 'What it refused since it was started.',
      resolve: (_status, _args, { services }) => services.status.refusals(),
    }),
    upkeep: t.field({
      type: UpkeepStatusRef,
      description: 'Background work that fails, for all gateways of the database.',
      resolve: (_status, _args, { services }) => services.status.upkeep(),
    }),
  }),
});

builder.queryField('status', t =>
  t.field({
    type: GatewayStatusRef,
    scope: 'ADMIN_OF_ALL',
    description:
      'The state of the gateway. `/health/ready` ' +
      'tells everybody whether the gateway can record and read.',
    resolve: (_root, _args, { services }) => services.status.gateway(),
  }),
);
