/** A page a million events behind the head, in a log of 24 partitions, beside the first one. */
import { openLoader } from '../harness/corpus.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway } from '../harness/processes.mjs';
import { cursorAt, PAGE, timeOf } from '../harness/reads.mjs';
import { progress, shown } from '../harness/report.mjs';
import { alternate, median } from '../harness/rounds.mjs';

export const about = 'a page a million events deep, 24 partitions, beside the first page';

export async function run({ rounds, events = 1_100_000 }) {
  const pg = await startPostgres();
  const loader = await openLoader(pg);
  const onProgress = sent => progress(`${shown(sent)} of ${shown(events)} events are loaded`);
  await loader.load(events, { from: 0, to: 24, onProgress });
  await loader.close();
  const gateway = await startGateway({ databaseUrl: pg.url });
  const depth = Math.min(1_000_000, Math.floor(events * 0.9));
  const after = await cursorAt(pg, depth);
  const results = await alternate(rounds, {
    'deep page': () => timeOf(gateway.port, PAGE, () => ({ after })),
    'first page': () => timeOf(gateway.port, PAGE, () => ({})),
  });
  await gateway.stop();
  await pg.stop();
  const [value, peer] = Object.values(results).map(median);
  const what = `page ${shown(depth)} deep`;
  return [
    { what, value, unit: 'ms', samples: results, beside: 'first page', peer, reach: '≤ 1.2' },
  ];
}
