/** From the command to "ready": the first start in an empty folder, and later ones. */
import { rmSync } from 'node:fs';
import { makeDataFolder } from '../harness/folder.mjs';
import { startGateway } from '../harness/processes.mjs';
import { progress } from '../harness/report.mjs';
import { median } from '../harness/rounds.mjs';

export const about = 'starts with the embedded Postgres: the first ever, and later ones';

export async function run({ rounds }) {
  const first = [];
  const later = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    const dataDir = makeDataFolder();
    for (const times of [first, later]) {
      const gateway = await startGateway({ dataDir });
      times.push(gateway.readyMs / 1_000);
      await gateway.stop();
    }
    rmSync(dataDir, { recursive: true, force: true });
  }
  const row = (what, samples, reach) => ({
    what,
    value: median(samples),
    unit: 's',
    samples,
    reach,
  });
  return [row('first start ever', first, '≤ 5'), row('later start', later, '≤ 1.5')];
}
