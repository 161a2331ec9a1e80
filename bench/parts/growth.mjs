/**
 * What ten million events do to it: the same figures at 100,000, a million and ten million events
 * of 200 workspaces in 24 partitions, with random ids, 30 % of them late; and how long mutations
 * take while a snapshot is held open, as a pg_dump does.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { aggregateTimes } from '../harness/aggregate-times.mjs';
import { openLoader, QUARTERS } from '../harness/corpus.mjs';
import { liveLatency, paced } from '../harness/live.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway } from '../harness/processes.mjs';
import { BY_ID, cursorAt, PAGE, someIds, timeOf } from '../harness/reads.mjs';
import { printTable, progress, say, shown } from '../harness/report.mjs';
import { percentile } from '../harness/rounds.mjs';

export const about = 'figures as the log grows, and under an open snapshot';

const WORKSPACES = 200;
const LATE_SHARE = 0.3;
/** With indexes, keys and rollups; then the log of Postgres. */
const BYTES_PER_EVENT = 1_500;
const WAL_BYTES = 4e9;
/** Of a machine that does nothing else. */
const EVENTS_PER_SECOND = 10_000;
/** What the rate of a stage is measured over: its last events. */
const WINDOW_EVENTS = 50_000;
const PACE = 300;

export async function run({ events = 10_000_000, snapshotSeconds = 300, minutes = 60 }) {
  announce({ events, snapshotSeconds, minutes });
  const sizes = [100_000, 1_000_000, 10_000_000].filter(size => size < events).concat(events);
  const untilMs = Date.now() + minutes * 60_000;
  const pg = await startPostgres();
  const loader = await openLoader(pg, { workspaces: WORKSPACES, lateShare: LATE_SHARE });
  const stages = [];
  let loaded = 0;
  for (const [index, size] of sizes.entries()) {
    const place = { from: quarter(index, sizes), to: quarter(index + 1, sizes), untilMs };
    const stage = await grow(pg, loader, { loaded, size, place });
    loaded += stage.events;
    if (index === sizes.length - 1) await loader.close();
    stages.push({ size: loaded, ...stage, ...(await ask(pg, loader, loaded)) });
    sayStage(stages.at(-1));
    if (Date.now() > untilMs) break;
  }
  const snapshot = await underSnapshot(pg, snapshotSeconds);
  await pg.stop();
  return report(stages, snapshot);
}

function announce({ events, snapshotSeconds, minutes }) {
  const bytes = events * BYTES_PER_EVENT + WAL_BYTES;
  const { bavail, bsize } = statfsSync(tmpdir());
  const wanted = events / EVENTS_PER_SECOND / 60 + snapshotSeconds / 60 + 5;
  say(
    `loads ${shown(events)} events: takes some ${shown(bytes / 1e9)} GB of ${tmpdir()} ` +
      `(${shown((bavail * bsize) / 1e9)} GB are free) and some ${Math.ceil(wanted)} minutes, ` +
      `loading ${minutes} at most (--minutes)`,
  );
  if (bavail * bsize < bytes * 1.2) throw new Error('there is too little room: try --events');
}

const quarter = (index, sizes) => (QUARTERS * index) / sizes.length;

/** Loads up to a size; its last events are the window of the figures. */
async function grow(pg, loader, { loaded, size, place }) {
  const more = size - loaded;
  const window = Math.min(WINDOW_EVENTS, more / 2);
  const middle = place.from + ((place.to - place.from) * (more - window)) / more;
  const onProgress = sent => progress(`${shown(loaded + sent)} of ${shown(size)} events`);
  const first = await loader.load(more - window, { ...place, to: middle, onProgress });
  const before = await walPosition(pg);
  const last = await loader.load(window, { ...place, from: middle, untilMs: Infinity });
  const walPerEvent = ((await walPosition(pg)) - before) / last.events;
  return { events: first.events + last.events, perSecond: last.perSecond, walPerEvent };
}

async function walPosition({ db }) {
  const [row] = await db.read.query(`select pg_current_wal_lsn() - '0/0' as bytes`);
  return Number(row.bytes);
}

