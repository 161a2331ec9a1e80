/** A client that costs little: ready bytes on raw sockets, of the answer only what is needed. */
import { connect } from 'node:net';
import { KEY } from './processes.mjs';

/** A POST of JSON as bytes; `headers` take the place of the key. */
export function post(path, body, headers = [`authorization: Bearer ${KEY}`]) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    ...headers,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
}

const ANSWER_WITHIN_MS = 60_000;

/** Sends one request after another; `ask` resolves with the whole answer. */
export async function openConnection(port) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let chunks = [];
  let length = 0;
  let wanted = 0;
  let settle = { resolve: () => undefined, reject: () => undefined };
  socket.on('data', chunk => {
    chunks.push(chunk);
    length += chunk.length;
    if (wanted === 0) {
      const head = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const declared = /content-length: (\d+)/i.exec(head.toString('latin1', 0, end));
      if (declared === null) {
        settle.reject(new Error(`an answer without a length: ${head.toString('latin1', 0, 200)}`));
      }
      wanted = end + 4 + Number(declared?.[1] ?? 0);
    }
    if (length < wanted) return;
    const answer = Buffer.concat(chunks).toString('utf8');
    chunks = [];
    length = wanted = 0;
    settle.resolve(answer);
  });
  socket.on('close', () => settle.reject(new Error('the connection was closed')));
  socket.on('error', () => undefined);
  return {
    /** @throws Error when no answer comes: a benchmark that waits for ever tells nothing. */
    ask: bytes =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no answer came')), ANSWER_WITHIN_MS);
        const settleOnce = how => value => {
          clearTimeout(timer);
          how(value);
        };
        settle = { resolve: settleOnce(resolve), reject: settleOnce(reject) };
        if (socket.destroyed) settle.reject(new Error('the connection was closed'));
        else socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

/**
 * Sends over so many connections for so long, or as long as `next` gives requests (bytes). What
 * is under way at the end does not count. Returns requests a second and each one's milliseconds.
 * @throws Error with the answer that `isOk` does not take.
 */
export async function load(port, { connections, seconds = Infinity, next, isOk }) {
  const all = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  const times = [];
  let lastMs = startedMs;
  async function run({ ask }) {
    for (let bytes = next(); bytes !== undefined; bytes = next()) {
      const sentMs = performance.now();
      const answer = await ask(bytes);
      const nowMs = performance.now();
      if (!isOk(answer)) throw new Error(answer.slice(0, 2_000));
      if (nowMs > untilMs) return;
      times.push(nowMs - sentMs);
      lastMs = nowMs;
    }
  }
  try {
    await Promise.all(all.map(run));
  } finally {
    for (const { close } of all) close();
  }
  return { perSecond: (times.length * 1_000) / (lastMs - startedMs), times };
}

/** One question and its answer, parsed. */
export async function graphql(port, query, variables = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
