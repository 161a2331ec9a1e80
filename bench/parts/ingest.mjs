/**
 * Batches of 1,000 events through GraphQL, beside what they rest upon: the flush statement, fed
 * with ready JSON over two connections as the two writers do, and COPY of like rows into the same
 * table in one transaction, which gives no positions and writes no keys.
 */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { FLUSH_NEW_SQL } from '../../dist/record/flush.sql.js';
import { addressOf } from '../harness/address.mjs';
import { areRecorded, RECORD_MANY, someEvents } from '../harness/events.mjs';
import { load, post } from '../harness/http.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { startGateway } from '../harness/processes.mjs';
import { alternate, median } from '../harness/rounds.mjs';
import { settle } from '../harness/settle.mjs';

const BATCH = 1_000;
const CONNECTIONS = 4;

export const about = 'batches of 1,000 through GraphQL, the flush alone, COPY';

export async function run({ rounds, events = 40_000 }) {
  const pg = await startPostgres();
  const batches = Math.ceil(events / BATCH);
  const contestants = {
    GraphQL: () => throughGraphql(pg, batches),
    'the flush alone': () => flushAlone(pg, batches),
    COPY: () => copy(pg, batches),
  };
  const results = await alternate(rounds, contestants);
  await pg.stop();
  const [value, flush, copied] = Object.values(results).map(median);
  const measured = { what: 'batches of 1,000', value, unit: 'events/s', samples: results };
  return [
    { ...measured, beside: 'the flush alone', peer: flush, reach: '≥ 0.7' },
    { ...measured, beside: 'COPY of the rows', peer: copied },
  ];
}

async function throughGraphql(pg, batches) {
  const gateway = await startGateway({ databaseUrl: pg.url });
  const request = count =>
    post('/graphql', { query: RECORD_MANY, variables: { events: someEvents(count) } });
  const isOk = areRecorded(BATCH);
  const send = ready => {
    const next = () => ready.pop();
    return load(gateway.port, { connections: CONNECTIONS, next, isOk });
  };
  // A gateway that has just begun compiles its hot functions first.
  await send(Array.from({ length: 10 }, () => request(BATCH)));
  const { perSecond } = await send(Array.from({ length: batches }, () => request(BATCH)));
  await gateway.stop();
  await settle(pg);
  return perSecond * BATCH;
}

async function flushAlone(pg, batches) {
  const definitions = await pg.db.read.query(
    `select d.name, d.id, d.revision, d.workspace_id from event_definitions d
     join workspaces w on w.id = d.workspace_id where w.slug = 'default'`,
  );
  const byName = new Map(definitions.map(row => [row.name, row]));
  const ready = Array.from({ length: batches }, () => flushParams(byName));
  const startedMs = performance.now();
  async function writer() {
    for (let params = ready.pop(); params; params = ready.pop()) {
      const rows = await pg.db.write.query(FLUSH_NEW_SQL, params);
      if (rows.length !== BATCH) throw new Error(`${rows.length} of ${BATCH} were flushed`);
    }
  }
  await Promise.all([writer(), writer()]);
  const perSecond = (batches * BATCH * 1_000) / (performance.now() - startedMs);
  await settle(pg);
  return perSecond;
}

function flushParams(byName) {
  const entries = someEvents(BATCH).map(event => ({
    ...{ w: byName.get(event.type).workspace_id, k: event.id, h: randomUUID() },
    ...{ d: byName.get(event.type).id, dr: 1, o: event.occurredAt, n: false, i: event.id },
    ...{ sr: event.source, su: event.subject, ac: event.actor, p: event.payload },
  }));
  const used = [...byName.values()];
  return [
    JSON.stringify(entries),
    `{${used.map(row => row.workspace_id)}}`,
    `{${used.map(row => row.id)}}`,
    `{${used.map(row => row.revision)}}`,
    ...['{}', '{}'],
  ];
}

/** Nobody reads this workspace. */
const COPIED_WORKSPACE = 2_000_000_000;
let copied = 0;

async function copy(pg, batches) {
  const sql = postgres({ ...addressOf(pg.url), max: 1, onnotice: () => undefined });
  const recordedAt = new Date().toISOString();
  const chunks = Array.from({ length: batches }, () => {
    const lines = someEvents(BATCH).map(event =>
      [
        ...[COPIED_WORKSPACE, ++copied, recordedAt, event.occurredAt, 1, 1, 'f', event.id],
        ...[event.source, event.subject, event.actor, JSON.stringify(event.payload)],
      ].join('\t'),
    );
    return `${lines.join('\n')}\n`;
  });
  await sql`select 1`;
  const startedMs = performance.now();
  const stream = await sql`
    copy events (workspace_id, position, recorded_at, occurred_at, definition_id, door, notify,
      event_id, source, subject, actor, payload) from stdin`.writable();
  for (const chunk of chunks) {
    if (!stream.write(chunk)) await new Promise(resolve => stream.once('drain', resolve));
  }
  await new Promise((resolve, reject) =>
    stream.once('finish', resolve).once('error', reject).end(),
  );
  const perSecond = (batches * BATCH * 1_000) / (performance.now() - startedMs);
  await sql.end();
  return perSecond;
}
