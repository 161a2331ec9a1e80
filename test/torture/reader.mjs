/**
 * Subscribers in a process of their own, so that it can be stopped and go on. Each follows one
 * workspace for ever: it connects to any of the gateways, leaves when it likes, and comes back at
 * its last cursor or, where it is a roamer, at any that it has seen; at the oldest where retention
 * took what comes after that. What it sees it writes down:
 * `<subscriber> from <position>` for each connection, then `<subscriber> <position> <id> <ms>`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const { urls, key, subscribers, seed } = JSON.parse(process.argv[2]);
const query = `subscription ($after: String, $start: StreamStart) {
  events(workspace: "default", after: $after, start: $start) {
    kind cursor position node { eventId recordedAt } } }`;

function seeded(state) {
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function* overSse(url, variables, signal) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: {')) yield JSON.parse(line.slice(6));
  }
}

async function* overWebSocket(url, variables, signal) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const messages = [];
  let wake = () => {};
  const hear = message => (messages.push(message), wake());
  socket.on('message', data => hear(JSON.parse(String(data))));
  for (const event of ['close', 'error']) socket.on(event, () => hear({ type: 'complete' }));
  signal.addEventListener('abort', () => socket.terminate());
  socket.on('open', () => {
    const payload = { authorization: `Bearer ${key}` };
    socket.send(JSON.stringify({ type: 'connection_init', payload }));
  });
  for (;;) {
    while (messages.length === 0) await new Promise(resolve => (wake = resolve));
    const { type, payload } = messages.shift();
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }));
    } else if (type === 'next') yield payload;
    else if (type === 'error') yield { errors: payload };
    else if (type === 'complete') return;
  }
}

async function follow(name, isRoamer, random) {
  const seen = [];
  /** Where to go on, once retention took what came next. */
  let oldest;
  for (;;) {
    const last = oldest ?? (isRoamer ? seen[Math.floor(random() * seen.length)] : seen.at(-1));
    const variables = last === undefined ? { start: 'BEGINNING' } : { after: last.cursor };
    oldest = undefined;
    const url = urls[Math.floor(random() * urls.length)];
    const leaving = new AbortController();
    // SIGKILLed gateways may leave a connection that nobody answers.
    let left = random() < 0.5 ? Infinity : 1 + Math.floor(random() * 300);
    const timer = setTimeout(() => leaving.abort(), 500 + random() * 3_000);
    console.log(`${name} from ${last?.position ?? 'BEGINNING'}`);
    try {
      const read = random() < 0.5 ? overSse : overWebSocket;
      for await (const { data, errors } of read(url, variables, leaving.signal)) {
        if (errors !== undefined) {
          const { code, oldestCursor } = errors[0].extensions;
          console.log(`${name} error ${code}`);
          if (code === 'CURSOR_EXPIRED') oldest = { position: 'OLDEST', cursor: oldestCursor };
          if (code === 'CURSOR_EXPIRED') seen.splice(0, seen.length - 1);
          break;
        }
        const { kind, position, cursor, node } = data.events;
        if (kind !== 'EVENT') continue;
        console.log(
          `${name} ${position} ${node.eventId} ${Date.now() - Date.parse(node.recordedAt)}`,
        );
        if (isRoamer || seen.length === 0) seen.push({ position, cursor });
        else seen[0] = { position, cursor };
        if (--left <= 0) break;
      }
    } catch {
      // The gateway is away: another time, another gateway.
    }
    clearTimeout(timer);
    leaving.abort();
    await sleep(20 + random() * 100);
  }
}

for (let n = 0; n < subscribers; n++) {
  const isRoamer = n % 3 === 2;
  const name = `${seed}-${isRoamer ? 'roamer' : 'follower'}-${n}`;
  void follow(name, isRoamer, seeded(seed * 1_000 + n));
}
