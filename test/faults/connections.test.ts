/** More connections at once than an event loop accepts at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
let gateway: ChildGateway;
const sockets: Socket[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startChildGateway(database.url);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const COUNT = 950;
/** The kernel tries the handshake of a connection that found no room again after this. */
const RETRY_MS = 1_000;

test('a thousand connections that come while the event loop is busy are kept, and all answered', async () => {
  const { port } = new URL(gateway.url);
  // Busy for as long as it is stopped.
  gateway.process.kill('SIGSTOP');
  const startedMs = performance.now();
  const tookMs = await Promise.all(
    Array.from({ length: COUNT }, async () => {
      const socket = connect(Number(port), '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect', { signal: AbortSignal.timeout(10 * RETRY_MS) });
      socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
      return performance.now() - startedMs;
    }),
  );
  gateway.process.kill('SIGCONT');
  // Those that were dropped come in a bunch of their own, a second after the others.
  const gaps = tookMs.sort((a, b) => a - b).map((ms, n) => ms - (tookMs[n - 1] ?? ms));
  expect(Math.max(...gaps)).toBeLessThan(RETRY_MS / 2);
  const answers = await Promise.all(
    sockets.map(async socket => String((await once(socket, 'data'))[0]).slice(0, 15)),
  );
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200 OK']));
});
