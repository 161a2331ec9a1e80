/**
 * What evidence costs. Batches of 1,000 go to a workspace without a tree and to one with it, in
 * alternating rounds of one gateway: the rate while they are recorded, the CPU time of the gateway and of
 * Postgres until rollups and tree have caught up, and how far the tree is behind meanwhile. Then a log
 * of `--events` events, which are put there by SQL, gets a tree: how fast it grows, how many bytes it
 * takes, and how long a proof takes.
 */
import { eventCursors } from '../../dist/core/cursor.js';
import { cpuOf } from '../harness/cpu.mjs';
import { areRecorded, someEvents } from '../harness/events.mjs';
import { graphql, load, post } from '../harness/http.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway } from '../harness/processes.mjs';
import { progress } from '../harness/report.mjs';
import { alternate, median, percentile } from '../harness/rounds.mjs';

const BATCH = 1_000;
const BATCHES = 40;
const CONNECTIONS = 4;
const PROOFS = 1_000;
const LOOK_MS = 250;

const RECORD_IN = `mutation ($workspace: String!, $events: [EventInput!]!) {
  recordEvents(input: { workspace: $workspace, events: $events }) { recordedCount } }`;
const MAKE = `mutation ($slug: String!, $evidence: Boolean!) {
  createWorkspace(input: { slug: $slug, name: "W", evidence: $evidence }) { workspace { slug } } }`;
const PROOF_FIELDS = `index size leafHash hashes envelope commitment salt content
  checkpoint { note verifierKey }`;
const readOne =
  fields => `query ($after: String) { events(workspace: "long", first: 1, after: $after,
  order: { field: POSITION, direction: ASC }) { nodes { eventId payload ${fields} } } }`;

const KINDS = { page: '', proof: `inclusionProof { ${PROOF_FIELDS} }` };

export const about = 'recording with and without a tree; a tree over many events, and its proofs';

export async function run({ rounds, events = 100_000 }) {
  const pg = await startPostgres();
  const gateway = await startGateway({ databaseUrl: pg.url });
  const recording = await compareRecording(pg, gateway, rounds);
  const long = await measureLongTree(pg, gateway, events);
  await gateway.stop();
  await pg.stop();
  return [...recording, ...long];
}

async function compareRecording(pg, gateway, rounds) {
  for (const slug of ['without', 'with']) {
    await graphql(gateway.port, MAKE, { slug, evidence: slug === 'with' });
  }
  const results = await alternate(rounds, {
    without: () => record(pg, gateway, 'without'),
    with: () => record(pg, gateway, 'with'),
  });
  const of = (name, field) => median(results[name].map(each => each[field]));
  const row = (what, field, unit, reach) => ({
    ...{ what, value: of('with', field), unit, samples: results },
    ...{ beside: 'without evidence', peer: of('without', field), reach },
  });
  return [
    row('batches of 1,000 with evidence', 'perSecond', 'events/s', '≥ 0.97'),
    row('CPU of the gateway, an event', 'gateway', 'µs'),
    row('CPU of Postgres, an event', 'postgres', 'µs'),
    { what: 'the tree behind the log, the most', value: of('with', 'lagMost'), unit: 'events' },
    { what: 'until the tree has caught up', value: of('with', 'caughtUpMs'), unit: 'ms' },
  ];
}

/** One round: what is recorded, folded and built in it is done when it ends. */
async function record(pg, { port, pid }, workspace) {
  const request = () =>
    post('/graphql', { query: RECORD_IN, variables: { workspace, events: someEvents(BATCH) } });
  const ready = Array.from({ length: BATCHES }, request);
  const before = cpu(pid);
  let lagMost = 0;
  const watching = setInterval(async () => {
    const { tree } = await behind(pg, workspace);
    lagMost = Math.max(lagMost, tree);
  }, LOOK_MS);
  const { perSecond } = await load(port, {
    ...{ connections: CONNECTIONS, next: () => ready.pop(), isOk: areRecorded(BATCH) },
  });
  clearInterval(watching);
  const endedMs = performance.now();
  await untilCaughtUp(pg, workspace);
  const caughtUpMs = performance.now() - endedMs;
  const after = cpu(pid);
  const share = part => ((after[part] - before[part]) * 1_000) / (BATCHES * BATCH);
  return {
    ...{ perSecond: perSecond * BATCH, lagMost, caughtUpMs },
    ...{ gateway: share('gateway'), postgres: share('postgres') },
  };
}

/** Postgres is a child of this process, as the gateway is. */
function cpu(pid) {
  const { gateway } = cpuOf(pid);
  return { gateway, postgres: cpuOf(process.pid).postgres - gateway };
}

/** Events that are not in the rollups, and not in the tree, where there is one. */
async function behind({ db }, workspace) {
  const [row] = await db.read.query(
    `select h.head - coalesce(m.folded, 0) as fold,
       case when w.evidence then h.head - coalesce(l.first_position + l.size - 1, 0) else 0 end as tree
     from workspaces w
     cross join lateral (
       select coalesce(max(head), 0) as head from workspace_heads where workspace_id = w.id) h
     left join workspace_marks m on m.workspace_id = w.id
     left join evidence_logs l on l.workspace_id = w.id
     where w.slug = $1`,
    [workspace],
  );
  return row;
}

