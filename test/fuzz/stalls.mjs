/**
 * Loaded into a gateway before itself: writes a line for each time its event loop stood still.
 * On a busy machine a process also waits for its turn; `busyMs` is only what it computed itself.
 */
import { readFileSync } from 'node:fs';

const EVERY_MS = 10;
const WORTH_MS = 50;

let lastMs = performance.now();
let lastCpuMs = ownCpuMs();

/** Of the thread of the event loop: others, such as those that collect garbage, stall nobody. */
function ownCpuMs() {
  const [ns] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(ns) / 1e6;
}

setInterval(() => {
  const nowMs = performance.now();
  const wallMs = nowMs - lastMs - EVERY_MS;
  if (wallMs > WORTH_MS) {
    const busyMs = Math.min(wallMs, ownCpuMs() - lastCpuMs);
    const stall = { stall: { wallMs: Math.round(wallMs), busyMs: Math.round(busyMs) } };
    process.stderr.write(`${JSON.stringify(stall)}\n`);
  }
  lastMs = performance.now();
  lastCpuMs = ownCpuMs();
}, EVERY_MS).unref();
