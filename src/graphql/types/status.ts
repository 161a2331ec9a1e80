import type { GatewayStatus, StorageStatus, StreamStatus } from '../../core/gateway-status.ts';
import { requireInstallationAdmin } from '../access.ts';
import { builder } from '../builder.ts';

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
