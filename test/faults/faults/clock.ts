/** What befalls the time of day of the gateway's machine. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '../arena.ts';

const DAY_MS = 86_400_000;
const file = join(mkdtempSync(join(tmpdir(), 'sluice-clock-')), 'shift');
const preload = new URL('shifted-clock.mjs', import.meta.url).href;
writeFileSync(file, '0');

function jump(name: string, what: string, days: number): Fault {
  return {
    name,
    what,
    holdMs: 3_000,
    isHarmless: true,
    stage: { environment: { NODE_OPTIONS: `--import ${preload}`, FAULTS_CLOCK: file } },
    async start({ gateways }) {
      const shift = (ms: number) => {
        writeFileSync(file, String(ms));
        for (const { process: child } of gateways) child.kill('SIGUSR2');
      };
      shift(days * DAY_MS);
      return async () => shift(0);
    },
  };
}

export const CLOCK_FAULTS = [
  jump('clock-ahead', 'the gateway’s clock jumps 40 days ahead, and back', 40),
  jump('clock-back', 'the gateway’s clock jumps 40 days back, and ahead again', -40),
];