async function ask(pg, loader, size) {
  progress(`${shown(size)} events: analyze, checkpoint`);
  await pg.db.upkeep.query('analyze');
  await pg.db.upkeep.query('checkpoint');
  progress(`${shown(size)} events: reading`);
  const gateway = await startGateway({ databaseUrl: pg.url });
  const { port } = gateway;
  const [{ head }] = await pg.db.read.query(
    `select max(head) as head from workspace_heads
     where workspace_id = (select id from workspaces where slug = 'default')`,
  );
  const depth = Math.min(1_000_000, Math.floor(head * 0.9));
  const after = await cursorAt(pg, depth);
  const ids = await someIds(pg, 100);
  const subject = () => `order-${Math.floor(Math.random() * 1_000)}`;
  const figures = {
    depth,
    firstPageMs: await timeOf(port, PAGE, () => ({})),
    deepPageMs: await timeOf(port, PAGE, () => ({ after })),
    byIdMs: await timeOf(port, BY_ID, () => ({ id: ids[Math.floor(Math.random() * ids.length)] })),
    filteredPageMs: await timeOf(port, PAGE, () => ({ filter: { subjects: [subject()] } })),
    ...(await aggregateTimes(pg, port, new Date(loader.nowMs()))),
  };
  progress(`${shown(size)} events: watching`);
  const { fromSent } = await liveLatency(port, { perSecond: PACE, seconds: 5 });
  await gateway.stop();
  return { ...figures, liveP50Ms: fromSent.p50, liveP99Ms: fromSent.p99 };
}

/**
 * Mutations at a steady pace before, and in the last fifth of, the life of a snapshot. Postgres
 * checkpoints every five minutes, which slows mutations more than any snapshot does: both follow
 * one, and the next one comes after them.
 */
async function underSnapshot(pg, seconds) {
  const gateway = await startGateway({ databaseUrl: pg.url });
  const measured = Math.max(5, Math.round(seconds / 5));
  const p99 = times => percentile(times, 0.99);
  progress('mutations before the snapshot');
  await pg.db.upkeep.query('checkpoint');
  await paced(gateway.port, { perSecond: PACE, seconds: 5 });
  const before = p99(await paced(gateway.port, { perSecond: PACE, seconds: measured }));
  const held = await pg.db.upkeep.hold(async connection => {
    await connection.query(`set idle_in_transaction_session_timeout = 0`);
    await connection.query('begin isolation level repeatable read');
    await connection.query('select count(*) from workspaces');
    await pg.db.upkeep.query('checkpoint');
    progress(`mutations under a snapshot, for ${seconds} s`);
    await paced(gateway.port, { perSecond: PACE, seconds: seconds - measured });
    const times = await paced(gateway.port, { perSecond: PACE, seconds: measured });
    await connection.query('commit');
    return p99(times);
  });
  await gateway.stop();
  return { before, held, seconds };
}

const LINES = [
  ['ingest, folding included', 'perSecond', 'events/s', '≥ 0.5'],
  ['log of Postgres per event', 'walPerEvent', 'bytes'],
  ['first page of 100', 'firstPageMs', 'ms', '≤ 1.5'],
  ['deep page of 100', 'deepPageMs', 'ms', '≤ 1.5'],
  ['event by id', 'byIdMs', 'ms', '≤ 1.5'],
  ['filtered page of 100', 'filteredPageMs', 'ms', '≤ 1.5'],
  ['a year by day, by type', 'ownZoneMs', 'ms', '≤ 1.5'],
  ['sent to subscriber, p50', 'liveP50Ms', 'ms', '≤ 1.5'],
  ['sent to subscriber, p99', 'liveP99Ms', 'ms'],
];

/** As soon as it is known: the next one takes its time. */
function sayStage(stage) {
  say(`\nat ${shown(stage.size)} events (deep: ${shown(stage.depth)} behind the head)`);
  printTable(LINES.map(([what, key, unit]) => ({ what, value: stage[key], unit })));
}

function report(stages, { before, held, seconds }) {
  const [first] = stages;
  const last = stages.at(-1);
  const at = `at ${shown(first.size)}`;
  const grown = LINES.map(([what, key, unit, reach]) => ({
    ...{ what: `${what}, ${shown(last.size)}`, value: last[key], unit, beside: at },
    ...{ peer: first[key], ...(reach && { reach }) },
    samples: stages.map(stage => stage[key]),
  }));
  return [
    ...grown,
    {
      ...{ what: 'a year by day, by type', value: last.ownZoneMs, unit: 'ms' },
      ...{ beside: 'group by over the events', peer: last.groupByMs, reach: '≤ 0.01' },
    },
    {
      ...{ what: 'the same in another zone', value: last.otherZoneMs, unit: 'ms' },
      ...{ beside: 'group by over the events', peer: last.groupByMs, reach: '≤ 0.25' },
    },
    {
      ...{ what: `mutation p99, snapshot of ${seconds} s`, value: held, unit: 'ms' },
      ...{ beside: 'before it', peer: before, reach: '≤ 2' },
    },
  ];
}
