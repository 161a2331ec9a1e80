/**
 * Consumers: pulled and acknowledged in batches and one by one, beside pg-boss, graphile-worker and
 * NATS JetStream; and what a thousand idle consumers cost.
 */
import { cpuOf } from '../harness/cpu.mjs';
import { areRecorded, RECORD_MANY, someEvents } from '../harness/events.mjs';
import { graphql, load, openConnection, post } from '../harness/http.mjs';
import { paced } from '../harness/live.mjs';
import { isNatsThere, NATS_URL } from '../harness/nats.mjs';
import { createPeerDatabase, startPostgres } from '../harness/postgres.mjs';
import { startGateway, startPeer } from '../harness/processes.mjs';
import { progress, say, shown } from '../harness/report.mjs';
import { alternate, median } from '../harness/rounds.mjs';

export const about = 'pull and acknowledge: pg-boss, graphile-worker, NATS JetStream; idle ones';

const BATCH = 500;
const WORKERS = 16;
const IDLE = 1_000;
const CONSUMER = 'bench';

export async function run({ rounds, events = 20_000 }) {
  const pg = await startPostgres();
  const gateway = await startGateway({ databaseUrl: pg.url });
  await createConsumer(gateway.port, CONSUMER);
  const queues = { gateway: ours(gateway.port) };
  const peers = [];
  for (const name of ['pg-boss', 'graphile-worker']) {
    const peer = await startPeer('queue', name, await createPeerDatabase(pg, name));
    peers.push(peer);
    queues[name] = theirs(peer);
  }
  if (await isNatsThere()) {
    const peer = await startPeer('queue', 'nats', NATS_URL);
    peers.push(peer);
    queues.nats = theirs(peer);
  } else say(`No NATS answers at ${NATS_URL}: it is left out.`);
  const measured = async (name, asked) => {
    say(`\n${name}`);
    const contestants = Object.entries(queues).map(([queue, { fill, drain }]) => [
      queue,
      async () => {
        await fill(asked.count);
        return (asked.count * 1_000) / (await drain(asked));
      },
    ]);
    return rowsOf(name, await alternate(rounds, Object.fromEntries(contestants)));
  };
  const rows = [
    ...(await measured(`batches of ${BATCH}`, { batch: BATCH, workers: 2, count: events })),
    ...(await measured(`one by one, ${WORKERS} workers`, {
      ...{ batch: 1, workers: WORKERS, count: Math.ceil(events / 10) },
    })),
  ];
  for (const { stop } of [gateway, ...peers, pg]) await stop();
  return [...rows, ...(await idleOnes(rounds))];
}

function rowsOf(name, results) {
  const { gateway, ...peers } = results;
  const what = `pull and acknowledge, ${name}`;
  const value = median(gateway);
  return Object.entries(peers).map(([beside, samples]) => ({
    ...{ what, value, unit: 'events/s', samples: results, beside, peer: median(samples) },
    ...(beside !== 'nats' && name.startsWith('batches') && { reach: '≥ 1.5' }),
  }));
}

function createConsumer(port, name) {
  return graphql(
    port,
    `
      mutation ($name: String!) {
        createConsumer(input: { name: $name, from: { start: NOW } }) {
          consumer {
            id
          }
        }
      }
    `,
    { name },
  );
}

const PULL = `mutation ($first: Int!) {
  pullEvents(input: { consumer: "${CONSUMER}", first: $first, wait: "PT1S" }) {
    deliveries { token event { eventId type occurredAt source subject actor payload } } } }`;
const ACKNOWLEDGE = `mutation ($tokens: [String!]!) {
  acknowledgeDeliveries(input: { consumer: "${CONSUMER}", tokens: $tokens }) {
    acknowledgedCount } }`;

/** Events that are recorded, and workers that pull and acknowledge them over connections of their own. */
function ours(port) {
  return {
    async fill(count) {
      let left = count;
      const next = () => {
        if (left <= 0) return undefined;
        left -= 1_000;
        return post('/graphql', { query: RECORD_MANY, variables: { events: someEvents(1_000) } });
      };
      await load(port, { connections: 2, next, isOk: areRecorded(1_000) });
    },
    async drain({ batch, workers, count }) {
      const connections = await Promise.all(
        Array.from({ length: workers }, () => openConnection(port)),
      );
      let left = count;
      const startedMs = performance.now();
      await Promise.all(
        connections.map(async ({ ask }) => {
          while (left > 0) {
            const done = await pullAndAcknowledge(ask, batch);
            left -= done;
          }
        }),
      );
      const tookMs = performance.now() - startedMs;
      for (const { close } of connections) close();
      return tookMs;
    },
  };
}

async function pullAndAcknowledge(ask, first) {
  const { pullEvents } = await dataOf(ask, PULL, { first });
  const tokens = pullEvents.deliveries.map(({ token }) => token);
  if (tokens.length === 0) return 0;
  const { acknowledgeDeliveries } = await dataOf(ask, ACKNOWLEDGE, { tokens });
  return acknowledgeDeliveries.acknowledgedCount;
}

async function dataOf(ask, query, variables) {
  const answer = await ask(post('/graphql', { query, variables }));
  const { data, errors } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

function theirs({ ask }) {
  return { fill: fill => ask({ fill }), drain: drain => ask({ drain }) };
}

const IDLE_SECONDS = 5;
const PER_SECOND = 200;

/** CPU time of the gateway and Postgres while events are recorded, beside one without consumers. */
async function idleOnes(rounds) {
  const none = await startGateway();
  const idle = await startGateway();
  for (let n = 0; n < IDLE; n++) {
    if (n % 100 === 0) progress(`${shown(n)} of ${shown(IDLE)} consumers`);
    await createConsumer(idle.port, `idle-${n}`);
  }
  const contestants = Object.entries({ none, idle }).flatMap(([name, gateway]) => [
    [`${name}, recording`, () => cpuDuring(gateway, () => recording(gateway.port))],
    [`${name}, at rest`, () => cpuDuring(gateway, () => rest(IDLE_SECONDS * 1_000))],
  ]);
  const results = await alternate(rounds, Object.fromEntries(contestants));
  for (const { stop } of [none, idle]) await stop();
  return [
    [`at rest`, undefined],
    [`recording`, '≤ 1.1'],
  ].map(([when, reach]) => ({
    what: `${shown(IDLE)} idle consumers, ${when}: CPU of gateway and Postgres`,
    ...{ value: median(results[`idle, ${when}`]), unit: 'ms/s', samples: results },
    ...{ beside: 'without', peer: median(results[`none, ${when}`]), ...(reach && { reach }) },
  }));
}

const recording = port => paced(port, { perSecond: PER_SECOND, seconds: IDLE_SECONDS });
const rest = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Milliseconds of CPU time in each second, of the gateway and its Postgres. */
async function cpuDuring({ pid }, work) {
  const now = () => {
    const { gateway, postgres } = cpuOf(pid);
    return gateway + postgres;
  };
  const before = now();
  const startedMs = performance.now();
  await work();
  return ((now() - before) * 1_000) / (performance.now() - startedMs);
}