async function untilCaughtUp(pg, workspace, onLook = () => undefined) {
  for (;;) {
    const { fold, tree } = await behind(pg, workspace);
    if (fold <= 0 && tree <= 0) return;
    onLook(tree);
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}

async function measureLongTree(pg, gateway, count) {
  await graphql(gateway.port, MAKE, { slug: 'long', evidence: false });
  await fill(pg, count);
  await graphql(
    gateway.port,
    'mutation { updateWorkspace(input: { slug: "long", evidence: true }) { workspace { slug } } }',
  );
  const sizeBefore = await treeBytes(pg);
  const startedMs = performance.now();
  const before = cpu(gateway.pid);
  await untilCaughtUp(pg, 'long', left => progress(`a tree over ${count} events: ${left} left`));
  const after = cpu(gateway.pid);
  const seconds = (performance.now() - startedMs) / 1_000;
  const times = { page: [], proof: [] };
  const cpuMs = { page: 0, proof: 0 };
  const cursors = await someCursors(pg, count);
  // In turns, so that the machine's moods hit both.
  for (let at = 0; at < PROOFS; at += 100) {
    const some = cursors.slice(at, at + 100);
    for (const [kind, fields] of Object.entries(KINDS)) {
      const was = cpu(gateway.pid);
      times[kind].push(...(await timesOf(gateway.port, readOne(fields), some)));
      const now = cpu(gateway.pid);
      cpuMs[kind] += now.gateway - was.gateway + now.postgres - was.postgres;
    }
  }
  const share = part => ((after[part] - before[part]) * 1_000) / count;
  const proof = (name, q, reach) => ({
    ...{ what: `an event and its proof, ${name}`, value: percentile(times.proof, q), unit: 'ms' },
    ...{ beside: `the event alone: ${percentile(times.page, q).toFixed(2)} ms`, reach },
  });
  return [
    {
      what: `a tree over ${count.toLocaleString('en')} events grows`,
      value: count / seconds,
      unit: 'events/s',
    },
    { what: 'its CPU of the gateway, an event', value: share('gateway'), unit: 'µs' },
    { what: 'its CPU of Postgres, an event', value: share('postgres'), unit: 'µs' },
    {
      what: 'it takes',
      value: ((await treeBytes(pg)) - sizeBefore) / count,
      unit: 'bytes an event',
    },
    proof('p50', 0.5, '≤ 5'),
    proof('p99', 0.99, '≤ 5'),
    {
      ...{
        what: 'CPU of both for its proof',
        value: (cpuMs.proof - cpuMs.page) / PROOFS,
        unit: 'ms',
      },
      beside: `for the event alone: ${(cpuMs.page / PROOFS).toFixed(2)} ms`,
    },
  ];
}

/** Events as a gateway leaves them, without keys and rollups, which no proof asks for. */
async function fill({ db }, count) {
  const AT_ONCE = 100_000;
  const [{ id }] = await db.read.query(`select id from workspaces where slug = 'long'`);
  await db.upkeep.query(
    `insert into event_definitions (workspace_id, name, status, measures) values ($1, 'area.long', 'ACTIVE', '{}')`,
    [id],
  );
  for (let from = 1; from <= count; from += AT_ONCE) {
    progress(`${from - 1} of ${count} events`);
    await db.upkeep.query(
      `insert into events (workspace_id, position, recorded_at, occurred_at, definition_id, door, notify,
         event_id, payload)
       select $1, n, now(), now() - interval '1 s', d.id, 1, false, gen_random_uuid(), jsonb_build_object(
         'plan', 'pro', 'seats', n % 12, 'region', 'eu-west-1', 'note', 'a note of a usual size')
       from generate_series($2::bigint, $3::bigint) as n, event_definitions d where d.workspace_id = $1`,
      [id, from, Math.min(count, from + AT_ONCE - 1)],
    );
  }
  await db.upkeep.query(
    `with head as (insert into workspace_heads (workspace_id, head, recorded_at) values ($1, $2, now()))
     update workspace_marks set folded = $2, folded_recorded_at = now() where workspace_id = $1`,
    [id, count],
  );
  await db.upkeep.query('analyze events');
}

async function treeBytes({ db }) {
  const [row] = await db.read.query(
    `select (pg_total_relation_size('evidence_tiles') + pg_total_relation_size('evidence_bundles'))::bigint
       as bytes`,
  );
  return row.bytes;
}

async function someCursors({ db }, count) {
  const rows = await db.read.query(
    `select e.workspace_id, e.position, e.recorded_at, i.epoch
     from workspaces w cross join installation i
     cross join generate_series(1, $1::int) as n
     cross join lateral (select 1 + floor(random() * ($2::bigint - 1) + n * 0)::bigint as position) p
     join events e on e.workspace_id = w.id and e.position = p.position
     where w.slug = 'long'`,
    [PROOFS, count],
  );
  return rows.map(row =>
    eventCursors(row.epoch, row.workspace_id).encodePosition({
      ...{ position: row.position, recordedAt: row.recorded_at },
    }),
  );
}

async function timesOf(port, query, cursors) {
  const left = [...cursors];
  const next = () => {
    const after = left.pop();
    return after === undefined ? undefined : post('/graphql', { query, variables: { after } });
  };
  const isOk = answer => answer.includes('"eventId"') && !answer.includes('"errors"');
  return (await load(port, { connections: 1, next, isOk })).times;
}
