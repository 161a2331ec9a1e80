/** What befalls the network between gateway and Postgres. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../arena.ts';
import type { Weather } from '../proxy.ts';

function bad(name: string, what: string, weather: Weather, holdMs: number): Fault {
  return {
    name,
    what,
    holdMs,
    async start({ proxy }) {
      proxy.weather = weather;
      return async () => {
        proxy.weather = 'CLEAR';
        // What was lost or late is not made good: both ends find out.
        proxy.reset();
      };
    },
  };
}

const reset: Fault = {
  name: 'network-reset',
  what: 'every connection is reset, ten times in 3 s',
  async start({ proxy }) {
    for (let times = 0; times < 10; times++) {
      proxy.reset();
      await sleep(300);
    }
    return async () => {};
  },
};

const refused: Fault = {
  name: 'network-refused',
  what: 'connections are refused for 5 s',
  holdMs: 5_000,
  async start({ proxy }) {
    await proxy.shut();
    return () => proxy.open();
  },
};

const answersLost: Fault = {
  ...bad('answers-lost', 'statements are run, and nobody hears of it', 'ANSWERS_LOST', 1_000),
  rounds: 4,
};

export const NETWORK_FAULTS = [
  reset,
  refused,
  bad('network-black-hole', 'nothing passes and nothing is closed for 7 s', 'BLACK_HOLE', 7_000),
  {
    ...bad('network-slow', 'everything takes 120 ms more, for 6 s', 'SLOW', 6_000),
    isHarmless: true,
  },
  bad('network-flaky', 'connections break by chance for 5 s', 'FLAKY', 5_000),
  answersLost,
];
