/** Records at a steady pace and watches over a WebSocket: how long an event takes to its reader. */
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { anEvent, isRecorded, RECORD_ONE } from './events.mjs';
import { openConnection, post } from './http.mjs';
import { KEY } from './processes.mjs';
import { percentile } from './rounds.mjs';

const WATCH = 'subscription { events { kind node { eventId recordedAt } } }';
const CONNECTIONS = 32;

/**
 * Single-event mutations at this pace, whether or not those before are answered. Milliseconds from
 * when each was due: a slow server does not slow its own measure down.
 */
export async function paced(port, { perSecond, seconds, onSent = () => undefined }) {
  const all = Array.from({ length: CONNECTIONS }, () => openConnection(port));
  const idle = await Promise.all(all);
  const waiting = [];
  const times = [];
  const total = perSecond * seconds;
  const startedMs = performance.now();
  let begun = 0;
  async function send(connection, dueMs) {
    const event = anEvent();
    onSent(event.id, dueMs);
    const answer = await connection.ask(
      post('/graphql', { query: RECORD_ONE, variables: { event } }),
    );
    if (!isRecorded(answer)) throw new Error(answer.slice(0, 2_000));
    times.push(performance.now() - dueMs);
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else await send(connection, next);
  }
  const sending = [];
  while (begun < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) / 1_000) * perSecond));
    for (; begun < due; begun++) {
      const dueMs = startedMs + (begun * 1_000) / perSecond;
      // In turns: the gateway closes a connection that is idle for a minute.
      const connection = idle.shift();
      if (connection === undefined) waiting.push(dueMs);
      else sending.push(send(connection, dueMs));
    }
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  await Promise.all(sending);
  for (const { close } of idle) close();
  return times;
}

/**
 * What a subscriber sees of it: milliseconds from `recordedAt`, which the flush gives before it
 * commits, and from the sending of the mutation.
 */
export async function liveLatency(port, { perSecond, seconds }) {
  const sentAt = new Map();
  const fromRecorded = [];
  const fromSent = [];
  const socket = await watch(port, ({ eventId, recordedAt }) => {
    const dueMs = sentAt.get(eventId);
    if (dueMs === undefined) return;
    fromRecorded.push(Date.now() - Date.parse(recordedAt));
    fromSent.push(performance.now() - dueMs);
  });
  await paced(port, { perSecond, seconds: 1 });
  await paced(port, { perSecond, seconds, onSent: (id, dueMs) => sentAt.set(id, dueMs) });
  const wanted = perSecond * seconds;
  const untilMs = performance.now() + 10_000;
  while (fromSent.length < wanted && performance.now() < untilMs) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  socket.terminate();
  if (fromSent.length !== wanted) throw new Error(`${fromSent.length} of ${wanted} were delivered`);
  const both = values => ({ p50: percentile(values, 0.5), p99: percentile(values, 0.99) });
  return { fromRecorded: both(fromRecorded), fromSent: both(fromSent) };
}

/** Resolves once the subscription has caught up. */
function watch(port, onEvent) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  const send = message => socket.send(JSON.stringify(message));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () =>
      send({ type: 'connection_init', payload: { authorization: `Bearer ${KEY}` } }),
    );
    socket.on('message', bytes => {
      const message = JSON.parse(bytes);
      if (message.type === 'connection_ack') {
        send({ id: randomUUID(), type: 'subscribe', payload: { query: WATCH } });
      } else if (message.type === 'ping') send({ type: 'pong' });
      else if (message.type === 'error') reject(new Error(JSON.stringify(message.payload)));
      else if (message.type === 'next') {
        const delivery = message.payload.data?.events;
        if (delivery?.node) onEvent(delivery.node);
        else resolve(socket);
      }
    });
  });
}
