/** What the doors cost beside GraphQL: `bench/doors.mjs` measures and says so itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onEnd } from '../harness/end.mjs';
import { ROOT } from '../harness/processes.mjs';

export const about = 'Logsh posts and Logspace batches beside the mutations of GraphQL';

/** It has many short rounds of its own. */
export async function run() {
  const child = spawn(process.execPath, ['bench/doors.mjs'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = onEnd(async () => void child.kill());
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
    process.stderr.write(chunk);
  });
  const [code] = await once(child, 'exit');
  await stop();
  if (code !== 0) throw new Error(`bench/doors.mjs ended with ${code}`);
  return rowsOf(text);
}

/** Its lines: two of rates, two of CPU time, then the ratio of the rates and what is to be reached. */
function rowsOf(text) {
  const pattern =
    /(\S.*?)\s+(\d+) events\/s\n(\S.*?)\s+(\d+) events\/s\n(?:.*CPU.*\n){2}\s+ratio ([\d.]+) \(reach ([\d.]+)/g;
  return [...text.matchAll(pattern)].map(([, what, value, beside, peer, ratio, reach]) => ({
    ...{ what, value: Number(value), unit: 'events/s', beside, peer: Number(peer) },
    ...{ ratio: Number(ratio), reach: `≥ ${reach}` },
  }));
}
