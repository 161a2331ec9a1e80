/**
 * Meters: a year by actor and by day, top lists and percentiles, from a meter and by `group by` over
 * the events; and how fast the fold counts events into rollups alone and into three meters too. The
 * events are written by SQL, so that they are there at once; they are folded as any others.
 */
import { createAggregateReader } from '../../dist/read/aggregates.js';
import { createFold } from '../../dist/rollup/fold.js';
import { startPostgres } from '../harness/postgres.mjs';
import { progress, shown } from '../harness/report.mjs';
import { median } from '../harness/rounds.mjs';

export const about = 'questions by actor and percentiles, from meters and by group by';

const DAY_MS = 86_400_000;
const ACTORS = 10_000;
const PATIENCE_MS = 1_200_000;
const TO = Date.UTC(2026, 5, 1);
const YEAR = { between: { from: new Date(TO - 365 * DAY_MS), to: new Date(TO) } };
const WEEK = { between: { from: new Date(TO - 7 * DAY_MS), to: new Date(TO) } };

const QUERY = {
  filter: null,
  timeframe: YEAR,
  granularity: null,
  timeZone: null,
  groupBy: [],
  measures: [],
  fill: 'NONE',
  orderBy: 'BUCKET',
};
const P99 = { function: 'P99', payloadPath: ['ms'], dimension: null };
const UNIQUE = { function: 'UNIQUE', payloadPath: null, dimension: 'ACTOR' };
const SUM = { function: 'SUM', payloadPath: ['ms'], dimension: null };
const ACTOR = [{ dimension: 'ACTOR' }];

/** What is asked, by what answers it in the end. */
const QUESTIONS = {
  'top 10 of 10,000 actors in a year': {
    query: { ...QUERY, groupBy: ACTOR, orderBy: 'COUNT_DESC' },
    sql: 'select actor, count(*) from events where $where group by 1 order by 2 desc limit 10',
  },
  'a year by day of one actor': {
    query: { ...QUERY, granularity: 'DAY', filter: { actors: ['actor 77'] } },
    sql: `select date_trunc('day', occurred_at), count(*) from events
      where $where and actor = 'actor 77' group by 1`,
  },
  'a year by day and source, with sums': {
    query: { ...QUERY, granularity: 'DAY', groupBy: [{ dimension: 'SOURCE' }], measures: [SUM] },
    sql: `select date_trunc('day', occurred_at), source, count(*), sum((payload ->> 'ms')::numeric)
      from events where $where group by 1, 2`,
  },
  'p99 by hour of a week': {
    query: {
      ...QUERY,
      ...{ timeframe: WEEK, granularity: 'HOUR', measures: [P99], approximate: true },
    },
    sql: `select date_trunc('hour', occurred_at),
      percentile_cont(0.99) within group (order by (payload ->> 'ms')::float8)
      from events where $week group by 1`,
  },
  'different actors by day in a year': {
    query: { ...QUERY, granularity: 'DAY', measures: [UNIQUE], approximate: true },
    sql: `select date_trunc('day', occurred_at), count(distinct actor) from events
      where $where group by 1`,
  },
};

const METERS = [
  { name: 'actors', groupBy: ACTOR, measures: [] },
  { name: 'sources', groupBy: [{ dimension: 'SOURCE' }], measures: [SUM] },
  { name: 'sketches', groupBy: [], measures: [P99, UNIQUE] },
];

export async function run({ rounds, events = 1_000_000 }) {
  const few = Math.min(100_000, Math.floor(events / 2));
  const [small, large] = [await measure(few, rounds), await measure(events, rounds)];
  const rows = Object.keys(QUESTIONS).flatMap(name => {
    const measured = { what: `${name}, ${shown(events)}`, value: large.times[name].ms, unit: 'ms' };
    return [
      { ...measured, beside: 'group by over the events', peer: large.times[name].groupByMs },
      { ...measured, beside: `at ${shown(few)} events`, peer: small.times[name].ms },
    ];
  });
  return [
    ...rows,
    {
      ...{ what: 'folding with three meters', value: large.withMeters, unit: 'events/s' },
      ...{ beside: 'into rollups alone', peer: large.alone },
    },
    { what: 'filling three meters', value: large.filled, unit: 'events/s' },
  ];
}

