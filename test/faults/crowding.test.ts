/** All that callers can make a gateway hold or compute, at once, with and without a key. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Stalls } from '../fuzz/stalls.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { CROWDS, newCaller, rateOf, watch, WORK, type Caller } from './crowding.ts';

let database: TestDatabase;
let gateway: ChildGateway;
let stalls: Stalls;
const sockets: Socket[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  const stallsUrl = new URL('../fuzz/stalls.mjs', import.meta.url).href;
  gateway = await startChildGateway(database.url, { NODE_OPTIONS: `--import ${stallsUrl}` });
  stalls = new Stalls(gateway.log);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** The most that it ever had. */
const peakMb = () => {
  const status = readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024;
};

function open(...parts: (string | Buffer)[]): void {
  const { port } = new URL(gateway.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {}).on('data', () => {});
  for (const part of parts) socket.write(part);
  sockets.push(socket);
}

const UPGRADE =
  'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
  'sec-websocket-protocol: graphql-transport-ws\r\n\r\n';

/** Of 1,048,575 bytes, all but some: made once, since each takes room here, too. */
const START_OF_MESSAGE = Buffer.concat([
  Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0, 0, 0, 0]),
  Buffer.alloc(1_000_000, 'x'),
]);

/** What was sent has come, or is refused. */
async function untilSent(): Promise<void> {
  const isSent = (socket: Socket) => socket.destroyed || socket.writableLength === 0;
  await expect.poll(() => sockets.every(isSent), { timeout: 30_000 }).toBe(true);
}

/** Nobody's key: WebSockets and headers that do not end, bodies that do not come. */
function withoutKey(): void {
  for (let n = 0; n < 600; n++) {
    open(Buffer.from(UPGRADE), START_OF_MESSAGE);
    if (n >= 200) continue;
    open(`GET /graphql HTTP/1.1\r\nx-pad: ${'x'.repeat(15_000)}`);
    open(
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
        `content-length: 60000\r\n\r\n${'x'.repeat(59_000)}`,
    );
  }
}

/** With a key: messages that do not end. */
async function withKey({ key }: Caller): Promise<void> {
  const url = `${gateway.url.replace('http', 'ws')}/graphql`;
  const opened = Array.from({ length: 100 }, async () => {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    socket.on('error', () => {});
    await new Promise(resolve => socket.once('open', resolve).once('close', resolve));
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: key } }));
    await new Promise(resolve => socket.once('message', resolve).once('close', resolve));
    const { _socket: bare } = socket as unknown as { _socket: Socket };
    bare.write(START_OF_MESSAGE);
    sockets.push(bare);
  });
  await Promise.all(opened);
}

test('memory and the event loop hold, and another key works on without an error', async () => {
  const [quiet, busy] = [await newCaller(gateway), await newCaller(gateway)];
  await rateOf(() => CROWDS.writes(gateway, busy), { atOnce: 4, seconds: 2 });
  await rateOf(() => WORK.reads(gateway, quiet), { atOnce: 4, seconds: 1 });
  const beforeMb = peakMb();

  withoutKey();
  await withKey(busy);
  await untilSent();
  const leave = watch(gateway, busy, 50);
  const crowd = { atOnce: 30, seconds: 8 };
  // Of messages that do not end.
  const held = sockets.filter(socket => !socket.destroyed).length;
  const crowding = Promise.all([
    rateOf(() => CROWDS.writes(gateway, busy), crowd),
    rateOf(() => CROWDS.reads(gateway, busy), crowd),
    rateOf(() => CROWDS.live(gateway, busy), { ...crowd, atOnce: 4 }),
  ]);
  const little = { atOnce: 2, seconds: 6 };
  const [records, reads] = await Promise.all([
    rateOf(() => WORK.records(gateway, quiet), little),
    rateOf(() => WORK.reads(gateway, quiet), little),
  ]);
  const [writes, searches] = await crowding;
  leave();

  // It was crowded: some of the busy one's connections are held, the others were refused, and so
  // were its requests.
  expect(held).toBeGreaterThan(0);
  expect(sockets.filter(socket => socket.destroyed).length).toBeGreaterThan(600);
  const refused = { ...writes.errors, ...searches.errors };
  expect(Object.keys(refused)).toEqual(
    expect.arrayContaining([expect.stringMatching(/OVERLOADED|SERVICE_UNAVAILABLE/)]),
  );
  expect([records.errors, reads.errors]).toEqual([{}, {}]);
  expect([records.perSecond > 0, reads.perSecond > 0]).toEqual([true, true]);
  expect(peakMb() - beforeMb).toBeLessThan(280);
  // In CPU time of the event loop: for how long a busy machine lets it wait is not its doing.
  expect(stalls.longestBusyMs).toBeLessThan(200);
});
