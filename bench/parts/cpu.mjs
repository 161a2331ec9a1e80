/**
 * CPU time of the gateway, and of its Postgres, for one request of each kind: the measure that a
 * busy machine disturbs least. `--beside <folder>` runs another built checkout of Sluice in
 * alternating rounds, so that a change can be held against what was before it.
 */
import { connect } from 'node:net';
import { cpuOf } from '../harness/cpu.mjs';
import { RECORD_MANY, RECORD_ONE, anEvent, someEvents } from '../harness/events.mjs';
import { graphql, load, post } from '../harness/http.mjs';
import { KEY, startGateway, startPeer } from '../harness/processes.mjs';
import { alternate, median } from '../harness/rounds.mjs';

export const about = 'CPU time of the gateway and of Postgres for each kind of request';

const BATCHES_FIRST = 20;
const FIELDS = 'nodes { eventId type position occurredAt subject actor payload }';
const PAGE = `query ($after: String) { events(first: 100, after: $after) {
  ${FIELDS} pageInfo { hasNextPage endCursor } } }`;
const EXECUTED = PAGE.replace('payload', 'payload properties { name }');
const NESTED =
  '{ eventDefinitions(first: 50) { nodes { name events(first: 1) { nodes { eventId } } } } }';
const AGGREGATE = `{ eventAggregates(first: 100, input: {
  timeframe: { last: "P7D" }, granularity: DAY, groupBy: [{ dimension: TYPE }]
}) { nodes { start count group { value } } } }`;
const SUBSCRIBE = 'subscription { events(start: NOW) { kind cursor node { eventId } } }';

/** `bytes` makes a request; `each` says how many events are in one. */
const kinds = cursors => {
  let at = 0;
  const other = query => () => ask(query, { after: cursors[at++ % cursors.length] });
  return {
    'no field but __typename': { count: 3_000, bytes: () => ask('{ __typename }') },
    'single event, 1 in flight': { count: 300, connections: 1, bytes: recordOne },
    'single event, 16 in flight': { count: 2_000, bytes: recordOne },
    'single event, 64 in flight': { count: 4_000, connections: 64, bytes: recordOne },
    'batch of 10, each event': { count: 300, each: 10, bytes: () => recordMany(10) },
    'batch of 100, each event': {
      count: 100,
      each: 100,
      connections: 4,
      bytes: () => recordMany(100),
    },
    'batch of 1,000, each event': {
      count: 16,
      each: 1_000,
      connections: 2,
      bytes: () => recordMany(1_000),
    },
    'page of 100, equal': { count: 600, bytes: () => ask(PAGE) },
    'page of 100, all different': { count: 400, bytes: other(PAGE) },
    'page of 100 by the executor': { count: 300, bytes: other(EXECUTED) },
    '50 definitions with their newest event': { count: 200, bytes: () => ask(NESTED) },
    'an aggregate by type': { count: 200, bytes: () => ask(AGGREGATE) },
    'the start of a subscription': { count: 200, connections: 8, subscribe: true },
  };
};

const ask = (query, variables) => post('/graphql', { query, variables });
const recordOne = () => ask(RECORD_ONE, { event: anEvent() });
const recordMany = count => ask(RECORD_MANY, { events: someEvents(count) });

export async function run({ rounds, beside }) {
  const empty = await startPeer('empty');
  const ours = await prepared({});
  const theirs = beside === undefined ? undefined : await prepared({ root: beside });
  const names = Object.keys(kinds([]));
  const found = [];
  const base = await alternate(rounds, { 'empty HTTP request': () => emptyCost(empty) });
  found.push({ what: 'empty HTTP request', value: median(Object.values(base)[0]), unit: 'µs' });
  for (const name of names) {
    const results = await alternate(rounds, {
      [name]: () => costOf(ours, name),
      ...(theirs && { [`${name}, beside`]: () => costOf(theirs, name) }),
    });
    const [own, other] = Object.values(results);
    for (const part of ['gateway', 'postgres']) {
      found.push({
        ...{ what: `${name}: ${part}`, value: median(own.map(each => each[part])), unit: 'µs' },
        ...(other && { peer: median(other.map(each => each[part])), beside: 'there' }),
        samples: results,
      });
    }
  }
  for (const each of [ours, theirs, empty]) await each?.stop();
  return found;
}

async function prepared(options) {
  const gateway = await startGateway(options);
  for (let n = 0; n < BATCHES_FIRST; n++) {
    await graphql(gateway.port, RECORD_MANY, { events: someEvents(1_000) });
  }
  const { events } = await graphql(gateway.port, '{ events(first: 1000) { edges { cursor } } }');
  return { ...gateway, kinds: kinds(events.edges.map(({ cursor }) => cursor)) };
}

/** µs of CPU for each request, or for each event of a batch. */
async function costOf({ pid, port, kinds }, name) {
  const { count, each = 1, connections = 16, bytes, subscribe } = kinds[name];
  const before = cpuOf(pid);
  if (subscribe) await subscribeTimes(port, count, connections);
  else {
    let left = count;
    const next = () => (left-- > 0 ? bytes() : undefined);
    await load(port, { connections, next, isOk: answer => !answer.includes('"errors"') });
  }
  const after = cpuOf(pid);
  const share = part => ((after[part] - before[part]) * 1_000) / (count * each);
  return { gateway: share('gateway'), postgres: share('postgres') };
}

/** Opens a stream, waits for its first step, leaves. */
async function subscribeTimes(port, count, connections) {
  let left = count;
  const request = post('/graphql', { query: SUBSCRIBE }, [
    `authorization: Bearer ${KEY}`,
    'accept: text/event-stream',
  ]);
  async function one() {
    while (left-- > 0) {
      await new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(request));
        let text = '';
        socket.on('data', chunk => {
          text += chunk;
          if (text.includes('data: {')) resolve(socket.destroy());
        });
        socket.once('error', reject);
      });
    }
  }
  await Promise.all(Array.from({ length: connections }, one));
}

async function emptyCost({ pid, port }) {
  const count = 5_000;
  let left = count;
  const bytes = ask('{ __typename }');
  const before = cpuOf(pid);
  await load(port, {
    connections: 16,
    next: () => (left-- > 0 ? bytes : undefined),
    isOk: () => true,
  });
  return ((cpuOf(pid).gateway - before.gateway) * 1_000) / count;
}
