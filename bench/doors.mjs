/**
 * What the doors save by going round GraphQL: Logsh posts against single mutations, Logspace
 * batches against `recordEvents`, on the same gateway.
 *
 *   node bench/doors.mjs [--rounds 31] [--seconds 0.5] [--connections 16] [--batchers 4] [--batch 1000]
 *   BENCH_PROF=<folder> node bench/doors.mjs --alone 'Logsh single' --seconds 10   (to profile one)
 *
 * The two sides of a comparison record the same content (a Logspace event says the type of each
 * value as well, so it has a second peer that does too) and take turns in short rounds, so that
 * the machine's moods and the growing log hit both alike; what counts is the ratio of each round,
 * of which the median is printed. Many short rounds tell more than few long ones. Beside it stands
 * the CPU time of an event, in the gateway and in its Postgres: it holds on a busy machine, where
 * the rates of both sides are those of the disk. Requests are ready bytes on raw sockets, so that
 * the client takes little of the machine. `DATABASE_URL` in the environment uses that Postgres.
 */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { cpuOf } from './harness/cpu.mjs';
import { KEY, startGateway } from './harness/processes.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '31' },
    seconds: { type: 'string', default: '0.5' },
    connections: { type: 'string', default: '16' },
    batchers: { type: 'string', default: '4' },
    batch: { type: 'string', default: '1000' },
    alone: { type: 'string' },
  },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);
const BATCH = Number(options.batch);
/** Until both sides are compiled and their caches full. */
const WARM_UP_S = 3;

const BEARER = `authorization: Bearer ${KEY}`;
const RECORD = `mutation ($event: EventInput!) {
  recordEvent(input: { workspace: "default", event: $event }) { receipt { status eventId } } }`;
