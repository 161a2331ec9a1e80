import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  /** As by `kill -9`. */
  kill(): Promise<void>;
  /** It keeps its connections and answers nothing. */
  pause(): void;
  resume(): void;
  /** On the same port, after `kill`. */
  restart(): Promise<void>;
}

export const hasNats = spawnSync('nats-server', ['--version']).status === 0;
if (!hasNats && process.env['SLUICE_REQUIRE_NATS'] === '1') {
  throw new Error('SLUICE_REQUIRE_NATS is set, and there is no nats-server on this machine');
}

/** @param args such as `--user`, `a`, `--pass`, `b` */
export async function startNats(...args: string[]): Promise<NatsServer> {
  const port = await freePort();
  let child: ChildProcess;

  async function start(): Promise<void> {
    child = spawn('nats-server', ['-a', '127.0.0.1', '-p', `${port}`, ...args], {
      stdio: 'ignore',
    });
    while (!(await answers(port))) await sleep(20);
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    restart: start,
    [Symbol.asyncDispose]: kill,
  };
}

function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise<boolean>(resolve => {
    socket.once('data', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
