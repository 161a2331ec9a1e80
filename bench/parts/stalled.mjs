/**
 * Subscribers that stop reading: what each costs, whether others notice, and whether it is complete
 * once it reads on. The same events are recorded three times: before half of a hundred stall on
 * WebSockets and half on server-sent events, while the buffers of their sockets fill (the gateway
 * sends to them as to any reader, until the kernel takes no more), and when none takes any more.
 * Five others read all the time.
 */
import { connect } from 'node:net';
import { openSocket, sendPong } from '../harness/frames.mjs';
import { graphql } from '../harness/http.mjs';
import { KEY, residentMb, startGateway } from '../harness/processes.mjs';
import { progress, shown } from '../harness/report.mjs';

export const about = 'subscribers that stop reading, and read on';

const STALLED = 100;
const RESUMED = 10;
const READERS = 5;
const BATCH = 1_000;
const QUERY = 'subscription { events { kind position node { eventId type subject payload } } }';
const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount } }`;

export async function run({ events = 100_000 }) {
  const gateway = await startGateway();
  await record(gateway.port, BATCH);
  const readers = [];
  for (let n = 0; n < READERS; n++) readers.push(await follow(gateway.port, n % 2 === 0));
  progress('without stalled subscribers');
  const without = await watched(gateway, readers, events);
  const stalled = [];
  for (let n = 0; n < STALLED; n++) {
    const state = await follow(gateway.port, n % 2 === 0);
    state.socket.pause();
    stalled.push(state);
  }
  progress(`beside ${STALLED} that have stopped reading, and whose sockets fill`);
  const filling = await watched(gateway, readers, events);
  progress(`beside ${STALLED} stalled subscribers`);
  const beside = await watched(gateway, readers, events);
  const resumed = stalled.slice(0, RESUMED);
  for (const { socket } of stalled.slice(RESUMED)) socket.destroy();
  progress(`${RESUMED} of them read on`);
  const startedMs = performance.now();
  for (const { socket } of resumed) socket.resume();
  await until(() => resumed.every(({ last }) => last >= readers[0].last));
  const seconds = (performance.now() - startedMs) / 1_000;
  await gateway.stop();
  const isWhole = resumed.every(({ count, isOrdered }) => isOrdered && count === 2 * events);
  if (!isWhole) throw new Error('a subscriber that read on is not complete, once and in order');
  const eachMb = (Math.max(filling.peakMb, beside.peakMb) - without.peakMb) / STALLED;
  return [
    {
      ...{ what: 'events to each reader', value: beside.perSecond, unit: '/s' },
      ...{ beside: 'without stalled ones', peer: without.perSecond, reach: '≥ 0.8' },
    },
    {
      ...{ what: 'the same while their sockets fill', value: filling.perSecond, unit: '/s' },
      ...{ beside: 'without stalled ones', peer: without.perSecond },
    },
    { what: `memory for each of ${STALLED} stalled`, value: eachMb, unit: 'MB', reach: '≤ 1' },
    { what: `${shown(2 * events)} events to each that reads on`, value: seconds, unit: 's' },
  ];
}

/** Follows a stream from now on, and sees whether its positions follow one another. */
async function follow(port, isWebSocket) {
  const state = { socket: undefined, last: 0, count: 0, isOrdered: true, isReady: false };
  let rest = '';
  function read(chunk, socket) {
    const text = rest + chunk.toString('latin1');
    if (isWebSocket && text.includes('\x89\x00')) sendPong(socket);
    let end = 0;
    for (const found of text.matchAll(/"kind":"(\w+)","position":(\d+),/g)) {
      end = found.index + found[0].length;
      const position = Number(found[2]);
      if (found[1] === 'CAUGHT_UP') state.isReady = true;
      else if (state.count++ > 0 && position !== state.last + 1) state.isOrdered = false;
      state.last = position;
    }
    rest = text.slice(Math.max(end, text.length - 64));
  }
  state.socket = isWebSocket
    ? await openSocket(port, { subscribe: { query: QUERY }, onData: read })
    : openEventStream(port, read);
  await until(() => state.isReady);
  return state;
}

function openEventStream(port, read) {
  const body = JSON.stringify({ query: QUERY });
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      `Accept: text/event-stream\r\nAuthorization: Bearer ${KEY}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  return socket.on('data', chunk => read(chunk, socket)).on('error', () => undefined);
}

async function until(isTrue) {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 20));
}

/** Records, and waits for the readers; the highest memory meanwhile. */
async function watched(gateway, readers, events) {
  let peakMb = 0;
  const timer = setInterval(() => (peakMb = Math.max(peakMb, residentMb(gateway.pid))), 50);
  const before = readers[0].count;
  const startedMs = performance.now();
  await record(gateway.port, events);
  await until(() => readers.every(({ count }) => count >= before + events));
  clearInterval(timer);
  return { perSecond: (events * 1_000) / (performance.now() - startedMs), peakMb };
}

async function record(port, count) {
  const payload = { plan: 'pro', seats: 12, region: 'eu-west-1', note: 'a note of a usual length' };
  const events = Array(BATCH).fill({ type: 'user.signup', subject: 'shared', payload });
  for (let left = count; left > 0; left -= BATCH) await graphql(port, RECORD, { events });
}