const RECORD_MANY = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { workspace: "default", events: $events }) { rejectedCount } }`;

function request(method, path, body, headers = [BEARER]) {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const METADATA = { plan: 'pro', seats: 12, region: 'eu-west-1', note: 'a note of a usual length' };
const SIGNUP = { description: 'A new customer', icon: '👤', notify: false };

/** Makers of requests, by the name of what they measure. */
const CASES = {
  'Logsh single': {
    isOk: answer => answer.includes('"status":true'),
    make: () => {
      const body = { workspace: 'default', event: 'user.signup', ...SIGNUP, metadata: METADATA };
      return request('POST', '/api/event', JSON.stringify(body));
    },
  },
  'GraphQL single': {
    isOk: answer => answer.includes('RECORDED'),
    make: () => {
      const event = { type: 'user.signup', ...SIGNUP, payload: METADATA };
      return request('POST', '/graphql', JSON.stringify({ query: RECORD, variables: { event } }));
    },
  },
  'Logspace batch': {
    isOk: answer => answer.startsWith('HTTP/1.1 202'),
    make: () => {
      const body = JSON.stringify(Array.from({ length: BATCH }, logspaceEvent));
      return request('PUT', '/events', body, [`logspace.space-token: ${KEY}`]);
    },
  },
  'GraphQL batch': {
    isOk: answer => answer.includes('"rejectedCount":0'),
    make: () => {
      const events = Array.from({ length: BATCH }, graphqlEvent);
      const body = JSON.stringify({ query: RECORD_MANY, variables: { events } });
      return request('POST', '/graphql', body);
    },
  },
  'GraphQL typed batch': {
    isOk: answer => answer.includes('"rejectedCount":0'),
    make: () => {
      const events = Array.from({ length: BATCH }, typedEvent);
      const body = JSON.stringify({ query: RECORD_MANY, variables: { events } });
      return request('POST', '/graphql', body);
    },
  },
};

const MEMORY = { load: 0.44324237001029815, cores: 4, free_memory: 2074169344, state: 'up' };

function logspaceEvent() {
  return {
    ...{ id: randomUUID(), type: 'os/cpu', system: 'host-1', 'agent-id': 'os/cpu' },
    ...{ timestamp: new Date().toISOString(), gid: 'metrics-1' },
    'double-properties': { load: [MEMORY.load] },
    'integer-properties': { cores: [MEMORY.cores] },
    'long-properties': { free_memory: [MEMORY.free_memory] },
    'string-properties': { state: [MEMORY.state] },
  };
}

function graphqlEvent() {
  return {
    ...{ id: randomUUID(), type: 'os/cpu', source: 'host-1', subject: 'os/cpu' },
    ...{ occurredAt: new Date().toISOString(), groupId: 'metrics-1', payload: MEMORY },
  };
}

/** As much as Logspace says: each value with its type. */
function typedEvent() {
  const typed = (type, name, value) => ({ [type]: { name, value } });
  return {
    ...graphqlEvent(),
    payload: undefined,
    properties: [
      typed('double', 'load', MEMORY.load),
      typed('integer', 'cores', MEMORY.cores),
      typed('long', 'free_memory', String(MEMORY.free_memory)),
      typed('string', 'state', MEMORY.state),
    ],
  };
}

/** A connection that sends one request after another; resolves with each whole answer. */
function openConnection(port) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  let settle = () => undefined;
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (Buffer.byteLength(text) < end + 4 + length) return;
    const answer = text;
    text = '';
    settle(answer);
  });
  return {
    ask: bytes =>
      new Promise(resolve => {
        settle = resolve;
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

/**
 * Requests a second of one case over all connections, without those under way at the end unless
 * there are no others; `done` is all that were answered.
 */
async function measure(connections, { make, isOk }, isBatch, seconds = SECONDS) {
  // The making of batches is not measured: ready ones are sent as long as they last.
  const ready = isBatch ? Array.from({ length: Math.ceil(60 * seconds) }, make) : null;
  const single = isBatch ? null : make();
  const startedMs = performance.now();
  const until = startedMs + seconds * 1_000;
  let last = startedMs;
  let done = 0;
  let late = 0;
  await Promise.all(
    connections.map(async ({ ask }) => {
      while (performance.now() < until) {
        const bytes = single ?? ready.pop();
        if (bytes === undefined) return;
        const answer = await ask(bytes);
        if (!isOk(answer)) throw new Error(answer.slice(0, 2_000));
        if (performance.now() > until) return void (late += 1);
        done += 1;
        last = performance.now();
      }
    }),
  );
  const rate =
    done > 0 ? done / (last - startedMs) : late / Math.max(1, performance.now() - startedMs);
  return { rate: rate * 1_000, done: done + late };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function compare({ port, pid }, { ours, peer, count, isBatch, reach }) {
  const connections = Array.from({ length: count }, () => openConnection(port));
  const names = [ours, peer];
  const rates = { [ours]: [], [peer]: [] };
  const spent = { [ours]: noTime(), [peer]: noTime() };
  for (const name of names) await measure(connections, CASES[name], isBatch, WARM_UP_S);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const before = cpuOf(pid);
      const { rate, done } = await measure(connections, CASES[name], isBatch);
      addTime(spent[name], { before, after: cpuOf(pid), done });
      rates[name].push(rate);
    }
  }
  for (const { close } of connections) close();
  const each = isBatch ? BATCH : 1;
  for (const name of names) {
    console.log(`${name.padEnd(16)} ${Math.round(median(rates[name]) * each)} events/s`);
  }
  for (const name of names) console.log(`${name.padEnd(16)} ${timeOf(spent[name], each)}`);
  const ratios = rates[ours].map((rate, round) => rate / rates[peer][round]).sort((a, b) => a - b);
  const [low, high] = [0.25, 0.75].map(part => ratios[Math.floor(ratios.length * part)].toFixed(2));
  const half = `half of the rounds from ${low} to ${high}`;
  console.log(`${''.padEnd(16)} ratio ${median(ratios).toFixed(2)} (reach ${reach}; ${half})`);
}

function noTime() {
  return { gateway: 0, postgres: 0, done: 0 };
}

function addTime(sum, { before, after, done }) {
  if (before === null || after === null) return;
  sum.gateway += after.gateway - before.gateway;
  sum.postgres += after.postgres - before.postgres;
  sum.done += done;
}

function timeOf({ gateway, postgres, done }, each) {
  const micros = ms => ((ms * 1_000) / (done * each)).toFixed(each === 1 ? 0 : 1);
  return done === 0
    ? 'CPU time is not known here'
    : `${micros(gateway)} µs of CPU an event in the gateway, ${micros(postgres)} in Postgres`;
}

/** One case by itself, for a profile of the gateway. */
async function runAlone(port, name) {
  const isBatch = name.endsWith('batch');
  const count = Number(isBatch ? options.batchers : options.connections);
  const connections = Array.from({ length: count }, () => openConnection(port));
  const { rate } = await measure(connections, CASES[name], isBatch);
  for (const { close } of connections) close();
  console.log(`${name.padEnd(16)} ${Math.round(rate * (isBatch ? BATCH : 1))} events/s`);
}

// No rate of the vendor's stands in the way.
process.env.SLUICE_LOGSH_EVENTS_PER_SECOND ??= '1000000';
const gateway = await startGateway();
try {
  console.log(`rounds of ${SECONDS} s, Node ${process.version}`);
  if (options.alone !== undefined) await runAlone(gateway.port, options.alone);
  else {
    const singles = { ours: 'Logsh single', peer: 'GraphQL single', isBatch: false, reach: 1.5 };
    await compare(gateway, { ...singles, count: Number(options.connections) });
    const batches = { ours: 'Logspace batch', peer: 'GraphQL batch', isBatch: true, reach: 1 };
    const count = Number(options.batchers);
    await compare(gateway, { ...batches, count });
    await compare(gateway, { ...batches, count, peer: 'GraphQL typed batch' });
  }
} finally {
  await gateway.stop();
}
