/** What befalls two gateways on one database, with writers on both. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../arena.ts';

const stage = { gateways: 2 } as const;
const over = async () => {};

const alive: Fault = {
  name: 'two-gateways',
  what: 'two gateways record into one workspace for 5 s',
  stage,
  holdMs: 5_000,
  isHarmless: true,
  start: async () => over,
};

const killed: Fault = {
  name: 'two-gateways-killed',
  what: 'SIGKILL of one, then of the other',
  stage,
  async start(arena) {
    for (const n of [0, 1]) {
      await arena.endGateway(n, 'SIGKILL');
      await sleep(300);
      await arena.restartGateway(n);
    }
    return over;
  },
};

const frozen: Fault = {
  name: 'two-gateways-frozen',
  what: 'SIGSTOP of one for 4 s, while the other goes on',
  stage,
  holdMs: 4_000,
  isHarmless: true,
  rounds: 2,
  async start({ gateways }) {
    const { process: child } = gateways[0]!;
    child.kill('SIGSTOP');
    return async () => void child.kill('SIGCONT');
  },
};

const stormy: Fault = {
  name: 'two-gateways-storm',
  what: 'connections of both break by chance for 5 s',
  stage,
  holdMs: 5_000,
  async start({ proxy }) {
    proxy.weather = 'FLAKY';
    return async () => {
      proxy.weather = 'CLEAR';
    };
  },
};

export const GATEWAYS_FAULTS = [alive, killed, frozen, stormy];
