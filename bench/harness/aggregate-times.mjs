/** A year by day of 20 types: from rollups, and by `group by` over the events of the year. */
import { BY_DAY, timeOf } from './reads.mjs';
import { median } from './rounds.mjs';

const DAY_MS = 86_400_000;
const OTHER_ZONE = 'Australia/Sydney';
/** Beyond it nobody waits: the figure is then a lower bound. */
const PATIENCE_MS = 600_000;

/** Milliseconds, medians; `now` ends the year. The workspace's own zone is UTC. */
export async function aggregateTimes(pg, port, now, times = 5) {
  const to = new Date(Math.ceil(now.getTime() / DAY_MS) * DAY_MS);
  const from = new Date(to.getTime() - 365 * DAY_MS);
  const year = { from: from.toISOString(), to: to.toISOString() };
  return {
    ownZoneMs: await timeOf(port, BY_DAY, () => year),
    otherZoneMs: await timeOf(port, BY_DAY, () => ({ ...year, zone: OTHER_ZONE }), 10),
    groupByMs: await groupBy(pg, year, times),
  };
}

async function groupBy({ db }, { from, to }, times) {
  const measured = [];
  for (let n = 0; n < times; n++) {
    const startedMs = performance.now();
    await db.upkeep.query(
      `select date_trunc('day', occurred_at) as day, definition_id, count(*)
       from events where workspace_id = (select id from workspaces where slug = 'default')
         and occurred_at >= $1 and occurred_at < $2
       group by 1, 2`,
      [from, to],
      { timeoutMs: PATIENCE_MS },
    );
    measured.push(performance.now() - startedMs);
  }
  return median(measured);
}
