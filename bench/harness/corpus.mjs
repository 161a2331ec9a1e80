/**
 * Loads a database as the world would have: years of events in 24 quarterly partitions, with random
 * ids, some of them late. It goes through the recording path of the gateway (prepare, writers,
 * flush, fold) in this process, without HTTP, which is what makes ten million bearable.
 *
 * Only the clock is another: `take_workspaces_for` asks `bench_clock` for the time, which the loader
 * moves from quarter to quarter. It is put back when the load is over.
 */
import { randomUUID } from 'node:crypto';
import { uuidV7 } from '../../dist/core/isomorphic.js';
import { quarterOf } from '../../dist/db/partitions.js';
import { DefinitionCache } from '../../dist/record/definitions.js';
import { createRecordEvents } from '../../dist/record/record.js';
import { Writers } from '../../dist/record/writers.js';
import { createFold } from '../../dist/rollup/fold.js';
import { anEvent } from './events.mjs';

export const QUARTERS = 24;
/** Requests under way, and events in one: what a few busy applications send. */
const IN_FLIGHT = 8;
const REQUEST_EVENTS_MAX = 500;
/** The fold may be behind by so many. */
const BEHIND_MAX = 50_000;

/** Opens a loader on a database; `load` may be called again and again, time only goes on. */
export async function openLoader({ db }, { workspaces = 1, lateShare = 0 } = {}) {
  const clock = await takeClock(db);
  const slugs = await makeWorkspaces(db, workspaces);
  const nowMs = () => clock.atMs;
  const fold = createFold({ upkeep: db.upkeep, logger: console, nowMs });
  const definitions = new DefinitionCache(db.write, () => Date.now());
  const failures = [];
  const writers = new Writers({
    connection: db.write,
    ensurePartitions: () => Promise.reject(new Error('a partition is missing')),
    staleDefinitions: entries => definitions.stale(entries),
    onRecorded: () => undefined,
    onError: error => failures.push(error),
    nowMs: () => Date.now(),
    answerWithinMs: 60_000,
  });
  const record = createRecordEvents({
    ...{ write: db.write, writers, definitions, nowMs: () => Date.now() },
    now: () => new Date(nowMs()),
    newId: () => uuidV7(Date.now(), randomUUID()),
  });

  async function request(workspace, count) {
    const events = Array.from({ length: count }, () => {
      const event = anEvent({ nowMs: nowMs(), lateShare });
      return { ...event, occurredAt: new Date(event.occurredAt) };
    });
    const receipts = await record({ workspace, door: 'GRAPHQL', events, atomic: false });
    const refused = receipts.find(({ status }) => status !== 'RECORDED');
    if (refused !== undefined) throw failures[0] ?? new Error(JSON.stringify(refused));
  }

  /**
   * Loads so many events, spread evenly over the quarters `from` to `to` (of 24), or as many as
   * fit until `untilMs`. Returns how many, and how many a second, folding included.
   */
  async function load(events, { from, to, untilMs = Infinity, onProgress = () => undefined }) {
    const startedMs = performance.now();
    const pick = picker(slugs);
    let sent = 0;
    async function send(goal) {
      while (sent < goal) {
        const { workspace, size } = pick();
        const count = Math.min(size, goal - sent);
        sent += count;
        await clock.moveTo(from + ((to - from) * sent) / events);
        await request(workspace, count);
      }
    }
    while (sent < events && Date.now() < untilMs) {
      const goal = Math.min(events, sent + BEHIND_MAX);
      await Promise.all(Array.from({ length: IN_FLIGHT }, () => send(goal)));
      await fold.foldNow();
      onProgress(sent);
    }
    return { events: sent, perSecond: (sent * 1_000) / (performance.now() - startedMs) };
  }

  return {
    workspaces: slugs,
    load,
    nowMs,
    async close() {
      await writers.stop();
      await clock.giveBack();
      await db.upkeep.query('analyze');
    },
  };
}

/** Sizes fall off as 1 / rank^1.2: the first of 200 has a quarter of all events. */
async function makeWorkspaces(db, count) {
  const weights = Array.from({ length: count }, (_, n) => 1 / (n + 1) ** 1.2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const made = [];
  for (const [n, weight] of weights.entries()) {
    const slug = n === 0 ? 'default' : `w-${n}`;
    const [row] = await db.upkeep.query(
      `insert into workspaces (slug, name) values ($1, 'W')
       on conflict (slug) do update set name = excluded.name returning id`,
      [slug],
    );
    const workspace = { id: row.id, slug, unknownTypes: 'DISCOVER' };
    made.push({ workspace, share: weight / total });
  }
  return made;
}

/** A large workspace sends large batches, a small one a few events; sizes come out by the shares. */
function picker(all) {
  const senders = all.map(({ workspace, share }) => {
    const size = Math.max(5, Math.round(REQUEST_EVENTS_MAX * Math.min(1, share * 20)));
    return { workspace, size, weight: share / size };
  });
  const total = senders.reduce((sum, { weight }) => sum + weight, 0);
  return () => {
    let at = Math.random() * total;
    for (const sender of senders) if ((at -= sender.weight) <= 0) return sender;
    return senders[0];
  };
}

/** The database's clock, from 24 quarters before the present one. */
async function takeClock(db) {
  const [{ body }] = await db.upkeep.query(
    `select pg_get_functiondef(oid) as body from pg_proc where proname = 'take_workspaces_for'`,
  );
  const now = new Date();
  const quarters = [];
  for (let n = 1 - QUARTERS; n <= 0; n++) {
    const { name, from, to } = quarterOf(now, n);
    quarters.push({ fromMs: from.getTime(), toMs: Math.min(to.getTime(), now.getTime()) });
    await db.upkeep.query(
      `do $$ begin if to_regclass('events_${name}') is null then
         create table events_${name} (like events including all);
         alter table events attach partition events_${name}
           for values from ('${from.toISOString()}') to ('${to.toISOString()}');
       end if; end $$`,
      [],
      { script: true },
    );
  }
  await db.upkeep.query(
    `create table if not exists bench_now (at timestamptz);
     truncate bench_now; insert into bench_now values ('${new Date(quarters[0].fromMs).toISOString()}');
     create or replace function bench_clock() returns timestamptz language sql volatile
       as 'select at from bench_now';
     ${body.replace('clock_timestamp()', 'bench_clock()')};`,
    [],
    { script: true },
  );
  const clock = {
    atMs: quarters[0].fromMs,
    /** `place` counts quarters, with fractions. It moves in 64ths of a quarter. */
    async moveTo(place) {
      const index = Math.min(QUARTERS - 1, Math.floor(place));
      const { fromMs, toMs } = quarters[index];
      const within = Math.floor(Math.min(0.999, place - index) * 64) / 64;
      const atMs = Math.floor(fromMs + (toMs - fromMs) * within);
      if (atMs <= clock.atMs) return;
      clock.atMs = atMs;
      await db.upkeep.query('update bench_now set at = $1', [new Date(atMs)]);
    },
    giveBack: () => db.upkeep.query(`${body};`, [], { script: true }),
  };
  return clock;
}
