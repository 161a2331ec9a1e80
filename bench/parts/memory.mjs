/** Resident memory of the gateway: idle, with 5,000 idle subscribers, during an import. */
import { areRecorded, RECORD_MANY, someEvents } from '../harness/events.mjs';
import { openSocket, sendPong } from '../harness/frames.mjs';
import { load, post } from '../harness/http.mjs';
import { residentMb, startGateway } from '../harness/processes.mjs';
import { progress, shown } from '../harness/report.mjs';
import { median } from '../harness/rounds.mjs';

export const about = 'memory of the gateway: idle, 5,000 subscribers, an import of a million';

const SUBSCRIBERS = 5_000;
/** Sockets that are opened at once. */
const AT_ONCE = 50;
const BATCH = 1_000;
const WATCH = 'subscription { events { kind node { eventId type } } }';
const rest = ms => new Promise(resolve => setTimeout(resolve, ms));

export async function run({ events = 1_000_000 }) {
  const env = { SLUICE_STREAMS_PER_KEY_MAX: String(SUBSCRIBERS * 2) };
  const gateway = await startGateway({ env });
  await rest(3_000);
  const idle = residentMb(gateway.pid);
  const sockets = [];
  while (sockets.length < SUBSCRIBERS) {
    progress(`${shown(sockets.length)} of ${shown(SUBSCRIBERS)} subscribers`);
    sockets.push(
      ...(await Promise.all(Array.from({ length: AT_ONCE }, () => watch(gateway.port)))),
    );
  }
  await rest(3_000);
  const watched = residentMb(gateway.pid);
  for (const socket of sockets) socket.destroy();
  await gateway.stop();
  const { early, late } = await duringImport(events);
  const mb = { unit: 'MB' };
  return [
    { what: 'idle after start', value: idle, ...mb, reach: '≤ 150' },
    { what: `${shown(SUBSCRIBERS)} idle subscribers`, value: watched, ...mb, reach: '≤ 400' },
    {
      ...{ what: `import of ${shown(events)}, its last quarter`, value: late, ...mb },
      ...{ beside: 'its second quarter', peer: early, reach: '≤ 1.1' },
    },
  ];
}

/** A socket with one subscription, which has caught up. */
async function watch(port) {
  let ready;
  const caughtUp = new Promise(resolve => (ready = resolve));
  const socket = await openSocket(port, {
    subscribe: { query: WATCH },
    onData: (chunk, self) => {
      if (chunk[0] === 0x89) sendPong(self);
      else if (chunk.includes('CAUGHT_UP')) ready();
    },
  });
  await caughtUp;
  return socket;
}

async function duringImport(events) {
  const gateway = await startGateway();
  const samples = [];
  const timer = setInterval(() => samples.push(residentMb(gateway.pid)), 100);
  let left = events;
  const next = () => {
    if (left <= 0) return undefined;
    left -= BATCH;
    if (left % 50_000 === 0) progress(`${shown(events - left)} of ${shown(events)} events`);
    return post('/graphql', { query: RECORD_MANY, variables: { events: someEvents(BATCH) } });
  };
  await load(gateway.port, { connections: 4, next, isOk: areRecorded(BATCH) });
  clearInterval(timer);
  await gateway.stop();
  const part = (from, to) => median(samples.slice(samples.length * from, samples.length * to));
  return { early: part(0.25, 0.5), late: part(0.75, 1) };
}
