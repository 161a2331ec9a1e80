/** From the commit of an event to its reader, at 1,000 single-event mutations a second. */
import { liveLatency } from '../harness/live.mjs';
import { startGateway } from '../harness/processes.mjs';
import { progress } from '../harness/report.mjs';
import { median } from '../harness/rounds.mjs';

export const about = 'commit to subscriber, at 1,000 events/s';

export async function run({ rounds, seconds = 5 }) {
  const gateway = await startGateway();
  const measured = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    measured.push(await liveLatency(gateway.port, { perSecond: 1_000, seconds }));
  }
  await gateway.stop();
  const row = (what, find, reach) => {
    const samples = measured.map(find);
    return { what, value: median(samples), unit: 'ms', samples, ...(reach && { reach }) };
  };
  return [
    row('recordedAt to subscriber, p50', each => each.fromRecorded.p50, '≤ 5'),
    row('recordedAt to subscriber, p99', each => each.fromRecorded.p99, '≤ 25'),
    row('sent to subscriber, p50', each => each.fromSent.p50),
    row('sent to subscriber, p99', each => each.fromSent.p99),
  ];
}
