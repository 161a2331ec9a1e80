/** What `fanout` compares with: a bare broadcast, and graphql-ws over a plain pub/sub. */
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const BUFFER_MAX = 262_144;
const [, , kind] = process.argv;
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

const turn = () => new Promise(resolve => setImmediate(resolve));

/** Nobody is sent more than its socket takes. */
async function roomy(clients) {
  while ([...clients].some(client => client.bufferedAmount > BUFFER_MAX)) await turn();
}

async function broadcast({ events, bytes }) {
  const message = Buffer.from('x'.repeat(bytes));
  for (let n = 0; n < events; n++) {
    for (const client of sockets.clients) client.send(message, { binary: false });
    if (n % 16 === 15) await turn();
    await roomy(sockets.clients);
  }
}

const SDL = `
  scalar JSON
  input EventFilter { subjects: [String!] }
  type Event { eventId: String! type: String! occurredAt: String! subject: String payload: JSON }
  type Delivery { kind: String! cursor: String! position: Int! node: Event }
  type Query { ok: Boolean }
  type Subscription { events(filter: EventFilter): Delivery! }`;

/** As tutorials have it: each subscriber has a queue, and filters what is published. */
function createPubSub() {
  const listeners = new Set();
  return {
    publish: value => listeners.forEach(listen => listen(value)),
    async *subscribe() {
      const queue = [];
      let wake = () => {};
      const listen = value => {
        queue.push(value);
        wake();
      };
      listeners.add(listen);
      try {
        for (;;) {
          while (queue.length > 0) yield queue.shift();
          await new Promise(resolve => (wake = resolve));
        }
      } finally {
        listeners.delete(listen);
      }
    },
  };
}

function servePubSub() {
  const pubsub = createPubSub();
  const schema = buildSchema(SDL);
  const roots = {
    subscription: {
      events: async function* ({ filter }) {
        for await (const delivery of pubsub.subscribe()) {
          const isWanted = filter?.subjects?.includes(delivery.node.subject) ?? true;
          if (isWanted) yield { events: delivery };
        }
      },
    },
  };
  useServer({ schema, roots }, sockets);
  return async ({ events }) => {
    for (let n = 1; n <= events; n++) {
      pubsub.publish(delivery(n));
      if (n % 16 === 0) await turn();
      await roomy(sockets.clients);
    }
  };
}

function delivery(position) {
  const payload = { plan: 'pro', seats: 12, region: 'eu-west-1', note: 'a note of a usual length' };
  const eventId = `0190163d-8694-739b-aea5-966c26f8${String(position).padStart(4, '0')}`;
  const occurredAt = new Date().toISOString();
  const node = { eventId, type: 'user.signup', occurredAt, subject: 'shared', payload };
  const cursor = Buffer.from(`p:1:${eventId}:${position}:1700000000000`).toString('base64url');
  return { kind: 'EVENT', cursor, position, node };
}

const go = kind === 'bare' ? broadcast : servePubSub();
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('message', go);
