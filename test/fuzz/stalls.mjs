/**
 * Loaded into a gateway before itself: writes a line for each time its event loop stood still.
 * On a busy machine a process also waits for its turn; `busyMs` is only what it computed itself.
 */
const EVERY_MS = 10;
const WORTH_MS = 50;

let lastMs = performance.now();
let lastCpu = process.cpuUsage();

setInterval(() => {
  const nowMs = performance.now();
  const { user, system } = process.cpuUsage(lastCpu);
  const wallMs = nowMs - lastMs - EVERY_MS;
  if (wallMs > WORTH_MS) {
    const busyMs = Math.min(wallMs, (user + system) / 1_000);
    const stall = { stall: { wallMs: Math.round(wallMs), busyMs: Math.round(busyMs) } };
    process.stderr.write(`${JSON.stringify(stall)}\n`);
  }
  lastMs = performance.now();
  lastCpu = process.cpuUsage();
}, EVERY_MS).unref();
