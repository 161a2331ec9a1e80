/** The live parts, wired to this gateway's database. */
import type { Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { systemClock } from '../live/clock.ts';
import { LIVE_LIMITS } from '../live/limits.ts';
import { createLiveAggregates } from '../live/live-aggregates.ts';
import { createLive, type Live } from '../live/live.ts';
import { createEventLog } from '../live/log.ts';
import { createPostgresWakeup } from '../live/wakeup-postgres.ts';
import { withPoll } from '../live/wakeup.ts';
import type { Log } from '../observability/log.ts';
import { readWholeAnswer } from '../read/aggregate-live.ts';

export interface LiveOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
}

/** What lies beneath a lost NOTIFY: the heads of watched workspaces are looked at this often. */
const POLL_MS = 1_000;

export function createGatewayLive({ db, config, log }: LiveOptions): Live {
  const wakeup = createPostgresWakeup({
    listen: db.listen,
    connection: db.upkeep,
    clock: systemClock,
    onDeaf: err =>
      log.warn({ err }, 'not listening: other gateways are seen by poll until it succeeds'),
    onFailure: err => log.warn({ err }, 'a wake-up was not sent: other gateways see it by poll'),
  });
  return createLive({
    log: createEventLog(db.read, config.answerBytesMax),
    wakeup: withPoll(wakeup, { pollMs: POLL_MS, clock: systemClock }),
    logger: log,
    crowd: db.crowd,
    limits: {
      ...LIVE_LIMITS,
      streamsMax: config.streamsMax,
      streamsPerTagMax: config.streamsPerKeyMax,
    },
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
