/** A client that costs little: ready bytes on raw sockets, whether they are answered or not. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Offer {
  readonly port: number;
  /** A whole request. */
  readonly bytes: Buffer;
  readonly perSecond: number;
  readonly seconds: number;
  /** Opened before, as clients keep them; one request at a time on each. */
  readonly connections: number;
}

export interface Offered {
  sent: number;
  readonly acceptedMs: number[];
  readonly refusedMs: number[];
  withoutRetryAfter: number;
  /** All else that came back, and how often. */
  readonly others: Map<string, number>;
}

const TURN_MS = 5;
const ANSWERED_WITHIN_MS = 60_000;

/** Sends at a rate, as far as there are connections, and waits for the last answer. */
export async function offer({ port, bytes, ...options }: Offer): Promise<Offered> {
  const all = await Promise.all(Array.from({ length: options.connections }, () => open(port)));
  const idle = [...all];
  const offered: Offered = {
    ...{ sent: 0, withoutRetryAfter: 0 },
    ...{ acceptedMs: [], refusedMs: [], others: new Map() },
  };
  let running = 0;

  function send(socket: Socket): void {
    const startedMs = performance.now();
    let answer = '';
    function over(): void {
      running -= 1;
      socket.off('data', onData).off('close', over);
      note(offered, answer, performance.now() - startedMs);
    }
    function onData(chunk: Buffer): void {
      answer += chunk.toString('latin1');
      if (!isWhole(answer)) return;
      over();
      idle.push(socket);
    }
    running += 1;
    offered.sent += 1;
    socket.on('data', onData).once('close', over);
    socket.write(bytes);
  }

  const startMs = performance.now();
  const elapsedS = () => (performance.now() - startMs) / 1_000;
  while (elapsedS() < options.seconds) {
    for (let due = elapsedS() * options.perSecond - offered.sent; due > 0; due--) {
      const socket = idle.shift();
      if (socket === undefined) break;
      send(socket);
    }
    await sleep(TURN_MS);
  }
  for (const untilMs = performance.now() + ANSWERED_WITHIN_MS; running > 0;) {
    if (performance.now() > untilMs) throw new Error(`${running} requests were never answered`);
    await sleep(TURN_MS);
  }
  for (const socket of all) socket.destroy();
  return offered;
}

/** A connection that has been answered on: Node takes in one a turn, the kernel keeps the others. */
async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket.on('error', () => {});
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return answer.length >= end + 4 + Number(length ?? 0);
}

function note(offered: Offered, answer: string, tookMs: number): void {
  const status = answer.slice('HTTP/1.1 '.length, 12);
  if (status === '200' && answer.includes('"recordedCount"')) offered.acceptedMs.push(tookMs);
  else if (status === '503' && answer.includes('"OVERLOADED"')) {
    offered.refusedMs.push(tookMs);
    if (!/\r\nretry-after: \d+\r\n/i.test(answer)) offered.withoutRetryAfter += 1;
  } else {
    const what = `${status} ${answer.slice(answer.indexOf('\r\n\r\n') + 4).slice(0, 200)}`;
    offered.others.set(what, (offered.others.get(what) ?? 0) + 1);
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}
