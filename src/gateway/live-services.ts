/** The live parts, wired to this gateway's database and to the other gateways on it. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { systemClock } from '../live/clock.ts';
import { LIVE_LIMITS } from '../live/limits.ts';
import { createLiveAggregates } from '../live/live-aggregates.ts';
import { createLive, type Live } from '../live/live.ts';
import { createEventLog } from '../live/log.ts';
import { NatsWakeup } from '../live/wakeup-nats.ts';
import { createPostgresWakeup } from '../live/wakeup-postgres.ts';
import { withPoll, type Forgotten, type Wakeup } from '../live/wakeup.ts';
import type { Log } from '../observability/log.ts';
import { readWholeAnswer } from '../read/aggregate-live.ts';

export interface LiveOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
  readonly epoch: string;
  readonly sealingSecret: string;
  /** Told of workspaces where another gateway has redacted. */
  readonly onForgotten: (forgotten: Forgotten) => void;
}

/** What lies beneath a lost wake-up: the heads of watched workspaces are looked at this often. */
const POLL_MS = 1_000;

export function createGatewayLive(options: LiveOptions): Live {
  const { db, config, log } = options;
  return createLive({
    log: createEventLog(db.read, config.answerBytesMax),
    wakeup: overheard(
      withPoll(createWakeup(options), { pollMs: POLL_MS, clock: systemClock }),
      options.onForgotten,
    ),
    logger: log,
    crowd: db.crowd,
    limits: {
      ...LIVE_LIMITS,
      streamsMax: config.streamsMax,
      streamsPerTagMax: config.streamsPerKeyMax,
    },
  });
}

function overheard(wakeup: Wakeup, onForgotten: LiveOptions['onForgotten']): Wakeup {
  return {
    ...wakeup,
    onForget: hear =>
      wakeup.onForget(forgotten => {
        onForgotten(forgotten);
        hear(forgotten);
      }),
  };
}

function createWakeup({ db, config, log, epoch, sealingSecret }: LiveOptions): Wakeup {
  const onDeaf = (err: unknown) =>
    log.warn(
      { err },
      'not listening: until it succeeds, events of other gateways are found by polling',
    );
  if (config.natsServers.length > 0) {
    return new NatsWakeup({
      servers: config.natsServers,
      credentials: config.natsCredentials,
      epoch,
      key: createHash('sha256').update(`between gateways ${sealingSecret}`).digest(),
      clock: systemClock,
      onDeaf,
      onHearing: () => log.info({}, 'connected to other gateways through NATS'),
    });
  }
  return createPostgresWakeup({
    listen: db.listen,
    connection: db.upkeep,
    clock: systemClock,
    onDeaf,
    onFailure: err =>
      log.warn({ err }, 'a notification was not sent: other gateways find the events by polling'),
  });
}

export function createGatewayAggregates({ read }: Database, live: Live, epoch: string) {
  const readerOf = (workspaceId: number) => ({
    read: onBehalfOf(workspaceId, read),
    epoch,
    nowMs: () => Date.now(),
  });
  return createLiveAggregates({
    live,
    read: (workspaceId, query) => readWholeAnswer(readerOf(workspaceId), workspaceId, query),
    clock: systemClock,
  });
}
