/** A NATS server, if one answers: it is no part of what is installed. */
import { connect } from 'node:net';

export const NATS_URL = process.env.BENCH_NATS_URL ?? '127.0.0.1:4222';

export function isNatsThere() {
  const [host, port] = NATS_URL.split(':');
  return new Promise(resolve => {
    const socket = connect(Number(port), host);
    const done = isThere => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('data', () => done(true)).once('error', () => done(false));
    socket.setTimeout(2_000, () => done(false));
  });
}