async function measure(events, rounds) {
  const pg = await startPostgres();
  const { db } = pg;
  const nowMs = () => TO;
  const fold = createFold({ upkeep: db.upkeep, logger: { warn: console.warn }, nowMs });
  const rate = async (workspaceId, n) => {
    const startedMs = performance.now();
    await fold.foldNow(workspaceId);
    return n / ((performance.now() - startedMs) / 1_000);
  };
  const filledIn = await workspace(db, 'filled');
  await write(db, filledIn, events);
  const alone = await rate(filledIn, events);
  progress(`${shown(events)} events are folded: ${Math.round(alone)}/s`);
  await declare(db, filledIn);
  const filled = await rate(filledIn, events);
  progress(`three meters are filled: ${Math.round(filled)} events/s`);
  // What folds as it comes: events of the present.
  const batch = Math.floor(Math.min(events, 200_000) / rounds);
  const plain = await workspace(db, 'plain');
  const metered = await workspace(db, 'metered');
  await declare(db, metered);
  await fold.foldNow(metered);
  const rates = { plain: [], metered: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, id] of Object.entries({ plain, metered })) {
      await write(db, id, batch, 3_600);
      rates[name].push(await rate(id, batch));
    }
  }
  await db.upkeep.query('analyze');
  const reader = createAggregateReader({ read: db.upkeep, epoch: 'bench', nowMs });
  const times = {};
  for (const [name, { query, sql }] of Object.entries(QUESTIONS)) {
    times[name] = await compare(db, reader, { id: filledIn, query, sql, rounds });
    progress(`${name}: ${times[name].ms} ms, group by ${times[name].groupByMs} ms`);
  }
  await pg.stop();
  return { alone: median(rates.plain), withMeters: median(rates.metered), filled, times };
}

async function compare(db, reader, { id, query, sql, rounds }) {
  const [asked, grouped] = [[], []];
  const within = ({ between: { from, to } }) =>
    `workspace_id = ${id} and occurred_at >= '${from.toISOString()}' and occurred_at < '${to.toISOString()}'`;
  const text = sql.replace('$where', within(YEAR)).replace('$week', within(WEEK));
  for (let round = 0; round <= rounds; round++) {
    const startedMs = performance.now();
    const page = await reader.page(id, query, { first: query.orderBy === 'BUCKET' ? 1_000 : 10 });
    if (round > 0) asked.push(performance.now() - startedMs);
    if (page.source !== 'METER') throw new Error(`answered by ${page.source}`);
  }
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    const startedMs = performance.now();
    await db.upkeep.query(text, [], { timeoutMs: PATIENCE_MS });
    grouped.push(performance.now() - startedMs);
  }
  return { ms: median(asked), groupByMs: median(grouped) };
}

async function workspace(db, slug) {
  const [row] = await db.upkeep.query(
    `with made as (insert into workspaces (slug, name) values ($1, $1) returning id),
     marked as (insert into workspace_marks (workspace_id) select id from made),
     defined as (insert into event_definitions (workspace_id, name) select id, 'page' from made)
     select id from made`,
    [slug],
  );
  return row.id;
}

async function declare(db, id) {
  for (const { name, groupBy, measures } of METERS) {
    await db.upkeep.query(
      `with made as (
         insert into meters (workspace_id, name, group_by, measures, series_max)
         values ($1, $2, $3::text::jsonb, $4::text::jsonb, 20000) returning id
       ) insert into meter_series (workspace_id, meter_id, id, key)
         select $1, id, 0, '00000000-0000-0000-0000-000000000000' from made`,
      [id, name, JSON.stringify(groupBy), JSON.stringify(measures)],
    );
  }
}

const WRITTEN_AT_ONCE = 100_000;

/** Over so many seconds up to the end of the year, in the order of time; actors by a square law. */
async function write(db, id, events, seconds = 365 * 86_400) {
  for (let sent = 0; sent < events; sent += WRITTEN_AT_ONCE) {
    const n = Math.min(WRITTEN_AT_ONCE, events - sent);
    await db.upkeep.query(
      `with head as (
         select coalesce(max(head), 0) as head from workspace_heads where workspace_id = $1
       ), written as (
         insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door,
           notify, event_id, source, actor, payload)
         select $1, head.head + i, now(),
           $4::timestamptz - make_interval(secs => $5::float8 * (1 - ($3::float8 + i) / $6) * (0.97 + random() * 0.03) + 1),
           (select id from event_definitions where workspace_id = $1), 1, false, gen_random_uuid()::text,
           'source ' || (i % 20), 'actor ' || floor(random() * random() * ${ACTORS}),
           jsonb_build_object('ms', round((-ln(1 - random()) * 200)::numeric, 2), 'path', '/a/' || i % 100,
             'agent', repeat('x', 120))
         from head, generate_series(1, $2::int) i
       ) insert into workspace_heads (workspace_id, head, recorded_at)
         select $1, head.head + $2, now() from head`,
      [id, n, sent, new Date(TO), seconds, events],
      { timeoutMs: PATIENCE_MS },
    );
    progress(`${shown(sent + n)} of ${shown(events)} events are written`);
  }
}
