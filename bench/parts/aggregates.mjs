/**
 * A year by day of 20 types: from rollups, beside `group by` over the events and beside the same at
 * 100,000 events. `growth` measures it at ten million; here it is a million, unless --events says.
 */
import { aggregateTimes } from '../harness/aggregate-times.mjs';
import { openLoader } from '../harness/corpus.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway } from '../harness/processes.mjs';
import { progress, shown } from '../harness/report.mjs';

export const about = 'a year by day, by type, from rollups and by group by';

/** All of it happened in the year that is asked for. */
const YEAR = { from: 20, to: 24 };

export async function run({ rounds, events = 1_000_000 }) {
  const few = Math.min(100_000, Math.floor(events / 2));
  const [small, large] = [await measure(few, rounds), await measure(events, rounds)];
  const what = `a year by day, by type, ${shown(events)}`;
  const measured = { what, value: large.ownZoneMs, unit: 'ms' };
  const grouped = { beside: 'group by over the events', peer: large.groupByMs };
  return [
    { ...measured, ...grouped, reach: '≤ 0.01' },
    {
      ...measured,
      what: 'the same in another zone',
      value: large.otherZoneMs,
      ...grouped,
      reach: '≤ 0.25',
    },
    { ...measured, beside: `at ${shown(few)} events`, peer: small.ownZoneMs, reach: '≤ 1.5' },
  ];
}

async function measure(events, rounds) {
  const pg = await startPostgres();
  const loader = await openLoader(pg, { lateShare: 0.3 });
  const onProgress = sent => progress(`${shown(sent)} of ${shown(events)} events are loaded`);
  await loader.load(events, { ...YEAR, onProgress });
  const now = new Date(loader.nowMs());
  await loader.close();
  const gateway = await startGateway({ databaseUrl: pg.url });
  const times = await aggregateTimes(pg, gateway.port, now, rounds);
  await gateway.stop();
  await pg.stop();
  return times;
}
