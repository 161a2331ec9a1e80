/** WebSockets as bare as they can be: what is measured is the server, not its reader. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { KEY } from './processes.mjs';

const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

export function sendFrame(socket, message) {
  const data = Buffer.from(JSON.stringify(message));
  const head = Buffer.from([0x81, 0xfe, data.length >> 8, data.length & 255, 0, 0, 0, 0]);
  socket.write(Buffer.concat([head, data]));
}

export function sendPong(socket) {
  socket.write(PONG);
}

/** A connection that has been taken over; `subscribe` is sent as `s` after the handshake. */
export async function openSocket(port, { path = '/graphql', subscribe, onData }) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
      'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
  );
  const first = await new Promise((resolve, reject) =>
    socket.once('data', resolve).once('error', reject),
  );
  if (!String(first).startsWith('HTTP/1.1 101')) throw new Error(String(first));
  socket.on('error', () => undefined);
  if (subscribe !== undefined) {
    const authorization = `Bearer ${KEY}`;
    sendFrame(socket, { type: 'connection_init', payload: { authorization } });
    await new Promise(resolve => socket.once('data', resolve));
    sendFrame(socket, { id: 's', type: 'subscribe', payload: subscribe });
  }
  const end = first.indexOf('\r\n\r\n') + 4;
  if (first.length > end) onData(first.subarray(end), socket);
  socket.on('data', chunk => onData(chunk, socket));
  return socket;
}

/** Calls back with the length of each message; nothing is decoded. */
export function frameCounter(onFrame) {
  let skip = 0;
  let rest = Buffer.alloc(0);
  return chunk => {
    let at = 0;
    if (skip > 0) {
      at = Math.min(skip, chunk.length);
      skip -= at;
      if (at === chunk.length) return;
    }
    let data = at === 0 ? chunk : chunk.subarray(at);
    if (rest.length > 0) data = Buffer.concat([rest, data]);
    at = 0;
    while (data.length - at >= 2) {
      const short = data[at + 1] & 127;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (data.length - at < head) break;
      const length =
        short === 127
          ? data.readUIntBE(at + 4, 6)
          : short === 126
            ? data.readUInt16BE(at + 2)
            : short;
      if ((data[at] & 15) === 1) onFrame(length);
      at += head + length;
    }
    skip = Math.max(0, at - data.length);
    rest = at >= data.length ? Buffer.alloc(0) : data.subarray(at);
  };
}
