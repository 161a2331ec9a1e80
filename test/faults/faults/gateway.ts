/** What befalls the gateway's process. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena, Fault } from '../arena.ts';

async function kill(arena: Arena): Promise<() => Promise<void>> {
  await arena.endGateway(0, 'SIGKILL');
  return () => arena.restartGateway(0);
}

const killed: Fault = {
  name: 'gateway-killed',
  what: 'SIGKILL of the gateway under load, again and again',
  rounds: 3,
  start: kill,
};

const killedInFlush: Fault = {
  name: 'gateway-killed-in-flush',
  what: 'SIGKILL while a flush of it waits in Postgres for a lock',
  rounds: 3,
  async start(arena) {
    // Whatever it flushes stands still until it is dead; then Postgres goes on with it.
    await arena.admin.upkeep.hold(async connection => {
      await connection.query('begin');
      await connection.query('lock table event_keys in share row exclusive mode');
      await sleep(150);
      await arena.endGateway(0, 'SIGKILL');
      await connection.query('rollback');
    });
    return () => arena.restartGateway(0);
  },
};

const terminated: Fault = {
  name: 'gateway-terminated',
  what: 'SIGTERM under load: it answers what runs and ends by itself',
  rounds: 2,
  async start(arena) {
    const code = await arena.endGateway(0, 'SIGTERM');
    if (code !== 0) arena.ledger().fault(`after SIGTERM it ended with ${code}`);
    return () => arena.restartGateway(0);
  },
};

const frozen: Fault = {
  name: 'gateway-frozen',
  what: 'SIGSTOP of the gateway for 4 s',
  holdMs: 4_000,
  async start({ gateways }) {
    const { process: child } = gateways[0]!;
    child.kill('SIGSTOP');
    return async () => void child.kill('SIGCONT');
  },
};

const noDescriptors: Fault = {
  name: 'no-descriptors',
  what: 'the gateway has no file descriptor left, while others ask for connections',
  holdMs: 3_000,
  missing() {
    try {
      execFileSync('prlimit', ['--version']);
      return null;
    } catch {
      return 'prlimit is not installed';
    }
  },
  async start({ gateways }) {
    const { process: child, url } = gateways[0]!;
    const { hostname, port } = new URL(url);
    const limit = (max: number) => {
      execFileSync('prlimit', ['--pid', String(child.pid), `--nofile=${max}:`]);
    };
    limit(readdirSync(`/proc/${child.pid}/fd`).length + 3);
    const sockets: Socket[] = [];
    for (let n = 0; n < 200; n++)
      sockets.push(connect(Number(port), hostname).on('error', () => {}));
    return async () => {
      limit(4_096);
      for (const socket of sockets) socket.destroy();
    };
  },
};

export const GATEWAY_FAULTS = [killed, killedInFlush, terminated, frozen, noDescriptors];
