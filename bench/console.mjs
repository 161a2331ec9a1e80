/**
 * The console's live page while events come: frames that were not painted in time, and memory.
 *
 *   npm run build && node bench/console.mjs
 *
 * A gateway and its embedded Postgres, a sender and a headless Chromium share the machine; without
 * a graphics card the browser paints with the same processors. SECONDS (60), RATE (1000 events/s),
 * DATABASE_URL, SLUICE_BROWSER (/usr/bin/chromium).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const SECONDS = Number(process.env.SECONDS ?? 60);
const RATE = Number(process.env.RATE ?? 1_000);
const KEY = 'bench-console-key-0123456789';
const SEND_EVERY_MS = 20;
const FRAME_MS = 1_000 / 60;
const ROWS_SETTLED_S = 10;
const TYPES = Array.from({ length: 12 }, (_, n) => `area.${n}`);

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const gateway = spawn(process.execPath, ['dist/cli/main.js', 'serve'], {
  env: {
    ...process.env,
    ...{ NODE_ENV: 'production', PORT: '0', SLUICE_DATA_DIR: dataDir, SLUICE_ADMIN_KEY: KEY },
    LOG_LEVEL: 'warn',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let browser;
let session;
let sentEvents = 0;
try {
  const url = await readyAt(gateway);
  browser = await chromium.launch({
    executablePath: process.env.SLUICE_BROWSER ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  // Its clocks run from here on.
  session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await page.addInitScript(`sessionStorage.setItem('sluice.key', ${JSON.stringify(KEY)})`);
  await page.goto(url);
  await page.getByText('No events yet').waitFor();
  const idle = await framesDuring(page, () => sleep(5_000));
  report('nothing comes', idle, await memory());
  let early;
  const busy = await framesDuring(page, async () => {
    const sent = send(url);
    await sleep(ROWS_SETTLED_S * 1_000);
    early = await memory();
    await sent;
  });
  report(`${RATE} events/s for ${SECONDS} s`, busy, await memory(), early);
  const sent = sentEvents.toLocaleString('en-US');
  await page.getByText(`${sent} in 30 minutes`).waitFor();
  console.log(`sent and shown: ${sent} events`);
} finally {
  await browser?.close();
  gateway.kill('SIGTERM');
  await new Promise(resolve => gateway.once('exit', resolve));
  rmSync(dataDir, { recursive: true, force: true });
}

async function readyAt({ stdout }) {
  let greeting = '';
  for await (const chunk of stdout) {
    greeting += chunk;
    const found = /ready at (\S+)/.exec(greeting);
    if (found) return found[1];
  }
  throw new Error('the gateway did not start');
}

async function send(url) {
  const startMs = Date.now();
  let sent = 0;
  while (Date.now() - startMs < SECONDS * 1_000) {
    const due = Math.floor(((Date.now() - startMs) / 1_000) * RATE) - sent;
    if (due > 0)
      await record(
        url,
        Array.from({ length: due }, (_, n) => anEvent(sent + n)),
      );
    sent += Math.max(due, 0);
    await sleep(SEND_EVERY_MS);
  }
  sentEvents = sent;
}

function anEvent(n) {
  return {
    type: TYPES[Math.floor(Math.random() ** 2 * TYPES.length)],
    source: 'shop',
    subject: `order-${n % 1_000}`,
    actor: `user-${n % 97}`,
    payload: { plan: 'pro', seats: n % 12, region: 'eu-west-1', note: 'a note of a usual size' },
  };
}

async function record(url, events) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({
      query: `mutation($events: [EventInput!]!) {
        recordEvents(input: { events: $events }) { recordedCount } }`,
      variables: { events },
    }),
  });
  const { data } = await response.json();
  if (data?.recordEvents.recordedCount !== events.length) throw new Error('not all was recorded');
}

/** The times between frames, in ms, as the page sees them. */
async function framesDuring(page, run) {
  await page.evaluate(() => {
    globalThis.frames_ = [];
    let last = performance.now();
    globalThis.stop_ = false;
    requestAnimationFrame(function next(now) {
      globalThis.frames_.push(now - last);
      last = now;
      if (!globalThis.stop_) requestAnimationFrame(next);
    });
  });
  await run();
  return page.evaluate(() => {
    globalThis.stop_ = true;
    return globalThis.frames_.slice(1);
  });
}

async function memory() {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = name => metrics.find(metric => metric.name === name).value;
  const busyS = {
    script: of('ScriptDuration'),
    style: of('RecalcStyleDuration'),
    layout: of('LayoutDuration'),
    all: of('TaskDuration'),
  };
  return { heapMB: of('JSHeapUsedSize') / 1e6, nodes: of('Nodes'), atS: of('Timestamp'), busyS };
}

function report(what, frames, now, before) {
  const sorted = frames.toSorted((a, b) => a - b);
  const at = share => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
  const totalMs = frames.reduce((sum, ms) => sum + ms, 0);
  const dropped = frames.reduce((sum, ms) => sum + Math.max(Math.round(ms / FRAME_MS) - 1, 0), 0);
  const due = frames.length + dropped;
  console.log(`\n${what} (${cpus().length} processors)`);
  console.log(`  frames/s   ${((frames.length * 1_000) / totalMs).toFixed(1)}`);
  console.log(`  dropped    ${dropped} of ${due} (${((dropped / due) * 100).toFixed(2)} %)`);
  console.log(
    `  between    p50 ${at(0.5).toFixed(1)} ms, p95 ${at(0.95).toFixed(1)}, p99 ${at(0.99).toFixed(1)}, max ${at(1).toFixed(1)}`,
  );
  if (before) {
    const share = name =>
      (((now.busyS[name] - before.busyS[name]) / (now.atS - before.atS)) * 100).toFixed(1);
    const parts = ['all', 'script', 'style', 'layout'].map(name => `${name} ${share(name)} %`);
    console.log(`  page busy  ${parts.join(', ')} of the time`);
    console.log(`  heap       ${before.heapMB.toFixed(1)} MB after ${ROWS_SETTLED_S} s`);
  }
  console.log(`  heap       ${now.heapMB.toFixed(1)} MB, ${now.nodes} nodes of the page`);
}

function sleep(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}
