/** What an operator reads of a standby: once a minute at most of each thing. */
import type { Log } from '../observability/log.ts';
import type { AnsweredAt } from '../read/offload.ts';

const LOG_EVERY_MS = 60_000;

const MEANINGS: Readonly<Record<Exclude<AnsweredAt, 'STANDBY'>, string>> = {
  BEHIND: 'the standby is behind',
  AWAY: 'the standby is away',
  BUSY: 'the standby has no connection free',
  CANCELED: 'the standby ended a read that was in the way of what it has to replay',
  SLOW: 'a read reached its time limit at the standby',
  FAULT: 'a read failed at the standby',
};

/** Hears of every question where it was answered. */
export function createStandbyLog(
  log: Pick<Log, 'info' | 'warn'>,
  nowMs: () => number,
): (at: AnsweredAt, cause: unknown) => void {
  const loggedAtMs = new Map<AnsweredAt, number>();
  let isMissed = false;
  return (at, err) => {
    if (at === 'STANDBY') {
      if (isMissed) log.info({}, 'the standby answers reads again');
      isMissed = false;
      return;
    }
    if (nowMs() - (loggedAtMs.get(at) ?? -Infinity) < LOG_EVERY_MS) return;
    loggedAtMs.set(at, nowMs());
    isMissed ||= at === 'AWAY';
    log.warn({ err }, `reads go to the primary: ${MEANINGS[at]}`);
  };
}
