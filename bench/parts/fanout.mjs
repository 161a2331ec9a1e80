/**
 * Deliveries to 200 WebSocket subscribers. Equal: all ask the same, beside a bare `ws` broadcast of
 * ready bytes. Different: each has a filter of its own, all of which match, beside graphql-ws over
 * a plain pub/sub whose resolver filters. Ours records the events meanwhile; the peers do not.
 */
import { frameCounter, openSocket } from '../harness/frames.mjs';
import { graphql } from '../harness/http.mjs';
import { startGateway, startPeer } from '../harness/processes.mjs';
import { alternate, median } from '../harness/rounds.mjs';

export const about = '200 WebSocket subscribers, equal and different';

const SUBSCRIBERS = 200;
/** graphql-ws delivers a tenth as fast: with as many events a round would take minutes. */
const PUBSUB_SHARE = 0.1;
const SILENT_MS_MAX = 30_000;
const BATCH = 250;
const QUERY = `subscription ($filter: EventFilter) { events(filter: $filter) {
  kind cursor position node { eventId type occurredAt subject payload } } }`;
const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount } }`;

const equal = () => ({ query: QUERY });
const different = n => ({
  query: QUERY,
  variables: { filter: { subjects: ['shared', `other-${n}`] } },
});

export async function run({ rounds, events = 3_000 }) {
  const gateway = await startGateway();
  await record(gateway.port, 10);
  let bytes = 0;
  const ours = async subscribeOf => {
    const go = () => record(gateway.port, events);
    // Each gets CAUGHT_UP first.
    const measured = await measure(gateway.port, { subscribeOf, before: 1, events, go });
    bytes = measured.bytes;
    return measured.perSecond;
  };
  const peer = async (kind, { share = 1, ...asks }) => {
    const { port, send, stop } = await startPeer('broadcast', kind);
    const some = Math.ceil(events * share);
    const go = async () => send({ events: some, bytes });
    const { perSecond } = await measure(port, { ...asks, events: some, go });
    await stop();
    return perSecond;
  };
  const results = await alternate(rounds, {
    equal: () => ours(equal),
    'bare broadcast': () => peer('bare', { path: '/', before: 0 }),
    different: () => ours(different),
    'graphql-ws over pub/sub': () =>
      peer('pubsub', { subscribeOf: different, before: 0, share: PUBSUB_SHARE }),
  });
  await gateway.stop();
  const [same, bare, own, pubsub] = Object.values(results).map(median);
  const row = { unit: 'deliveries/s', samples: results };
  return [
    {
      ...{ ...row, what: `${SUBSCRIBERS} equal subscribers`, value: same },
      ...{ beside: 'bare ws broadcast', peer: bare, reach: '≥ 0.5' },
    },
    {
      ...{ ...row, what: `${SUBSCRIBERS} different subscribers`, value: own },
      ...{ beside: 'graphql-ws over pub/sub', peer: pubsub, reach: '≥ 2' },
    },
  ];
}

async function measure(port, { path, subscribeOf, before, events, go }) {
  const counter = createCounter();
  const begun = before === 0 ? undefined : counter.expect(SUBSCRIBERS * before);
  const sockets = [];
  for (let n = 0; n < SUBSCRIBERS; n++) {
    const onData = frameCounter(counter.count);
    sockets.push(await openSocket(port, { path, subscribe: subscribeOf?.(n), onData }));
  }
  await begun;
  await new Promise(resolve => setTimeout(resolve, 300));
  const taken = counter.expect(SUBSCRIBERS * events);
  const [ms] = await Promise.all([taken, go()]);
  for (const socket of sockets) socket.destroy();
  return { perSecond: (SUBSCRIBERS * events * 1_000) / ms, bytes: counter.bytes() };
}

/** Waits until so many messages have come, and says how long all but the first took. */
function createCounter() {
  let count = 0;
  let bytes = 0;
  let startedMs = 0;
  let wanted = Infinity;
  let done = () => undefined;
  return {
    bytes: () => bytes,
    count(length) {
      if (count++ === 0) startedMs = performance.now();
      bytes = length;
      if (count >= wanted) done(performance.now() - startedMs);
    },
    /** @throws Error when no message comes any more. */
    expect(messages) {
      count = 0;
      wanted = messages;
      return new Promise((resolve, reject) => {
        let before = -1;
        const watch = setInterval(() => {
          if (count === before) {
            clearInterval(watch);
            reject(new Error(`${count} of ${wanted} messages came`));
          }
          before = count;
        }, SILENT_MS_MAX);
        done = ms => (clearInterval(watch), resolve(ms));
      });
    },
  };
}

async function record(port, count) {
  const payload = { plan: 'pro', seats: 12, region: 'eu-west-1', note: 'a note of a usual length' };
  for (let left = count; left > 0; left -= BATCH) {
    const event = { type: 'user.signup', subject: 'shared', payload };
    await graphql(port, RECORD, { events: Array(Math.min(BATCH, left)).fill(event) });
  }
}
